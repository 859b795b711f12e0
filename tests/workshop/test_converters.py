"""Conversion: what is in the files, and what is refused."""

import dataclasses
import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from converters import cli, conversion
from converters.calibration import CalibrationSet, choose_calibration_set, choose_pictures, make_step_wedge
from converters.cli import main
from converters.conversion import convert
from converters.inspection import describe_input, describe_output, take_census
from converters.publication import Order, publish
from converters.source import ConversionError, SourceNetwork, build_curves_network, load_network
from edge_dce import curve
from edge_dce.card import ModelFile, read_model_file
from edge_dce.curve import CurveShape
from edge_dce.enhancer import load
from edge_dce.errors import OutputError
from edge_dce.flatbuffer import check_flatbuffer
from edge_dce.images import Picture, write_picture
from tests.generate_models import SIDE_PX, build_tiny_network, write_dark_pictures
from training.export import ORIGIN_ENTRY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny.keras and the folders dark/ and evaluation/."""
    folder = tmp_path_factory.mktemp("converters")
    build_tiny_network().save(folder / "tiny.keras")
    write_dark_pictures(folder / "dark", 6)
    write_dark_pictures(folder / "evaluation", 3)
    return folder


@pytest.fixture(scope="module")
def source(folder: Path) -> SourceNetwork:
    return load_network(folder / "tiny.keras")


@pytest.fixture(scope="module")
def dark(folder: Path) -> CalibrationSet:
    return choose_calibration_set(folder / "dark", width=SIDE_PX, height=SIDE_PX, count=6, seed=1)


@pytest.fixture(scope="module")
def int8(source: SourceNetwork, dark: CalibrationSet) -> bytes:
    return convert(build_curves_network(source, SIDE_PX, SIDE_PX), precision="int8", calibration=dark)


def make_order(folder: Path, *precisions: str) -> Order:
    return Order(precisions, SIDE_PX, SIDE_PX, folder / "dark", folder / "evaluation")


def test_dark_calibration_keeps_input_scale_at_one(int8: bytes) -> None:
    image = describe_input(int8)
    assert (image.dtype, image.zero_point) == ("uint8", 0)
    assert image.scale * 255 == pytest.approx(1.0, rel=1e-6)


def test_int8_holds_no_float_tensor(int8: bytes) -> None:
    census = take_census(int8)
    assert census.dtype.keys() <= {"INT8", "UINT8", "INT32"}
    assert census.op["CONV_2D"] == 2
    assert describe_output(int8).dtype == "int8"


def test_other_calibration_pictures_change_the_scales(source: SourceNetwork, int8: bytes, dark: CalibrationSet) -> None:
    network = build_curves_network(source, SIDE_PX, SIDE_PX)
    noise = np.random.default_rng(1).integers(0, 256, dark.images.shape).astype(np.uint8)
    other = convert(network, precision="int8", calibration=dataclasses.replace(dark, images=noise))
    assert describe_output(other).scale != pytest.approx(describe_output(int8).scale, rel=1e-3)


@pytest.mark.parametrize(("precision", "dtype"), [("float32", "FLOAT32"), ("float16", "FLOAT16")])
def test_float_files_hold_weights_of_their_name(source: SourceNetwork, precision: str, dtype: str) -> None:
    model = convert(build_curves_network(source, SIDE_PX, SIDE_PX), precision=precision)
    assert dtype in take_census(model).dtype
    assert ("FLOAT16" in take_census(model).dtype) == (precision == "float16")


@pytest.mark.parametrize("precision", conversion.PRECISIONS)
def test_structural_check_passes_what_the_converter_makes(
    source: SourceNetwork, dark: CalibrationSet, precision: str
) -> None:
    calibration = dark if precision == "int8" else None
    model = convert(build_curves_network(source, SIDE_PX, SIDE_PX), precision=precision, calibration=calibration)
    check_flatbuffer(ModelFile(Path("model.tflite"), model, None))


def test_structural_check_passes_control_flow_and_data_behind_the_flatbuffer() -> None:
    def brighten(image: tf.Tensor) -> dict[str, tf.Tensor]:
        bright = tf.while_loop(lambda value: tf.reduce_mean(value) < 0.5, lambda value: [value * 2 + 0.1], [image])[0]
        return {"bright": tf.nn.conv2d(bright, tf.ones((3, 3, 3, 3)), 1, "SAME"), "mean": tf.reduce_mean(bright)}

    function = tf.function(brighten, input_signature=[tf.TensorSpec((1, SIDE_PX, SIDE_PX, 3), name="image")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    # "dynamic": the one precision of others' files that is not ours to make.
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter._experimental_use_buffer_offset = True
    check_flatbuffer(ModelFile(Path("model.tflite"), converter.convert(), None))


def test_options_that_contradict_each_other_are_refused(source: SourceNetwork, dark: CalibrationSet) -> None:
    network = build_curves_network(source, SIDE_PX, SIDE_PX)
    with pytest.raises(ConversionError, match="int8 needs calibration"):
        convert(network, precision="int8")
    with pytest.raises(ConversionError, match="int8 needs calibration"):
        convert(network, precision="float16", calibration=dark)
    with pytest.raises(ConversionError, match="expected a precision"):
        convert(network, precision="int4")


def test_mean_of_the_maps_comes_close_to_the_maps_themselves(source: SourceNetwork) -> None:
    image = np.random.default_rng(3).random((1, SIDE_PX, SIDE_PX, 3), np.float32) * 0.2
    maps = np.asarray(source.network(image))[0]
    mean = np.asarray(build_curves_network(source, SIDE_PX, SIDE_PX)(image))[0]
    np.testing.assert_allclose(mean, maps.reshape(SIDE_PX, SIDE_PX, 8, 3).mean(axis=2), atol=1e-6)


def test_publication_writes_verified_files_with_cards(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    published = list(publish(source, make_order(folder, "float32", "int8"), tmp_path))
    assert [item.path.name for item in published] == ["tiny-16x16-float32.tflite", "tiny-16x16-int8.tflite"]
    for item in published:
        card = read_model_file(item.path).card
        assert card is not None
        assert card.fidelity == item.fidelity
        assert item.fidelity.images == 3
        # The bounds that the project sets for every file.
        assert item.fidelity.psnr_db >= 45
        assert item.fidelity.worst_psnr_db >= 38
        assert (card.calibration is not None) == (card.precision == "int8")


def test_fidelity_measures_against_each_map_not_their_mean(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    # Eight random maps differ far more from each other than those of a trained network: their mean must cost more than
    # the look-up's rounding, which alone stays within 1 level.
    (item,) = publish(source, make_order(folder, "float32"), tmp_path)
    assert item.fidelity.max_abs > 2


def test_int8_that_is_none_is_refused(source: SourceNetwork) -> None:
    model = convert(build_curves_network(source, SIDE_PX, SIDE_PX), precision="float32")
    with pytest.raises(ConversionError, match="tensors of type FLOAT32 remain"):
        conversion.check_full_integer(model)


def test_calibration_without_the_wedge_would_clip_and_is_refused(
    source: SourceNetwork, dark: CalibrationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("converters.calibration.make_step_wedge", lambda height, width: dark.images[1])
    images = dataclasses.replace(dark, images=dark.images[1:2])
    with pytest.raises(ConversionError, match="highlights would clip"):
        convert(build_curves_network(source, SIDE_PX, SIDE_PX), precision="int8", calibration=images)


def test_precisions_of_the_command_are_those_of_the_converter() -> None:
    assert cli._PRECISIONS == conversion.PRECISIONS


def export_with_origin(folder: Path, target: Path, origin: dict[str, object]) -> Path:
    target.write_bytes((folder / "tiny.keras").read_bytes())
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(ORIGIN_ENTRY, json.dumps(origin))
    return target


def test_unreadable_origin_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="origin cannot be read"):
        load_network(export_with_origin(folder, tmp_path / "tiny.keras", {"recipe": {"name": "edge"}}))


@pytest.mark.parametrize(("uses_partners", "shown"), [(True, "normal-light partners"), (False, "pictures, sha")])
def test_origin_says_which_pictures_the_network_saw_and_what_its_curves_mean(
    uses_partners: bool, shown: str, folder: Path, tmp_path: Path
) -> None:
    origin = {
        "recipe": {"name": "edge", "curve_root": 4},
        "epochs": 3,
        "data": {"title": "LOL", "train_files": 7, "train_sha256": "0" * 64},
        "title": "edge (seed=7)",
        "uses_partners": uses_partners,
    }
    source = load_network(export_with_origin(folder, tmp_path / "tiny.keras", origin))
    assert (source.origin.recipe, source.origin.epochs, source.shape) == ("edge (seed=7)", 3, CurveShape(root=4))
    assert shown in source.origin.data


def test_size_that_the_network_does_not_take_is_refused(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image))).save(tmp_path / "flat.keras")
    with pytest.raises(ConversionError, match="expected input"):
        build_curves_network(load_network(tmp_path / "flat.keras"), 16, 16)


def test_published_int8_enhances_like_the_network(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    (item,) = publish(source, make_order(folder, "int8"), tmp_path)
    image = np.random.default_rng(5).integers(0, 60, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    network = build_curves_network(source, SIDE_PX, SIDE_PX)
    expected = curve.apply_exact(image, np.asarray(network(image[np.newaxis] / np.float32(255)))[0])
    # One step of the int8 map is about 1/128 of its range; eight iterations make at most 2 levels of it here.
    assert np.abs(load(item.path).enhance(image).astype(int) - expected).max() <= 2


def test_calibration_picture_that_is_evaluated_too_is_refused(folder: Path, tmp_path: Path) -> None:
    write_picture(Picture(np.zeros((8, 8, 3), np.uint8)), tmp_path / "a.png")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "renamed.png").write_bytes((tmp_path / "a.png").read_bytes())
    with pytest.raises(ConversionError, match="also evaluation picture"):
        choose_calibration_set(
            tmp_path, width=8, height=8, count=10, seed=1, evaluation=[tmp_path / "copy" / "renamed.png"]
        )


def test_calibration_record_says_what_was_used(dark: CalibrationSet) -> None:
    assert dark.record.files == sum(dark.record.brightness_histogram) == 6
    assert dark.record.seed == 1


def test_choice_of_pictures_depends_on_the_seed_alone(folder: Path) -> None:
    first, again, other = (choose_pictures(folder / "dark", count=3, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 3


def test_step_wedge_runs_from_black_to_white() -> None:
    wedge = make_step_wedge(4, 300)
    assert wedge.shape == (4, 300, 3)
    assert (wedge.min(), wedge.max()) == (0, 255)


def test_existing_file_is_not_replaced(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    (tmp_path / "tiny-16x16-int8.tflite").write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        list(publish(source, make_order(folder, "float32", "int8"), tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-16x16-int8.tflite"]


def test_networks_of_other_shapes_are_refused(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 1))
    keras.Model(image, keras.layers.Conv2D(24, 1)(image)).save(tmp_path / "grey.keras")
    with pytest.raises(ConversionError, match=r"expected input \(B, H, W, 3\)"):
        load_network(tmp_path / "grey.keras")
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(ConversionError, match="expected a Keras model of plain layers"):
        load_network(tmp_path / "text.keras")
    with pytest.raises(ConversionError, match=r"no such \.keras file"):
        load_network(tmp_path / "missing.keras")


def test_command_prints_what_int8_costs(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [str(folder / "tiny.keras"), "--size", "16x16", "--evaluation", str(folder / "evaluation")]
    command += ["--calibration", str(folder / "dark"), "--precision", "int8", "-o", str(tmp_path)]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "tiny-16x16-int8.tflite" in out
    assert "mean" in out
    assert "worst" in out


def test_int8_without_calibration_pictures_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(folder / "tiny.keras"), "--size", "16x16", "--evaluation", str(folder / "evaluation")]
    assert main([*command, "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("converters: error: int8 needs low-light pictures")
