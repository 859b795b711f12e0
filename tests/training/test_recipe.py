"""Recipes: data that is checked, printed, changed field by field and saved."""

import dataclasses
import json
from pathlib import Path

import pytest

from training.cli import main
from training.recipe import RECIPES, Recipe, RecipeError
from training.run import Run
from training.settings import override


def test_recipe_survives_writing_and_reading(tmp_path: Path) -> None:
    for recipe in RECIPES.values():
        assert Recipe.from_json(recipe.to_json(), origin=tmp_path) == recipe


def test_unreadable_recipe_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="expected a recipe of this version"):
        Recipe.from_json('{"name": "x"}', origin=tmp_path)


@pytest.mark.parametrize("changes", [{"network": "none"}, {"epochs": "many"}, {"network": []}, {"initializer": "none"}])
def test_saved_recipe_that_no_run_can_be_made_of_is_an_error(changes: dict[str, object], tmp_path: Path) -> None:
    fields = json.loads(RECIPES["edge"].to_json()) | changes
    (tmp_path / "recipe.json").write_text(json.dumps(fields))
    with pytest.raises(RecipeError, match=r"recipe 'edge': (expected|a field has the wrong type)"):
        Run(tmp_path).read_recipe()


def test_report_recipe_is_the_reports() -> None:
    report = RECIPES["report"]
    assert (report.resize_px, report.batch_size, report.epochs, report.learning_rate) == (256, 16, 70, 1e-4)
    assert (report.test_files, report.validation_from, report.exposure_target) == (30, 400, 0.6)
    weighed = {name: weight for name, weight in report.loss_weights.to_fields().items() if weight != 0}
    assert weighed == {
        "spatial_consistency": 1,
        "exposure": 10,
        "color_constancy": 5,
        "illumination_smoothness": 200,
    }


def test_paper_recipe_has_the_weights_that_the_paper_prints() -> None:
    # Section 3.3: spatial and exposure 1, color 0.5, smoothness 20.
    assert dataclasses.astuple(RECIPES["paper"].loss_weights)[:4] == (1, 1, 0.5, 20)


def test_our_default_never_asks_for_a_normal_light_picture() -> None:
    assert not RECIPES["edge-scene"].uses_partners
    assert RECIPES["paired"].uses_partners


def test_fields_are_set_from_text() -> None:
    settings = ["learning_rate=3e-4", "flip=false", "crop_px=64", "ema=none", "loss_weights.exposure=4"]
    recipe = override(RECIPES["edge"], settings)
    assert (recipe.learning_rate, recipe.flip, recipe.crop_px, recipe.ema) == (3e-4, False, 64, None)
    assert recipe.loss_weights == dataclasses.replace(RECIPES["edge"].loss_weights, exposure=4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("learning_rat=1", "did you mean learning_rate?"),
        ("learning_rate", "expected FIELD=VALUE"),
        ("learning_rate=fast", "expected float, found 'fast'"),
        ("epochs=1.5", "expected int, found '1.5'"),
        ("flip=perhaps", "expected bool, found 'perhaps'"),
        ("name=other", "there is no field 'name' to set"),
        ("weights.exposure=1", "no field 'weights.exposure'"),
        ("exposure_target=1.2", "expected exposure_target between 0 and 1"),
        ("channels=2", "expected channels to be 1, 3 or 4"),
        ("network=resnet", "expected network to be one of zero-dce"),
        ("crop_px=512", "expected crop_px from 16 to resize_px"),
        ("resize_px=40", "multiples of 16, for its network"),
        ("initializer=foo", "expected initializer"),
        ("seed=-1", "expected epoch_images and seed"),
        ("exposure_region_px=0", "expected regions within the crop"),
        ("validation_from=30", "expected test_files from 0 to less than validation_from"),
        ("loss_weights.exposure=nan", "expected loss_weights not to be negative"),
        ("clip_norm=0", "expected clip_norm above 0"),
        ("perceptual_features=mine", "expected perceptual_features to be one of published random"),
        ("tone.views=3", "there is no field 'tone.views' to set"),
        ("network=tone", "expected tone to be set for the networks that return one"),
        ("loss_weights.neutrality=1", "expected steadiness and neutrality to be 0"),
    ],
)
def test_setting_without_meaning_is_one_line(setting: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--show", "--set", setting]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("tone.width_px=200", "multiples of 32, for its network"),
        ("crop_px=none", "expected crop_px to be a multiple of 8"),
        ("crop_px=208", "expected crop_px up to half of tone.picture_width_px"),
        ("tone.made_share=-1", "not to be negative"),
        ("tone.least_gain=9", "expected tone.least_gain above 0, up to exposure_gain"),
        ("loss_weights.adversarial=1", "expected adversarial to be 0"),
        ("loss_weights.perceptual=0.1", "expected perceptual to be 0"),
        ("loss_weights.color_constancy=1", "expected color_constancy to be 0"),
        ("noise=0.1", "expected noise to be left out"),
        ("curve_root=4", "expected curve_root to be left out"),
        ("tone.rendering=none", "expected tone.rendering to be one of filmic fused balanced"),
        ("network=zero-dce", "expected tone to be set for the networks that return one"),
        ("channels=1", "expected 3 channels for a tone"),
    ],
)
def test_tone_setting_without_meaning_is_one_line(
    setting: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "--recipe", "edge-tone", "--show", "--set", setting]) == 1
    assert message in capsys.readouterr().err


def test_tone_recipe_says_what_was_changed() -> None:
    assert override(RECIPES["edge-tone"], ["tone.views=7"]).title == "edge-tone (tone.views=7)"


def test_clean_recipe_takes_no_pairs() -> None:
    clean = RECIPES["edge-tone-clean"].tone
    assert clean is not None
    assert clean.pair_share == 0 < clean.view_share


def test_title_says_what_was_changed() -> None:
    assert RECIPES["edge"].title == "edge"
    assert override(RECIPES["edge"], ["seed=7", "loss_weights.exposure=4"]).title == (
        "edge (seed=7, loss_weights.exposure=4.0)"
    )
    assert Recipe(name="own", epochs=1, batch_size=1).title == "own"


def test_show_prints_the_recipe_with_what_was_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--recipe", "report", "--set", "seed=7", "--epochs", "2", "--show"]) == 0
    shown = Recipe.from_json(capsys.readouterr().out, origin=tmp_path)
    assert shown == dataclasses.replace(RECIPES["report"], seed=7, epochs=2)


def test_training_without_data_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "--out", "run"])
    assert "--data is missing; training needs it, or --panoramas" in capsys.readouterr().err
