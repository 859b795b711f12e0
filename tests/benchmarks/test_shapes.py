"""What docs/reliability.md promises of memory, for small pictures of every shape; the benchmark has large ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import shapes
from benchmarks.cli import main
from benchmarks.shape_files import WRITERS
from edge_dce.files.pictures import read_picture

# Enough that a shape which takes a multiple shows beside what the program itself takes.
_MEGAPIXELS = 8


@pytest.mark.parametrize("kind", list(WRITERS))
def test_no_shape_takes_more_memory_than_promised(kind: str) -> None:
    uses = shapes.measure_shapes([kind], megapixels=_MEGAPIXELS, bits=(8,) if kind == "JPEG" else (16,))
    assert {(use.width > use.height, use.width < use.height) for use in uses} == {(1, 0), (0, 1), (0, 0)}
    assert all(use.is_within for use in uses), shapes.format_shapes(uses)
    (square,) = (use for use in uses if use.width == use.height)
    bars = [use for use in uses if use.width != use.height and min(use.width, use.height) > 1]
    # Files of tiles are larger where the last ones are filled up; half as much again is what allocators keep.
    assert max(use.own_mb for use in bars) < 1.5 * square.own_mb, shapes.format_shapes(uses)


def test_what_promises_too_much_is_refused() -> None:
    assert len(shapes.measure_refusals()) == 7


@pytest.mark.parametrize("kind", list(WRITERS))
def test_files_are_of_the_shape_that_was_asked_for(tmp_path: Path, kind: str) -> None:
    write, suffix, _ = WRITERS[kind]
    bits = 8 if kind == "JPEG" else 16
    write(tmp_path / f"in{suffix}", 300, 21, bits)
    picture = read_picture(tmp_path / f"in{suffix}")
    assert picture.image.shape == (21, 300, 3)
    assert picture.image.dtype == np.dtype(f"u{bits // 8}")
    # Dark noise, the same in every kind but for what JPEG loses.
    assert picture.image.std() > 0
    assert picture.image.max() < 0.3 * 2**bits


def test_record_is_shown_as_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use = shapes.ShapeUse("PNG", 1000, 1000, 8, peak_mb=120.0, file_mb=2.0, base_mb=90.0)
    monkeypatch.setattr("benchmarks.cli.measure_shapes", lambda megapixels: (use,))
    monkeypatch.setattr("benchmarks.cli.measure_refusals", lambda: (shapes.Refusal("a row", 0.05),))
    assert main(["shapes", "--json", str(tmp_path / "shapes.json")]) == 0
    # 28 MB of a million pixels, whose samples are 2.86 MB.
    assert "29.4" in capsys.readouterr().out
    rendered = shapes.render_shapes(json.loads((tmp_path / "shapes.json").read_text()))
    assert "| PNG | 8 | 1000x1000 | 120 | 2 | 29.4 | 9.8 | yes |" in rendered
    assert "within 0.05 s" in rendered


def test_more_than_promised_is_an_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    use = shapes.ShapeUse("PNG", 1000, 1000, 8, peak_mb=500.0, file_mb=2.0, base_mb=90.0)
    monkeypatch.setattr("benchmarks.cli.measure_shapes", lambda megapixels: (use,))
    monkeypatch.setattr("benchmarks.cli.measure_refusals", lambda: ())
    assert main(["shapes"]) == 1
