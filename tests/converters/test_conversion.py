"""Conversion: what is in the files, what is refused, and what is said of it."""

import dataclasses
import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from converters import cli, formats
from converters.activation import ESTIMATORS, Activations, record_activations
from converters.calibration import CalibrationSet, choose_calibration_set
from converters.cli import main
from converters.conversion import convert, quantize
from converters.draft import Draft, Subject
from converters.errors import ConversionError
from converters.file_network import build_network
from converters.formats import Bounds
from converters.gate import judge
from converters.inspection import describe_input, describe_output, name_layer, take_census
from converters.layers import STEPS
from converters.operators import compare_operators, rank_layers
from converters.publication import REJECTED, Order, publish
from converters.source import SourceNetwork, load_network
from converters.verification import Reference, read_held_out
from edge_dce.enhancer import load
from edge_dce.errors import EdgeDceError, OutputError
from edge_dce.files.folders import find_pictures
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.flatbuffer import check_flatbuffer
from edge_dce.models.origin import ENTRY
from edge_dce.pixels import curve
from tests.generate_models import SIDE_PX, build_tiny_network

SIZE = (SIDE_PX, SIDE_PX)
# The eight random maps of the tiny network are further from their mean than those of a trained one.
TINY_BOUNDS = Bounds(40, 35)


@pytest.fixture(scope="module")
def source(folder: Path) -> SourceNetwork:
    return load_network(folder / "tiny.keras")


@pytest.fixture(scope="module")
def dark(folder: Path) -> CalibrationSet:
    return choose_calibration_set(folder / "dark", width=SIDE_PX, height=SIDE_PX, count=6, seed=1)


@pytest.fixture(scope="module")
def float32(source: SourceNetwork) -> bytes:
    return convert(build_network(source, "curves", *SIZE), precision="float32")


@pytest.fixture(scope="module")
def activations(float32: bytes, dark: CalibrationSet) -> Activations:
    return record_activations(float32, dark.tensors())


@pytest.fixture(scope="module")
def int8(float32: bytes, activations: Activations) -> bytes:
    return quantize(float32, activations.estimate_ranges("min-max"))


def make_order(folder: Path, *precisions: str, **options: object) -> Order:
    return Order(
        precisions,
        (SIZE,),
        folder / "evaluation",
        calibration=folder / "dark",
        **{"bounds": TINY_BOUNDS, **options},  # type: ignore[arg-type]
    )


def test_dark_calibration_keeps_input_scale_at_one(int8: bytes) -> None:
    image = describe_input(int8)
    assert (image.dtype, image.zero_point) == ("uint8", 0)
    assert image.scale * 255 == pytest.approx(1.0, rel=1e-6)


def test_int8_holds_no_float_tensor(int8: bytes) -> None:
    census = take_census(int8)
    assert census.dtype.keys() <= {"INT8", "UINT8", "INT32"}
    assert census.op["CONV_2D"] == 2
    assert describe_output(int8, "curves").dtype == "int8"


def test_int8_weights_have_a_scale_for_each_channel(int8: bytes) -> None:
    graph = schema.ModelT.InitFromPackedBuf(int8, 0)
    main = graph.subgraphs[0]
    convolutions = [
        node
        for node in main.operators
        if graph.operatorCodes[node.opcodeIndex].builtinCode == schema.BuiltinOperator.CONV_2D
    ]
    kernels = [main.tensors[node.inputs[1]] for node in convolutions]
    assert [len(kernel.quantization.scale) for kernel in kernels] == [kernel.shape[0] for kernel in kernels]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_other_calibration_pictures_change_the_scales(
    estimator: str, float32: bytes, activations: Activations, dark: CalibrationSet
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, dark.images.shape).astype(np.uint8)
    other = record_activations(float32, dataclasses.replace(dark, images=noise).tensors())
    scales = [
        describe_output(quantize(float32, seen.estimate_ranges(estimator)), "curves").scale
        for seen in (activations, other)
    ]
    assert scales[0] != pytest.approx(scales[1], rel=1e-3)


def test_estimates_are_no_wider_than_the_extremes(activations: Activations) -> None:
    extremes = activations.estimate_ranges("min-max")
    for estimator in ESTIMATORS:
        for name, (low, high) in activations.estimate_ranges(estimator).items():
            # Estimates read samples, the extremes every value; float32 rounds in between.
            assert extremes[name][0] - 1e-6 <= low <= 0 <= high <= extremes[name][1] + 1e-6


def test_halves_that_differ_are_noticed_without_the_wedge(float32: bytes, dark: CalibrationSet) -> None:
    images = dark.images.copy()
    images[0::2] = 255
    images[1::2] = 0
    seen = record_activations(float32, dataclasses.replace(dark, images=images).tensors())
    instability, tensor = seen.measure_instability()
    assert instability > 0.2
    assert tensor in seen.names


@pytest.mark.parametrize(("precision", "dtype"), [("float32", "FLOAT32"), ("float16", "FLOAT16")])
def test_float_files_hold_weights_of_their_name(source: SourceNetwork, precision: str, dtype: str) -> None:
    model = convert(build_network(source, "curves", *SIZE), precision=precision)
    assert dtype in take_census(model).dtype
    assert ("FLOAT16" in take_census(model).dtype) == (precision == "float16")


def test_operators_of_int8_are_named_for_readers_of_the_narrow_field_too(int8: bytes) -> None:
    codes = schema.ModelT.InitFromPackedBuf(int8, 0).operatorCodes
    assert [code.deprecatedBuiltinCode for code in codes] == [code.builtinCode for code in codes]
    check_flatbuffer(ModelFile(Path("model.tflite"), int8, None))


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
def test_structural_check_passes_what_the_converter_makes(source: SourceNetwork, precision: str) -> None:
    model = convert(build_network(source, "curves", *SIZE), precision=precision)
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


def test_dynamic_holds_int8_weights_and_takes_floats(tmp_path: Path) -> None:
    # The converter leaves kernels of less than 1024 values as they are.
    image = keras.Input((None, None, 3))
    wide = keras.layers.Conv2D(48, 3, padding="same", activation="relu")(image)
    keras.Model(image, keras.layers.Conv2D(24, 3, padding="same")(wide)).save(tmp_path / "wide.keras")
    network = build_network(load_network(tmp_path / "wide.keras"), "curves", *SIZE)
    model = convert(network, precision="dynamic")
    assert "INT8" in take_census(model).dtype
    assert describe_input(model).dtype == "float32"


def test_unknown_precision_is_refused(source: SourceNetwork) -> None:
    with pytest.raises(ConversionError, match="expected a precision"):
        convert(build_network(source, "curves", *SIZE), precision="int4")


def test_mean_of_the_maps_comes_close_to_the_maps_themselves(source: SourceNetwork) -> None:
    image = np.random.default_rng(3).random((1, SIDE_PX, SIDE_PX, 3), np.float32) * 0.2
    maps = np.asarray(source.network(image))[0]
    mean = np.asarray(build_network(source, "curves", *SIZE)(image))[0]
    np.testing.assert_allclose(mean, maps.reshape(SIDE_PX, SIDE_PX, 8, 3).mean(axis=2), atol=1e-6)


@pytest.mark.parametrize("root", [1, 4])
def test_image_network_makes_the_steps_of_the_formula(root: int, source: SourceNetwork) -> None:
    source = dataclasses.replace(source, root=root)
    image = np.random.default_rng(3).integers(0, 60, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    tensor = image[np.newaxis] / np.float32(255)
    curves = np.asarray(build_network(source, "curves", *SIZE)(tensor))[0]
    found = np.asarray(build_network(source, "image", *SIZE)(tensor))[0]
    expected = curve.apply_exact(image, curves, root=source.root)
    # Rounded to levels on one side only.
    np.testing.assert_allclose(found * 255, expected, atol=0.51)


def test_image_file_has_no_powers_and_a_fixed_shape(source: SourceNetwork) -> None:
    source = dataclasses.replace(source, root=4)
    model = convert(build_network(source, "image", *SIZE), precision="float32")
    census = take_census(model)
    assert census.op["SQRT"] == 2
    assert census.op.keys() <= {"ADD", "CONV_2D", "MUL", "SQRT", "SUB", "TANH"}
    assert describe_output(model, "image").shape == (1, *SIZE, 3)


def test_mixed_file_leaves_the_named_layers_in_float(source: SourceNetwork, dark: CalibrationSet) -> None:
    model = convert(build_network(source, "image", *SIZE), precision="float32")
    ranges = record_activations(model, dark.tensors()).estimate_ranges("min-max")
    mixed = quantize(model, ranges, float_layers=(STEPS,), has_image_output=True)
    census = take_census(mixed)
    assert {"FLOAT32", "INT8", "UINT8"} <= census.dtype.keys()
    # All steps, the last one too: it alone in int8 would lose a quarter of the levels. Back to bytes comes after it.
    assert census.op["DEQUANTIZE"] == 2
    assert census.op["QUANTIZE"] == 2
    assert describe_input(mixed).dtype == "uint8"
    output = describe_output(mixed, "image")
    assert (output.dtype, output.zero_point) == ("uint8", 0)
    assert output.scale * 255 == pytest.approx(1, rel=1e-6)


def test_publication_writes_verified_files_with_cards(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    published = list(publish(source, make_order(folder, "float32", "int8"), tmp_path))
    assert [item.path.name for item in published] == ["tiny-16x16-float32.tflite", "tiny-16x16-int8.tflite"]
    for item in published:
        card = read_model_file(item.path).card
        assert card is not None
        assert card == item.card
        assert card.fidelity is not None
        assert card.fidelity.images == 3
        assert card.fidelity.psnr_db >= 45
        assert card.fidelity.worst_psnr_db >= 38
        assert (card.calibration is not None) == (card.precision == "int8")
        assert not item.reasons


def test_fidelity_measures_against_each_map_not_their_mean(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    # Eight random maps differ far more from each other than those of a trained network: their mean must cost more than
    # the look-up's rounding, which alone stays within 1 level.
    (item,) = publish(source, make_order(folder, "float32"), tmp_path)
    assert item.judgement.verification.fidelity.max_abs > 2


def test_converting_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        order = make_order(folder, "float16", "dynamic", "int8", contracts=("curves", "image"))
        items = publish(load_network(folder / "tiny.keras"), order, tmp_path / name)
        written.append([(item.path.name, item.path.read_bytes()) for item in items])
    assert written[0] == written[1]


def test_date_of_the_card_is_that_of_the_checkpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(folder / "tiny.keras") as archive:
        saved = json.loads(archive.read("metadata.json"))["date_saved"]
    assert load_network(folder / "tiny.keras").created == saved[:10]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert load_network(folder / "tiny.keras").created == "1970-01-02"


def test_truth_tells_what_a_file_loses(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    (item,) = publish(source, make_order(folder, "float32", truths=folder / "evaluation"), tmp_path)
    assert item.judgement.verification.fidelity.drop_db == pytest.approx(0, abs=0.05)


def test_file_that_misses_the_gate_is_kept_aside_with_the_reason(
    folder: Path, source: SourceNetwork, tmp_path: Path
) -> None:
    (item,) = publish(source, make_order(folder, "float16", bounds=Bounds(90, 80)), tmp_path)
    assert item.path == tmp_path / REJECTED / "tiny-16x16-float16.tflite"
    assert "expected 90 dB" in item.path.with_suffix(".txt").read_text()
    assert not list(tmp_path.glob("*.tflite"))


def test_search_tries_everything_before_it_gives_up(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    (item,) = publish(source, make_order(folder, "int8", bounds=Bounds(90, 80)), tmp_path)
    tried = [attempt.draft.how for attempt in item.attempts]
    assert tried[0].startswith("ranges by")
    assert tried[1].endswith("in float32")
    assert [attempt.draft.precision for attempt in item.attempts] == ["int8", "mixed"]
    assert item.path.parent.name == REJECTED
    assert "expected 90 dB" in item.path.with_suffix(".txt").read_text()
    assert not list(tmp_path.glob("*.tflite"))


def test_missing_calibration_folder_is_refused_before_any_file_is_written(
    folder: Path, source: SourceNetwork, tmp_path: Path
) -> None:
    order = dataclasses.replace(make_order(folder, "float32", "int8"), calibration=folder / "nowhere")
    with pytest.raises(EdgeDceError, match="nowhere: no such folder"):
        list(publish(source, order, tmp_path))
    assert not list(tmp_path.iterdir())


def test_network_that_returns_no_numbers_is_one_line(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    broken = keras.models.clone_model(source.network)
    broken.set_weights([np.full_like(weights, np.nan) for weights in source.network.get_weights()])
    with pytest.raises(ConversionError, match="expected numbers, found NaN or infinity in the network"):
        list(publish(dataclasses.replace(source, network=broken), make_order(folder, "int8"), tmp_path))
    assert not list(tmp_path.glob("*.tflite"))


def test_int8_that_is_none_is_refused(folder: Path, source: SourceNetwork, float32: bytes) -> None:
    draft = Draft(Subject(source, "curves", *SIZE), "int8", float32, "")
    pictures = read_held_out(find_pictures(folder / "evaluation"))
    judgement = judge(draft, Reference(source, *SIZE), pictures, TINY_BOUNDS)
    assert judgement.reasons == ("int8 was asked for, but tensors of type FLOAT32 remain",)


def test_operators_are_compared_in_order_and_the_worst_named(float32: bytes, int8: bytes, dark: CalibrationSet) -> None:
    errors = compare_operators(float32, int8, list(dark.images[:2]))
    assert [error.operator for error in errors] == ["CONV_2D", "TANH", "CONV_2D"]
    assert errors[-1].layer == "mean_curves"
    # Each operator carries at least 4 of its 8 bits; a layout mix-up would leave none.
    assert all(error.sqnr_db > 24 for error in errors)
    assert set(rank_layers(errors)) == {error.layer for error in errors}


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [("net_1/conv1_1/Relu;net_1/conv1_1/BiasAdd", "conv1"), ("net/steps_1/mul_3", "steps"), ("image", "image")],
)
def test_layer_of_a_tensor_is_found_in_its_name(tensor: str, layer: str) -> None:
    assert name_layer(tensor) == layer


def export_with_origin(folder: Path, target: Path, origin: dict[str, object]) -> Path:
    target.write_bytes((folder / "tiny.keras").read_bytes())
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(ENTRY, json.dumps(origin))
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
    assert (source.origin.recipe, source.origin.epochs, source.root) == ("edge (seed=7)", 3, 4)
    assert shown in source.origin.data


def test_size_that_the_network_does_not_take_is_refused(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image))).save(tmp_path / "flat.keras")
    with pytest.raises(ConversionError, match="expected input"):
        build_network(load_network(tmp_path / "flat.keras"), "curves", 16, 16)


def test_published_int8_enhances_like_the_network(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    (item,) = publish(source, make_order(folder, "int8"), tmp_path)
    image = np.random.default_rng(5).integers(0, 60, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    network = build_network(source, "curves", *SIZE)
    expected = curve.apply_exact(image, np.asarray(network(image[np.newaxis] / np.float32(255)))[0])
    # One step of the int8 map is about 1/128 of its range; eight iterations make at most 2 levels of it here.
    assert np.abs(load(item.path).enhance(image).astype(int) - expected).max() <= 2


def test_existing_file_is_not_replaced(folder: Path, source: SourceNetwork, tmp_path: Path) -> None:
    (tmp_path / "tiny-16x16-int8.tflite").write_text("precious")
    with pytest.raises(OutputError, match="already exists"):
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


def test_fixed_network_of_another_size_is_refused(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(image)
    curves = keras.layers.Reshape((8, 8, 24))(keras.layers.Dense(8 * 8 * 24)(flat))
    keras.Model(image, curves).save(tmp_path / "fixed.keras")
    with pytest.raises(ConversionError, match="choose another --size"):
        build_network(load_network(tmp_path / "fixed.keras"), "curves", 16, 16)


def test_three_channels_of_a_foreign_network_need_a_word(folder: Path, tmp_path: Path) -> None:
    build_tiny_network(3).save(tmp_path / "foreign.keras")
    with pytest.raises(ConversionError, match="--returns curves or --returns image"):
        load_network(tmp_path / "foreign.keras")
    assert load_network(tmp_path / "foreign.keras", returns="curves").maps == 1
    with pytest.raises(ConversionError, match="returns curves"):
        load_network(folder / "tiny.keras", returns="image")


def test_network_that_returns_images_becomes_an_image_file(folder: Path, tmp_path: Path) -> None:
    image = keras.Input((None, None, 3))
    brighter = keras.layers.Conv2D(3, 1, activation="sigmoid")(image)
    keras.Model(image, brighter).save(tmp_path / "brighter.keras")
    foreign = load_network(tmp_path / "brighter.keras", returns="image")
    (item,) = publish(foreign, make_order(folder, "int8", contracts=("image",)), tmp_path / "out")
    assert item.card.contract == "image"
    assert not item.reasons
    with pytest.raises(ConversionError, match="use --contract image"):
        build_network(foreign, "curves", *SIZE)


def test_saved_model_is_converted_like_the_network_itself(folder: Path, tmp_path: Path) -> None:
    build_tiny_network().export(tmp_path / "tiny", verbose=False)
    with pytest.raises(ConversionError, match=r"a SavedModel is a program.*--trust"):
        load_network(tmp_path / "tiny")
    saved = load_network(tmp_path / "tiny", is_trusted=True)
    image = np.random.default_rng(3).random((1, *SIZE, 3), np.float32)
    expected, found = (
        np.asarray(build_network(network, "curves", *SIZE)(image))
        for network in (load_network(folder / "tiny.keras"), saved)
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    (item,) = publish(saved, make_order(folder, "int8"), tmp_path / "out")
    assert not item.reasons


@pytest.mark.parametrize("suffix", ["keras", "h5"])
# Keras calls HDF5 a legacy when it writes it.
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_network_that_brings_code_of_its_own_is_refused(suffix: str, tmp_path: Path) -> None:
    image = keras.Input((None, None, 3))
    curves = keras.layers.Conv2D(24, 3, padding="same", activation="tanh")(image)
    path = tmp_path / f"hostile.{suffix}"
    keras.Model(image, keras.layers.Lambda(lambda tensor: tensor, name="code")(curves)).save(path)
    with pytest.raises(ConversionError, match="expected a Keras model of plain layers"):
        load_network(path)


def test_folder_that_is_no_saved_model_is_refused(folder: Path) -> None:
    with pytest.raises(ConversionError, match="folder of a SavedModel"):
        load_network(folder)


def test_command_exits_with_one_where_a_file_is_rejected(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(folder / "tiny.keras"), "--size", "16x16", "--evaluation", str(folder / "evaluation")]
    command += ["--precision", "float16", "--min-psnr", "90", "-o", str(tmp_path)]
    assert main(command) == 1
    assert "rejected: expected 90 dB" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert [entry["published"] for entry in report["files"]] == [False]
    assert "is rejected" in (tmp_path / "report.html").read_text()


def test_command_makes_every_size_and_reports(folder: Path, tmp_path: Path) -> None:
    command = [str(folder / "tiny.keras"), "--size", "16x16,24x16", "--evaluation", str(folder / "evaluation")]
    command += ["--calibration", str(folder / "dark"), "--min-psnr", "40", "-o", str(tmp_path)]
    assert main(command) == 0
    made = {path.stem for path in tmp_path.glob("*.tflite")}
    assert made == {f"tiny-{size}-{precision}" for size in ("16x16", "24x16") for precision in formats.PRECISIONS}
    page = (tmp_path / "report.html").read_text()
    for part in ("Files", "Worst picture", "Calibration", "Operators of tiny-16x16-int8", "data:image/jpeg"):
        assert part in page


def test_sizes_have_names() -> None:
    assert cli._parse_sizes("256x256,16:9,4:3") == ((256, 256), (336, 192), (288, 224))
