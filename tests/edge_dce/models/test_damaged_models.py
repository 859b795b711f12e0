"""A damaged model file is one ModelError, or behaves like a sound model; it never ends the process that loads it.

What no check can know is asserted as such: damaged weights of a file without card give another picture, not an error.
The batch runs in a child of the test, so that a crash is a failed test that names the file, not the end of all tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edge_dce.enhancer import load
from edge_dce.errors import EdgeDceError, ModelError
from edge_dce.models import trial
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import bundled_models
from edge_dce.models.flatbuffer import check_flatbuffer

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "tests" / "models"
SOUND = [*bundled_models(), *sorted(MODELS.glob("tiny-*.tflite"))]
WITHOUT_CARD = MODELS / "without-card-24-maps.tflite"
FILES = 500
IMAGE = np.random.default_rng(1).integers(0, 60, (20, 24, 3)).astype(np.uint8)


def truncate(data: bytearray, random: np.random.Generator) -> None:
    del data[int(random.integers(8, len(data))) :]


def flip_bits(data: bytearray, random: np.random.Generator) -> None:
    """Of 1 to 64 bytes."""
    for at in random.integers(8, len(data), 2 ** int(random.integers(0, 7))):
        data[at] ^= 1 << int(random.integers(0, 8))


def swap_sections(data: bytearray, random: np.random.Generator) -> None:
    size = int(random.integers(4, len(data) // 3))
    first = int(random.integers(8, len(data) - 2 * size))
    second = int(random.integers(first + size, len(data) - size + 1))
    data[first : first + size], data[second : second + size] = data[second : second + size], data[first : first + size]


def zero_range(data: bytearray, random: np.random.Generator) -> None:
    start = int(random.integers(8, len(data) - 4))
    stop = min(len(data), start + int(random.integers(4, len(data) // 8)))
    data[start:stop] = bytes(stop - start)


def change_offsets(data: bytearray, random: np.random.Generator) -> None:
    """Of whichever up to four words are hit: most of a small model are offsets, indices and sizes."""
    for at in 4 * random.integers(2, len(data) // 4, int(random.integers(1, 5))):
        old = int.from_bytes(data[at : at + 4], "little")
        words = (0, 1, len(data), 2**31 - 1, 2**31, 2**32 - 1, (old + 4) % 2**32, (old - 4) % 2**32)
        data[at : at + 4] = words[int(random.integers(len(words)))].to_bytes(4, "little")


DAMAGES = (truncate, flip_bits, swap_sections, zero_range, change_offsets)


def make_damaged_files(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Most of them with a card, all different from the file they are made of; paths, and whether the card is there."""
    random = np.random.default_rng(2026)
    sound = [read_model_file(path) for path in [*SOUND, WITHOUT_CARD]]
    for number in range(FILES):
        damage = DAMAGES[number % len(DAMAGES)]
        model = sound[(number // len(DAMAGES)) % len(sound)]
        content = bytearray(model.content)
        while content == model.content:
            damage(content, random)
        has_card = model.card is not None and number % 3 != 0
        path = folder / f"{number}-{damage.__name__}-{'card' if has_card else 'plain'}-{model.path.name}"
        # The card as the file had it: it goes on stating the hash of the sound model.
        path.write_bytes(bytes(content) + (model.path.read_bytes()[len(model.content) :] if has_card else b""))
        yield path, has_card


def load_and_enhance(path: Path) -> str:
    """In one line what became of a file; whatever is no EdgeDceError goes up."""
    print(f"loading {path.name}", flush=True)
    try:
        bright = load(path, threads=1, contract="curves").enhance(IMAGE)
    except EdgeDceError as error:
        return f"{type(error).__name__}: {error}"
    return f"image {bright.shape} {bright.dtype}"


def main(folder: Path) -> None:
    """The batch: `FILES` files made and loaded, the outcome of each written to outcomes.json."""
    paths, cards = zip(*make_damaged_files(folder), strict=True)
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(load_and_enhance, paths))
    lines = [(path.name, card, outcome) for path, card, outcome in zip(paths, cards, outcomes, strict=True)]
    (folder / "outcomes.json").write_text(json.dumps(lines))


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[str, bool, str]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-X", "faulthandler", "-m", "tests.edge_dce.models.test_damaged_models", folder]
        child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert child.returncode == 0, (
            f"loading damaged models ended the process with status {child.returncode}; the last three files were\n"
            + "\n".join(child.stdout.splitlines()[-3:])
            + f"\n{child.stderr[-3000:]}"
        )
        return [tuple(line) for line in json.loads((Path(folder) / "outcomes.json").read_text())]


def test_damaged_models_leave_the_process_alive(outcomes: list[tuple[str, bool, str]]) -> None:
    assert len(outcomes) == FILES


def test_damaged_model_with_card_is_always_an_error(outcomes: list[tuple[str, bool, str]]) -> None:
    with_card = [(name, outcome) for name, has_card, outcome in outcomes if has_card]
    assert len(with_card) > FILES / 3
    assert [line for line in with_card if not line[1].startswith("CardError: ")] == []


def test_damaged_model_without_card_is_an_error_or_gives_a_picture(outcomes: list[tuple[str, bool, str]]) -> None:
    without = [(name, outcome) for name, has_card, outcome in outcomes if not has_card]
    errors = [line for line in without if line[1].startswith("ModelError: ")]
    pictures = [line for line in without if line[1] == f"image {IMAGE.shape} uint8"]
    assert len(errors) + len(pictures) == len(without)
    # Four of five truncated, swapped or redirected files are told from sound ones; in weights nothing can be.
    assert len(errors) > len(without) / 2


def test_every_error_is_one_line_that_says_what_to_do(outcomes: list[tuple[str, bool, str]]) -> None:
    for name, _, outcome in outcomes:
        assert "\n" not in outcome
        assert outcome.startswith("image") or name in outcome
        assert "Traceback" not in outcome


@pytest.mark.parametrize("path", [*SOUND, *sorted(MODELS.glob("without-card-*"))], ids=lambda path: path.stem)
def test_sound_model_passes_without_its_card(path: Path) -> None:
    check_flatbuffer(ModelFile(path, read_model_file(path).content, None))


def test_sound_model_stripped_of_its_card_gives_the_same_picture(tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.tflite"
    stripped.write_bytes(read_model_file(MODELS / "tiny-16x16-int8.tflite").content)
    with_card = load(MODELS / "tiny-16x16-int8.tflite").enhance(IMAGE)
    np.testing.assert_array_equal(load(stripped, contract="curves").enhance(IMAGE), with_card)


def test_model_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_SECONDS", 2)
    with pytest.raises(ModelError, match="no result after 2 s"):
        load(MODELS / "endless.tflite", contract="curves")


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux only")
def test_model_that_asks_for_120_gb_is_an_error() -> None:
    with pytest.raises(ModelError, match="cannot run this model"):
        load(MODELS / "greedy.tflite", contract="curves")


def test_name_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "name.tflite"
    path.write_bytes(WITHOUT_CARD.read_bytes().replace(b"serving_default", b"serving\xffdefault", 1))
    with pytest.raises(ModelError, match="expected a whole TFLite model"):
        load(path)


def test_weight_that_is_no_number_is_an_error_not_a_black_picture(tmp_path: Path) -> None:
    sound = WITHOUT_CARD.read_bytes()
    bias = np.full(24, -0.4, "<f4").tobytes()
    assert sound.count(bias) == 1
    path = tmp_path / "nan.tflite"
    path.write_bytes(sound.replace(bias, np.full(24, np.nan, "<f4").tobytes()))
    with pytest.raises(ModelError, match="values that are not numbers"):
        load(path)


def test_system_that_starts_no_child_refuses_a_model_that_is_not_bundled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGE_DCE_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ModelError, match=r"none can start here .* use a bundled model"):
        load(WITHOUT_CARD)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
