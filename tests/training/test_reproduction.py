"""`make reproduce`: a model made again from its network and from its recipe, on made data."""

import dataclasses
import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import converters.cli
import training.cli
from edge_dce.models.card import append_card, read_model_file
from edge_dce.models.catalog import bundled_models
from scripts import reproduce
from scripts.reproduce import ORIGINALS, Original, Reproduction, ReproductionError, compare_figures, compare_files
from tests.training.lol_folder import write_lol
from tests.training.tiny_recipe import TINY
from training.datasets.sets import Source
from training.evaluation import FILE_NAME
from training.export import export
from training.fitting import fit
from training.recipe import RECIPES, Recipe
from training.run import Run

FILES = ["tiny-16x16-float16.tflite", "tiny-16x16-int8.tflite"]


@pytest.fixture(scope="module")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reproduction]:
    """Of a network that was trained, scored, exported and converted as a bundled one is, all but the recipe's size."""
    folder = tmp_path_factory.mktemp("reproduction")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, TINY.name, dataclasses.replace(TINY, epochs=2))
        yield Reproduction(
            TINY.name,
            Original("tiny-run", "tiny-run/network.keras", "16x16"),
            write_lol(folder / "LOL"),
            folder / "out",
            results=folder / "results",
            bundled=folder / "bundled",
        )


@pytest.fixture(scope="module")
def committed(reproduction: Reproduction) -> Path:
    run = Run(reproduction.results / "tiny-run")
    fit([Source.parse(str(reproduction.lol))], RECIPES[TINY.name], run, verbose=0)
    assert training.cli.main(["evaluate", str(run.folder), "--data", str(reproduction.lol)]) == 0
    export(run, run.folder / "network.keras")
    return run.folder


@pytest.fixture(scope="module")
def converted(reproduction: Reproduction, committed: Path) -> list[str]:
    """What the conversion says, where the bundled files were made by the commands of docs/converting.md."""
    split = ["split", "--data", str(reproduction.lol), "--recipe", TINY.name]
    for part in ("train", "validation"):
        assert training.cli.main([*split, "--part", part, "-o", str(reproduction.bundled / part)]) == 0
    (reproduction.bundled / "tiny.keras").write_bytes((committed / "network.keras").read_bytes())
    low = {part: str(reproduction.bundled / part / "low") for part in ("train", "validation")}
    truth = str(reproduction.bundled / "validation" / "high")
    order = [str(reproduction.bundled / "tiny.keras"), "--size", "16x16", "--truth", truth]
    pictures = ["--calibration", low["train"], "--evaluation", low["validation"], "-o", str(reproduction.bundled)]
    prove = ["--prove", str(reproduce._OTHER_RUNTIME)] if reproduce._OTHER_RUNTIME.exists() else []
    assert converters.cli.main([*order, *pictures, *prove]) == 0
    return reproduction.convert()


def test_converting_again_gives_the_bundled_bytes(reproduction: Reproduction, converted: list[str]) -> None:
    sizes = [(reproduction.bundled / name).stat().st_size for name in FILES]
    assert converted == [f"{name}: equal, {size} bytes" for name, size in zip(FILES, sizes, strict=True)]


def test_another_byte_of_the_network_is_told(reproduction: Reproduction, converted: list[str], tmp_path: Path) -> None:
    bundled = read_model_file(reproduction.bundled / FILES[1])
    assert bundled.card is not None
    content = bytearray(bundled.content)
    content[len(content) // 2] ^= 1
    card = dataclasses.replace(bundled.card, sha256=hashlib.sha256(content).hexdigest())
    made = tmp_path / "made.tflite"
    made.write_bytes(append_card(bytes(content), card))
    said = compare_files(made, bundled.path)
    assert said.startswith(f"other bytes: 1 of the network's {len(content)}; against Keras ")
    assert said.count(" dB on average and ") == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"license": "Apache-2.0"', '"license": "Apache-2.1"', "differs in license"),
        # As cards of before hold other line breaks, or what is now left out.
        ('"license": "Apache-2.0"', '"license":  "Apache-2.0"', "says the same in other words"),
    ],
)
def test_another_card_is_told_apart_from_another_network(
    old: str, new: str, said: str, reproduction: Reproduction, converted: list[str], tmp_path: Path
) -> None:
    bundled = read_model_file(reproduction.bundled / FILES[1])
    assert bundled.card is not None
    text = bundled.card.to_json()
    assert old in text
    made = tmp_path / "made.tflite"
    made.write_bytes(bundled.content)
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("edge-dce-card.json", text.replace(old, new))
    expected = f"the network is equal, {len(bundled.content)} bytes; its card {said}"
    assert compare_files(made, bundled.path) == expected


def test_training_again_by_the_committed_recipe_gives_the_committed_figures(
    reproduction: Reproduction, committed: Path
) -> None:
    lines = list(reproduction.train())
    assert [line.partition(":")[0] for line in lines] == ["test, 30 pairs", "validation, 4 pairs"]
    assert all(line.endswith("; within 0.5 dB and 0.02 of tiny-run") for line in lines)
    # Called again it finds the training done, and says the same.
    assert list(reproduction.train()) == lines


def test_bfloat16_is_left_out_where_the_machine_would_do_it_in_software(
    reproduction: Reproduction, committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(committed, tmp_path / "results" / committed.name)
    recipe = Recipe.from_json((committed / "recipe.json").read_text(), origin=committed)
    mixed = dataclasses.replace(recipe, mixed_precision=True)
    (tmp_path / "results" / committed.name / "recipe.json").write_text(mixed.to_json())
    monkeypatch.setattr(reproduce, "computes_bfloat16", lambda features: False)
    other = dataclasses.replace(reproduction, results=tmp_path / "results", out=tmp_path / "out")
    said, *_ = other.train(epochs=1)
    assert said == "trained in float32, as the CPU has no arithmetic for bfloat16"
    assert not Run(tmp_path / "out" / "run").read_recipe().mixed_precision
    # On another machine it goes on as it began.
    monkeypatch.setattr(reproduce, "computes_bfloat16", lambda features: True)
    assert next(iter(other.train(epochs=1))) == said


def test_other_pictures_are_told(reproduction: Reproduction, committed: Path, tmp_path: Path) -> None:
    other = dataclasses.replace(reproduction, lol=write_lol(tmp_path / "other", pairs=45), out=tmp_path / "out")
    assert next(iter(other.train(epochs=1))) == f"{tmp_path / 'other'}: other pictures than those of tiny-run"


def test_figures_beyond_the_tolerance_differ(committed: Path, tmp_path: Path) -> None:
    fields = json.loads((committed / FILE_NAME).read_text())
    for row in fields["images"]:
        # Twice the tolerance, in one of the two parts.
        row["scores"]["network"]["psnr_db"] += 1.0 if row["part"] == "test" else 0.0
    (tmp_path / FILE_NAME).write_text(json.dumps(fields))
    test, validation = compare_figures(tmp_path, committed)
    assert "; DIFFERS by more than 0.5 dB" in test
    assert "; within 0.5 dB" in validation


def test_report_has_no_files_to_convert_to(tmp_path: Path) -> None:
    with pytest.raises(ReproductionError, match=r"report: no file of it is bundled; use ONLY=train"):
        Reproduction("report", ORIGINALS["report"], tmp_path, tmp_path).convert()


@pytest.mark.parametrize("name", ["none", "photos"])
def test_a_folder_that_is_not_of_lol_ends_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    assert reproduce.main(["zero-dce", "--lol", str(tmp_path / name), "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "expected the folder of LOL" in error
    assert f"found '{tmp_path / name}'" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_default_model_asks_for_panoramas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lol = write_lol(tmp_path / "LOL", pairs=1)
    assert reproduce.main(["edge-tone", "--lol", str(lol), "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "add PANORAMAS=folder, or ONLY=convert" in error
    assert error.count("\n") == 1


def test_every_bundled_model_has_what_it_was_made_of() -> None:
    results = reproduce._ROOT / "training" / "results"
    files = set()
    for name, original in ORIGINALS.items():
        assert all((results / original.run / kind).is_file() for kind in ("recipe.json", "data.json", FILE_NAME))
        if original.network:
            assert (results / original.network).is_file()
            files |= {f"{name}-{original.size}-{precision}" for precision in ("float16", "int8")}
    assert files == {path.stem for path in bundled_models()}
