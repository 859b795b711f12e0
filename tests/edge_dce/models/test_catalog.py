import re
from pathlib import Path

import pytest

from edge_dce.errors import ModelError
from edge_dce.models import catalog
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, bundled_models, find_model

# Our recipes make an epoch of so many pictures.
EPOCH_PICTURES = {"curves": 360, "tone": 4000}


def test_default_model_is_bundled() -> None:
    assert find_model(DEFAULT_MODEL) in bundled_models()


@pytest.mark.parametrize("path", bundled_models(), ids=lambda path: path.stem)
def test_bundled_models_say_what_they_are(path: Path) -> None:
    card = read_model_file(path).card
    assert card is not None
    assert card.name == path.stem
    assert path.stem.endswith(card.precision)
    assert card.source.epochs * EPOCH_PICTURES[card.contract] >= 20 * 360
    assert re.search("LOL|panoramas", card.source.data)
    assert card.fidelity is not None
    # The bounds of the conversion: int8 curves may cost this much of the picture and no more.
    assert card.fidelity.psnr_db >= 45
    assert card.fidelity.worst_psnr_db >= 38


def test_bundled_int8_model_is_integer_throughout_and_takes_bytes_as_they_are() -> None:
    card = read_model_file(find_model(DEFAULT_MODEL)).card
    assert card is not None
    assert card.census.dtype.keys() <= {"INT8", "UINT8", "INT32"}
    assert card.input.dtype == "uint8"
    assert card.input.zero_point == 0
    assert card.input.scale == pytest.approx(1 / 255, rel=1e-6)
    assert card.calibration is not None


def test_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert find_model(tmp_path / "other.tflite") == tmp_path / "other.tflite"


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=DEFAULT_MODEL):
        find_model("zero-dse")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("zero-dce-scene", "zero-dce-scene-256x256-float16 or zero-dce-scene-256x256-int8"),
        ("zero-dce-128x128-int9", "zero-dce-128x128-int8"),
    ],
)
def test_name_that_is_nearly_one_is_suggested(word: str, meant: str) -> None:
    with pytest.raises(ModelError, match=f"did you mean {re.escape(meant)}\\?"):
        find_model(word)


def test_hashes_of_the_bundled_models_are_known() -> None:
    found = {path.stem: read_model_file(path).sha256 for path in bundled_models()}
    # Where models are replaced on purpose, this is what the catalog should say.
    assert found == catalog._SHA256
