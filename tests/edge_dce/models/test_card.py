import dataclasses
import io
import json
import os
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from edge_dce.cli import main
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


def write_archive(path: Path, *entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A model with an archive of our making behind it."""
    path.write_bytes(read_model_file(INT8).content)
    with zipfile.ZipFile(path, "a", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def test_card_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    # 3 MB that would become 3 GB, and 6 GB while they are put together.
    deflator = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    packed = b"".join(deflator.compress(zeros) for _ in range(3 << 10)) + deflator.flush()
    assert len(packed) > 3_000_000
    path = write_archive(tmp_path / "bomb.tflite", ("edge-dce-card.json", packed), method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    # Both headers: what is stored is called deflated; the sizes say what comes of it, or, hidden, little.
    for told in (3 << 30, 1000):
        for place, method, sizes in ((data.index(b"PK\x03\x04"), 8, 18), (data.index(b"PK\x01\x02"), 10, 20)):
            data[place + method : place + method + 2] = (8).to_bytes(2, "little")
            data[place + sizes : place + sizes + 8] = len(packed).to_bytes(4, "little") + told.to_bytes(4, "little")
        path.write_bytes(data)
        tracemalloc.start()
        try:
            with pytest.raises(CardError, match="its card is damaged"):
                read_model_file(path)
            # The file itself, and what looking for an archive's end copies of it.
            assert tracemalloc.get_traced_memory()[1] < 4 * len(data)
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_card_is_stored_or_deflated(tmp_path: Path, method: int) -> None:
    text = read_card().to_json().encode()
    with pytest.raises(CardError, match=f"compressed by method {method}"):
        read_model_file(write_archive(tmp_path / "a.tflite", ("edge-dce-card.json", text), method=method))
    stored = write_archive(tmp_path / "b.tflite", ("edge-dce-card.json", text), method=zipfile.ZIP_STORED)
    assert read_model_file(stored).card == read_card()


def test_files_of_other_tools_may_lie_beside_the_card(tmp_path: Path) -> None:
    entries = (("labels.txt", b"cat\ndog"), ("edge-dce-card.json", read_card().to_json().encode()))
    model = read_model_file(write_archive(tmp_path / "a.tflite", *entries))
    assert (model.card, model.content) == (read_card(), read_model_file(INT8).content)


def test_archive_of_too_many_files_is_refused(tmp_path: Path) -> None:
    entries = [(f"{number}.txt", b"") for number in range(100)]
    with pytest.raises(CardError, match="an archive of 100 files"):
        read_model_file(write_archive(tmp_path / "a.tflite", *entries))


def test_card_behind_another_card_is_refused(tmp_path: Path) -> None:
    text = read_card().to_json().encode()
    path = write_archive(tmp_path / "a.tflite", ("labels.txt", b"cat"))
    # Started anew, an archive knows nothing of what is before it.
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("edge-dce-card.json", text)
    path.write_bytes(path.read_bytes() + stream.getvalue())
    with pytest.raises(CardError, match="more than one"):
        read_model_file(path)


def test_two_cards_in_one_archive_are_refused(tmp_path: Path) -> None:
    text = read_card().to_json().encode()
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write_archive(tmp_path / "a.tflite", *[("edge-dce-card.json", text)] * 2)
    with pytest.raises(CardError, match="more than one"):
        read_model_file(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 5000),
        ("toolchain", {f"tool {number}": "1" for number in range(5000)}),
        ("float_layers", ["x"] * 5000),
        ("iterations", 10**30),
        ("census", {"op": {"a": [[[[[[[[1]]]]]]]]}, "dtype": {}}),
    ],
)
def test_field_of_any_length_is_refused(field: str, value: object) -> None:
    fields = json.loads(read_card().to_json()) | {field: value}
    with pytest.raises(CardError, match="its card cannot be read"):
        ModelCard.from_json(json.dumps(fields), origin=INT8)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipe_and_device_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pipe.tflite" if kind == "pipe" else Path("/dev/zero")
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(ModelError, match="cannot be read \\(a pipe or device\\)"):
        read_model_file(path)


def test_escapes_in_a_card_do_not_reach_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wild = dataclasses.replace(read_card(), name="\x1b[31m\x1b]0;owned\x07", toolchain={"\x9b": "a\nname: b"})
    path = tmp_path / "wild.tflite"
    path.write_bytes(append_card(read_model_file(INT8).content, wild))
    assert main(["info", str(path)]) == 0
    shown = capfd.readouterr().out
    assert r"name: \x1b[31m\x1b]0;owned\x07  " in shown
    assert r"  \x9b: a\nname: b" in shown
    assert main(["info", str(path), "--json"]) == 0
    shown += capfd.readouterr().out
    assert not set("\x1b\x9b\x07") & set(shown)


def test_tone_has_no_iterations_whatever_its_card_says() -> None:
    written = dataclasses.replace(read_card(), contract="tone").to_json()
    assert '"iterations": 8' in written
    assert ModelCard.from_json(written, origin=INT8).iterations is None
