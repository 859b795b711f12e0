"""Whether a network is better than another, in a line."""

from pathlib import Path

import pytest

from tests.training.tiny_recipe import TINY
from training.cli import main
from training.evaluation import METHODS, Evaluation, EvaluationError, ImageRow
from training.metrics.registry import MetricError
from training.verdict import judge_runs


def write_evaluation(folder: Path, figures_db: list[float]) -> Path:
    rows = [
        ImageRow(
            "pairs",
            f"{number}.png",
            0.4,
            {method: {"psnr_db": psnr_db, "ssim": 0.5, "brightness": 0.4} for method in METHODS},
        )
        for number, psnr_db in enumerate(figures_db)
    ]
    folder.mkdir()
    evaluation = Evaluation(folder.name, TINY, 10, 1, tuple(rows))
    (folder / "evaluation.json").write_text(evaluation.to_json())
    return folder


BASE_DB = [14.0, 18.0, 16.0, 20.0, 15.0, 19.0]


@pytest.mark.parametrize(
    ("gains_db", "verdict"),
    [
        ([1, 2, 1, 2, 1, 2], "better than base (+1.50 dB"),
        ([-1, -2, -1, -2, -1, -2], "worse than base (-1.50 dB"),
        # A mean above 0 that is one picture's alone is no evidence.
        ([-1, -1, -1, -1, -1, 8], "no better and no worse than base (+0.50 dB"),
    ],
)
def test_better_is_what_holds_picture_by_picture(
    gains_db: list[int], verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = write_evaluation(tmp_path / "base", BASE_DB)
    own = write_evaluation(tmp_path / "own", [a + b for a, b in zip(BASE_DB, gains_db, strict=True)])
    assert main(["compare", "--brief", str(base), str(own)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{own}: ")
    assert f"on 6 pictures, {verdict}" in printed


@pytest.mark.parametrize(
    ("figures_db", "message"), [(BASE_DB[:5], "different pictures"), (None, "expected two runs or more")]
)
def test_runs_that_cannot_be_compared_are_an_error(
    figures_db: list[float] | None, message: str, tmp_path: Path
) -> None:
    folders = [write_evaluation(tmp_path / "base", BASE_DB)]
    if figures_db:
        folders.append(write_evaluation(tmp_path / "own", figures_db))
    with pytest.raises(EvaluationError, match=message):
        judge_runs(folders)


def test_few_pictures_are_no_evidence(tmp_path: Path) -> None:
    folders = [write_evaluation(tmp_path / name, BASE_DB[:4]) for name in ("base", "own")]
    with pytest.raises(EvaluationError, match="expected 5 pictures or more to judge by, found 4"):
        judge_runs(folders)


def test_less_is_better_where_the_metric_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Figures of PSNR and of hue, a decibel and a degree more in every picture.
    folders = []
    for name, start in (("base", 10.0), ("own", 11.0)):
        scores = [{"psnr_db": start + n, "brightness": 0.4, "hue_shift_degrees": start + n} for n in range(6)]
        rows = [ImageRow("pairs", f"{n}.png", 0.4, dict.fromkeys(METHODS, score)) for n, score in enumerate(scores)]
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        (folders[-1] / "evaluation.json").write_text(Evaluation(name, TINY, 10, 1, tuple(rows)).to_json())
    assert main(["compare", "--brief", *map(str, folders), "--metrics", "psnr,hue"]) == 0
    assert [line.removeprefix(f"{folders[1]}: ") for line in capsys.readouterr().out.splitlines()] == [
        "13.50 dB on 6 pictures, better than base (+1.00 dB, 95 % interval +1.00 to +1.00)",
        "hue shift, degrees 13.5 on 6 pictures, worse than base (+1.0, 95 % interval +1.0 to +1.0)",
    ]
    with pytest.raises(MetricError, match="of which more or less is better, found 'brightness'"):
        judge_runs(folders, ["brightness"])
    with pytest.raises(EvaluationError, match="expected figures of LPIPS, found none; evaluate it again"):
        judge_runs(folders, ["lpips"])


def test_line_with_options_of_a_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--brief", "--html", str(tmp_path / "page.html"), str(tmp_path)])
    assert "--brief prints no table" in capsys.readouterr().err
