"""Variants of a recipe: scored through model files, tabled with what they bring and cost, and the losers named."""

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks.ablation import SetScores, Variant, read_variants, write_variants
from benchmarks.ablation_table import Gain, judge, measure_gain, render_ablation
from benchmarks.cli import main
from benchmarks.documents import ABLATION
from edge_dce.errors import EdgeDceError
from edge_dce.files.pictures import Picture, read_image, write_picture
from edge_dce.models.origin import Origin, append_origin
from tests.training.dark_scenes import write_dark_scenes
from tests.training.tiny_recipe import TINY
from training.network import NETWORKS

PICTURES = 6


def make_variant(
    name: str, *gains_db: float, settings: dict[str, object] | None = None, looking_db: float = 1.0
) -> Variant:
    """Two seeds, which differ by 1 dB and gain alike; a picture's PSNR is 10 dB more than the one's before it."""
    weights = {"exposure": 10.0, "perceptual": 0.0}
    recipe = {"name": "edge", "network": "zero-dce", "flip": False, "loss_weights": weights} | (settings or {})
    scores = {
        str(seed): {
            part: SetScores(
                psnr_db=tuple(10.0 * number + gain + seed for number in range(PICTURES)),
                ssim=(0.5 + gain / 10,) * PICTURES,
                equal_mean_psnr_db=(20.0,) * PICTURES,
                blind_psnr_db=tuple(10.0 * number + gain + seed - looking_db for number in range(PICTURES)),
            )
            for part, gain in zip(("test", "validation"), gains_db, strict=True)
        }
        for seed in (1, 2)
    }
    return Variant(name, f"edge ({name})", recipe, 79_416, (2.0, 4.0), scores)


def test_table_says_what_each_variant_brings_and_costs(tmp_path: Path) -> None:
    base = make_variant("base", 0.0, 0.0)
    flips = make_variant("flips", 0.5, 0.25, settings={"flip": True})
    flips = dataclasses.replace(flips, step_ms=(3.0, 6.0), parameters=80_000)
    loss = make_variant("perceptual", -0.5, 0.0, settings={"loss_weights": {"exposure": 10.0, "perceptual": 1.0}})
    write_variants(tmp_path / "ablation.json", [loss, flips, base])
    table = render_ablation(tmp_path / "ablation.json").splitlines()
    assert table[0].startswith("| variant | test, 6 pairs: dB / SSIM | validation, 6 pairs: dB / SSIM |")
    # Means of 0 to 50 dB, and of the seeds' 1 and 2.
    assert table[2] == "| `edge (base)` | 26.50 / 0.500 | 26.50 / 0.500 | 1.00 dB | 79,416 | – | – |"
    assert table[3] == (
        "| flips: `flip=true` | +0.50 (+0.50 to +0.50) / +0.050 | +0.25 (+0.25 to +0.25) / +0.025 "
        "| 1.00 dB | 80,000 | 1.50 times | better |"
    )
    assert table[4].startswith("| perceptual: `loss_weights.perceptual=1.0` | -0.50 (-0.50 to -0.50) / -0.050 |")
    assert table[4].endswith("| 1.00 dB | 79,416 | 1.00 times | worse |")


def test_gain_that_another_seed_loses_decides_nothing() -> None:
    base, variant = make_variant("base", 0.0, 0.0), make_variant("other", 0.5, 0.5)
    assert measure_gain(variant, base, "test", "psnr_db").sign == 1
    worse = make_variant("other", -0.1, -0.1)
    mixed = dataclasses.replace(variant, scores={"1": variant.scores["1"], "2": worse.scores["2"]})
    gain = measure_gain(mixed, base, "test", "psnr_db")
    assert gain.mean == pytest.approx(0.2)
    assert gain.low > 0
    assert gain.sign == 0


def test_gain_too_small_to_train_for_is_none() -> None:
    base, variant = make_variant("base", 0.0, 0.0), make_variant("other", 0.09, 0.11)
    assert [measure_gain(variant, base, name, "psnr_db").sign for name in ("test", "validation")] == [0, 1]


def test_network_that_does_not_look_at_its_picture_gets_no_verdict(tmp_path: Path) -> None:
    base, blind = make_variant("base", 0.0, 0.0), make_variant("blind", 0.5, 0.5, looking_db=-0.01)
    write_variants(tmp_path / "ablation.json", [base, blind])
    row = render_ablation(tmp_path / "ablation.json").splitlines()[3]
    assert "| 0.01 dB |" in row
    assert row.endswith("| one fixed curve |")


def test_variants_without_a_seed_in_common_are_an_error() -> None:
    base, variant = make_variant("base", 0.0, 0.0), make_variant("other", 0.5, 0.5)
    other = dataclasses.replace(variant, scores={"7": variant.scores["1"]})
    with pytest.raises(EdgeDceError, match="trained with a seed of 'base', found 7 and 1 2"):
        measure_gain(other, base, "test", "psnr_db")


def test_times_of_steps_are_left_out_where_the_base_has_none(tmp_path: Path) -> None:
    base = dataclasses.replace(make_variant("base", 0.0, 0.0), step_ms=())
    write_variants(tmp_path / "ablation.json", [base, make_variant("flips", 0.5, 0.5)])
    assert render_ablation(tmp_path / "ablation.json").splitlines()[3].endswith("| 79,416 | – | better |")


SURE, UNSURE = (0.1, 0.9), (-0.9, 0.9)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([(0.5, SURE), (0.04, UNSURE)], "better"),
        ([(0.3, UNSURE), (-0.3, UNSURE)], "no difference"),
        ([(0.5, SURE), (-0.5, (-0.9, -0.1))], "mixed"),
        # Sure of one set, and a loss on another where chance is not ruled out.
        ([(0.5, SURE), (-0.3, UNSURE)], "mixed"),
        ([(0.0, UNSURE), (-0.5, (-0.9, -0.1))], "worse"),
    ],
)
def test_verdict_is_of_all_sets(gains: list[tuple[float, tuple[float, float]]], verdict: str) -> None:
    assert judge([Gain(mean, (mean, mean), *interval) for mean, interval in gains]) == verdict


def test_results_without_a_base_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ablation.json"
    write_variants(path, [make_variant("flips", 0.5, 0.5)])
    with pytest.raises(EdgeDceError, match="expected a variant 'base'"):
        read_variants(path)
    path.write_text(json.dumps({"schema": 7}))
    with pytest.raises(EdgeDceError, match="expected schema 2, found 7"):
        read_variants(path)


def test_networks_of_a_folder_are_scored_through_their_model_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low, high, networks = (tmp_path / name for name in ("low", "high", "networks"))
    write_dark_scenes(low, 3, seed=1)
    for folder in (high, networks):
        folder.mkdir()
    for path in low.iterdir():
        write_picture(Picture(255 - read_image(path)), high / path.name)
    network = NETWORKS["zero-dce"].build()
    network.save(networks / "base-7.keras")
    data = {"title": "made", "train_files": 1, "train_sha256": "0" * 64}
    append_origin(networks / "base-7.keras", Origin(json.loads(TINY.to_json()), 1, data, "tiny", uses_partners=False))
    (networks / "step_ms.json").write_text(json.dumps({"base": [1.0, 2.0]}))
    result = tmp_path / "ablation.json"
    assert main(["ablation", str(networks), "--pairs", "test", str(low), str(high), "-o", str(result)]) == 0
    assert "| `tiny` |" in capsys.readouterr().out
    (variant,) = read_variants(result)
    assert (variant.parameters, variant.step_ms, list(variant.scores)) == (79_416, (1.0, 2.0), ["7"])
    scores = variant.scores["7"]["test"]
    assert len(scores.psnr_db) == len(scores.ssim) == len(scores.equal_mean_psnr_db) == 3
    # Fresh weights give each picture another map.
    assert scores.blind_psnr_db != scores.psnr_db


def test_committed_results_have_three_sets_and_three_seeds_of_every_variant() -> None:
    variants = read_variants(ABLATION)
    assert len(variants) == 10
    for variant in variants:
        assert variant.scores.keys() == {"2001", "2002", "2003"}
        for scores in variant.scores.values():
            assert [len(each.ssim) for each in scores.values()] == [30, 85, 60]
