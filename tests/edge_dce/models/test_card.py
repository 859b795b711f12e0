import dataclasses
import json
import zipfile
from pathlib import Path

import pytest

from edge_dce.errors import CardError, ModelError
from edge_dce.models.card import ModelCard, append_card, read_model_file

MODELS = Path(__file__).resolve().parents[2] / "models"
INT8 = MODELS / "tiny-16x16-int8.tflite"


def read_card() -> ModelCard:
    card = read_model_file(INT8).card
    assert card is not None
    return card


def test_card_survives_writing_and_reading() -> None:
    card = read_card()
    assert ModelCard.from_json(card.to_json(), origin=INT8) == card


def test_card_can_be_read_by_the_standard_library() -> None:
    with zipfile.ZipFile(INT8) as archive:
        assert json.loads(archive.read("edge-dce-card.json"))["schema"] == 3


def test_card_of_the_first_schema_means_the_papers_curve() -> None:
    fields = json.loads(read_card().to_json())
    del fields["root"]
    card = ModelCard.from_json(json.dumps(fields | {"schema": 1}), origin=INT8)
    assert (card.iterations, card.root) == (8, 1)


def test_card_of_the_second_schema_has_less_to_tell() -> None:
    fields = json.loads(read_card().to_json())
    for name in ("float_layers", "fine_tuned_epochs", "runtimes"):
        del fields[name]
    for name in ("duplicates", "skipped", "dark_share", "has_highlight", "instability", "ranges"):
        del fields["calibration"][name]
    for name in ("map_max_abs", "color_shift", "banding", "drop_db"):
        del fields["fidelity"][name]
    card = ModelCard.from_json(json.dumps(fields | {"schema": 2}), origin=INT8)
    assert card.runtimes == ()
    assert card.calibration is not None
    assert (card.calibration.dark_share, card.calibration.ranges) == (None, "min-max")


def test_content_is_the_model_without_the_card(tmp_path: Path) -> None:
    model = read_model_file(INT8)
    assert append_card(model.content, read_card()) == INT8.read_bytes()
    assert INT8.read_bytes().startswith(model.content)
    assert len(model.content) < INT8.stat().st_size


def test_file_without_card_is_read_whole() -> None:
    model = read_model_file(MODELS / "without-card-3-maps.tflite")
    assert model.card is None
    assert model.content == model.path.read_bytes()


@pytest.mark.parametrize("offset", [8, 500, 1500])
def test_one_changed_byte_of_the_model_is_noticed(tmp_path: Path, offset: int) -> None:
    data = bytearray(INT8.read_bytes())
    data[offset] ^= 0xFF
    path = tmp_path / "changed.tflite"
    path.write_bytes(data)
    with pytest.raises(CardError, match="damaged"):
        read_model_file(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"schema": 3', b'"schema": 4', "expected a card of schema 3, found 4"),
        (b'"precision"', b'"praecision"', "card cannot be read"),
        (b"{", b"[", "card cannot be read"),
        (b'"iterations": 8', b'"iterations": 0', "card cannot be read"),
        (b'"iterations": 8', b'"iterations": 4', "expected 8 iterations, found 4"),
        (b'"iterations": 8', b'"iterations": "8"', "card cannot be read"),
        (b'"root": 1', b'"root": 3', "card cannot be read"),
        (b'"precision": "int8"', b'"precision": null', "card cannot be read"),
    ],
)
def test_card_of_another_form_is_refused(old: bytes, new: bytes, message: str) -> None:
    text = read_card().to_json().encode().replace(old, new, 1)
    with pytest.raises(CardError, match=message):
        ModelCard.from_json(text, origin=INT8)


def test_damaged_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(INT8.read_bytes())
    start = data.rindex(b"PK\x03\x04")
    data[start + 60 : start + 90] = bytes(30)
    path = tmp_path / "damaged.tflite"
    path.write_bytes(data)
    with pytest.raises(CardError, match="card is damaged"):
        read_model_file(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "empty file"), (b"no model at all", "identifier TFL3"), (b"\x1c\0\0\0TFL", "identifier TFL3")],
)
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=message):
        read_model_file(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        read_model_file(tmp_path / "missing.tflite")
    with pytest.raises(ModelError, match="cannot be read"):
        read_model_file(tmp_path)


def test_append_card_states_the_hash_of_the_model(tmp_path: Path) -> None:
    wrong = dataclasses.replace(read_card(), sha256="0" * 64)
    path = tmp_path / "model.tflite"
    path.write_bytes(append_card(read_model_file(INT8).content, wrong))
    assert read_model_file(path).card == read_card()


def test_tone_has_no_iterations_whatever_its_card_says() -> None:
    written = dataclasses.replace(read_card(), contract="tone").to_json()
    assert '"iterations": 8' in written
    assert ModelCard.from_json(written, origin=INT8).iterations is None
