import dataclasses
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

import edge_dce
from edge_dce.enhancer import Enhancer
from edge_dce.errors import CardError, ImageError, LookError, ModelError
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.models.runtime import open_interpreter
from edge_dce.pixels import cleaner, curve, tone
from edge_dce.pixels.look import Look
from edge_dce.pixels.noise import NoiseProfile, assume_noise
from edge_dce.pixels.shrinking import shrink
from tests.edge_dce.fake_interpreter import NO_CARD, FakeInterpreter

MODELS = Path(__file__).resolve().parents[1] / "models"
TINY = MODELS / "tiny-16x16-int8.tflite"
# Reached only by a test that fails.
WAIT_S = 60.0
BOTH_CONTRACTS = (DEFAULT_MODEL, "zero-dce-scene-256x256-int8")


def make_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 60, (height, width, 3)).astype(np.uint8)


def make_enhancer(output: np.ndarray, *, contract: str | None = "curves", **options: object) -> Enhancer:
    return Enhancer(NO_CARD, FakeInterpreter(output, **options), threads=1, contract=contract)  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("model", ["tiny", "tiny-tone"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (1080, 1920), (301, 7), (1, 900), (1, 1)])
def test_any_size_keeps_its_shape_and_gets_brighter(model: str, precision: str, height: int, width: int) -> None:
    image = make_image(height, width) + 1
    enhanced = edge_dce.load(MODELS / f"{model}-16x16-{precision}.tflite").enhance(image)
    assert enhanced.shape == image.shape
    assert enhanced.dtype == np.uint8
    assert enhanced.mean() > image.mean()


def test_result_is_the_formula_on_the_estimated_curves() -> None:
    curves = np.full((1, 4, 6, 3), -0.3, np.float32)
    image = make_image(40, 60)
    found = make_enhancer(curves).enhance(image, Look(denoise=0))
    # One value in the map: its level is exact, so only rounding of the float32 formula could differ.
    np.testing.assert_array_equal(found, curve.apply_exact(image, curves[0]))


def test_int8_output_is_dequantized() -> None:
    stored = np.full((1, 4, 6, 3), -60, np.int8)
    curves = make_enhancer(stored, output_quantization=(0.01, -10)).estimate_curves(make_image(9, 9))
    np.testing.assert_allclose(curves, -0.5, atol=1e-6)


def test_uint8_input_is_fed_as_it_is() -> None:
    fake = FakeInterpreter(
        np.zeros((1, 4, 6, 3), np.float32), input_dtype=np.uint8, input_quantization=(float(np.float32(1 / 255)), 0)
    )
    image = make_image(4, 6)
    Enhancer(NO_CARD, fake, threads=1, contract="curves").enhance(image)
    np.testing.assert_array_equal(fake.inputs[0][0], image)


@pytest.mark.parametrize(
    ("dtype", "quantization", "expected"),
    [(np.float32, (0.0, 0), 1.0), (np.int8, (1 / 255, -128), 127), (np.uint8, (0.5 / 255, 0), 255)],
)
def test_other_inputs_are_scaled_and_clipped(dtype: type, quantization: tuple[float, int], expected: float) -> None:
    fake = FakeInterpreter(np.zeros((1, 4, 6, 3), np.float32), input_dtype=dtype, input_quantization=quantization)
    Enhancer(NO_CARD, fake, threads=1, contract="curves").enhance(np.full((8, 8, 3), 255, np.uint8))
    assert fake.inputs[0].dtype == dtype
    np.testing.assert_allclose(fake.inputs[0], expected, rtol=1e-6)


def test_24_maps_are_averaged_iteration_by_iteration() -> None:
    maps = np.zeros((1, 4, 6, 24), np.float32)
    maps[..., 0::3], maps[..., 1::3], maps[..., 2::3] = -0.8, -0.4, 0.0
    maps[..., 0] = 0.0
    curves = make_enhancer(maps, contract=None).estimate_curves(make_image(5, 5))
    np.testing.assert_allclose(curves[0, 0], [-0.7, -0.4, 0.0], atol=1e-6)


def test_values_that_are_not_numbers_are_an_error() -> None:
    with pytest.raises(ModelError, match="not numbers"):
        make_enhancer(np.full((1, 4, 6, 3), np.nan, np.float32)).enhance(make_image(9, 9))


def test_failing_runtime_is_an_error() -> None:
    enhancer = make_enhancer(np.zeros((1, 4, 6, 3), np.float32), error=RuntimeError("out of\nmemory"))
    with pytest.raises(ModelError, match="out of memory"):
        enhancer.enhance(make_image(9, 9))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float64),
        np.full((4, 4, 3), 255, np.float32),
        np.full((4, 4, 3), np.nan, np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_rgb_image_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="expected"):
        make_enhancer(np.zeros((1, 4, 6, 3), np.float32)).enhance(image)


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan")])
def test_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(LookError, match="expected a strength"):
        Look(strength=strength)


def test_three_channels_without_card_must_be_named() -> None:
    path = MODELS / "without-card-3-maps.tflite"
    with pytest.raises(ModelError, match="--contract"):
        edge_dce.load(path)
    assert edge_dce.load(path, contract="curves").contract == "curves"


def test_24_channels_without_card_are_curves() -> None:
    assert edge_dce.load(MODELS / "without-card-24-maps.tflite").contract == "curves"


def test_network_of_another_shape_is_refused() -> None:
    with pytest.raises(ModelError, match=r"found \(1, 16, 16, 3\) and \(1, 3\)"):
        edge_dce.load(MODELS / "wrong-shape.tflite")


def test_card_of_the_image_contract_is_refused() -> None:
    model = read_model_file(MODELS / "tiny-16x16-float32.tflite")
    assert model.card is not None
    other = dataclasses.replace(model, card=dataclasses.replace(model.card, contract="image"))
    with pytest.raises(ModelError, match="contract 'curves' or 'tone', found 'image'"):
        Enhancer(other, open_interpreter(model, threads=1), threads=1)


@pytest.mark.parametrize("threads", [0, 99_999_999_999])
def test_absurd_number_of_threads_is_refused(threads: int) -> None:
    with pytest.raises(ModelError, match="expected 1 to 256 threads"):
        edge_dce.load(threads=threads)


def test_card_of_another_model_is_refused() -> None:
    model = read_model_file(MODELS / "tiny-16x16-float32.tflite")
    with pytest.raises(CardError, match=r"expected the input of its card, \(1, 16, 16, 3\), found \(1, 4, 6, 3\)"):
        Enhancer(model, FakeInterpreter(np.zeros((1, 4, 6, 3), np.float32)), threads=1)


def test_dynamic_input_size_is_refused_not_taken_for_one_pixel() -> None:
    fake = FakeInterpreter(np.zeros((1, 1, 1, 24), np.float32), input_shape=(1, 1, 1, 3))
    fake.get_input_details()[0]["shape_signature"] = np.array([1, -1, -1, 3])
    with pytest.raises(ModelError, match="found a dynamic one"):
        Enhancer(NO_CARD, fake, threads=1)


def test_integer_tensors_without_scale_are_bytes_or_refused() -> None:
    maps = np.zeros((1, 4, 6, 3), np.float32)
    fake = FakeInterpreter(maps, input_dtype=np.uint8)
    Enhancer(NO_CARD, fake, threads=1, contract="curves").enhance(make_image(4, 6))
    np.testing.assert_array_equal(fake.inputs[0][0], make_image(4, 6))
    with pytest.raises(ModelError, match="expected a scale for the integer input"):
        make_enhancer(maps, input_dtype=np.int8)
    with pytest.raises(ModelError, match="expected a scale for the integer output"):
        make_enhancer(maps.astype(np.int8))


def test_shrinking_averages_areas() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[::2] = 100
    assert (shrink(image, 4, 4) == 50).all()


@pytest.mark.parametrize("model", BOTH_CONTRACTS)
def test_bundled_int8_model_brightens_dark_and_keeps_black_and_white(model: str) -> None:
    dark = np.full((64, 64, 3), 12, np.uint8)
    dark[:8] = 0
    dark[-8:] = 255
    enhanced = edge_dce.load(model).enhance(dark, Look(denoise=0))
    assert (enhanced[:8] == 0).all()
    assert (enhanced[-8:] == 255).all()
    assert enhanced[20:40].mean() > 3 * 12


@pytest.mark.parametrize("model", BOTH_CONTRACTS)
@pytest.mark.parametrize("order", ["BGR", "RGBA", "BGRA"])
@pytest.mark.parametrize("denoise", [0.0, 0.5])
def test_order_of_channels_does_not_change_the_result(order: str, denoise: float, model: str) -> None:
    enhancer, image, look = edge_dce.load(model), make_image(300, 500), Look(denoise=denoise)
    expected = enhancer.enhance(image, look)
    alpha = np.random.default_rng(3).integers(0, 256, (300, 500, 1)).astype(np.uint8)
    colors = image[..., ::-1] if order.startswith("BGR") else image
    given = np.concatenate([colors, alpha], axis=2) if order.endswith("A") else colors
    found = enhancer.enhance(given, look, channel_order=order)
    found_colors = found[..., 2::-1] if order.startswith("BGR") else found[..., :3]
    if order.endswith("A"):
        np.testing.assert_array_equal(found[..., 3:], alpha)
    # One level of `a` of 256 goes to alpha. Cleaning in bytes may round luma and a color to the other side then, of
    # which blue has 1.77 times as much.
    difference = np.abs(found_colors.astype(int) - expected)
    assert difference.max() <= (1 if order == "BGR" else 2 if denoise == 0 else 4)
    assert difference.mean() < 0.1


@pytest.mark.parametrize("model", BOTH_CONTRACTS)
def test_view_of_a_larger_frame_is_enhanced_like_a_copy(model: str) -> None:
    enhancer, frame = edge_dce.load(model), make_image(720, 1280)
    for view in (frame[10:700, 30:1200], frame[::-1], frame[:, ::-1], frame[::2, ::2]):
        np.testing.assert_array_equal(enhancer.enhance(view), enhancer.enhance(np.ascontiguousarray(view)))


def test_unknown_order_of_channels_is_refused() -> None:
    with pytest.raises(ImageError, match="channel_order of RGB BGR RGBA BGRA RGBN, found 'YUV'"):
        edge_dce.load().enhance(make_image(4, 4), channel_order="YUV")


@pytest.mark.parametrize("model", BOTH_CONTRACTS)
@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float32])
def test_deep_images_keep_their_depth_and_look_like_their_eight_bits(dtype: type, model: str) -> None:
    enhancer, image = edge_dce.load(model), make_image(200, 300)
    deep = image.astype(np.uint16) * 257 if dtype is np.uint16 else (image / 255).astype(dtype)
    found = enhancer.enhance(deep, Look(denoise=0))
    assert found.dtype == dtype
    found_bytes = found / 257 if dtype is np.uint16 else found.astype(np.float32) * 255
    # The bound of the look-up, and half a level for its rounding.
    assert np.abs(found_bytes - enhancer.enhance(image, Look(denoise=0))).max() <= 2.5


@pytest.mark.parametrize("model", BOTH_CONTRACTS)
def test_frame_may_receive_its_own_result(model: str) -> None:
    enhancer, frame = edge_dce.load(model), make_image(300, 400)
    for look in (Look(), Look(denoise=1)):
        expected, changed = enhancer.enhance(frame, look), frame.copy()
        enhancer.enhance_into(changed, changed, look)
        np.testing.assert_array_equal(changed, expected)


def test_curves_of_one_frame_can_be_applied_to_another() -> None:
    enhancer, frame = edge_dce.load("zero-dce-scene-256x256-int8"), make_image(300, 400)
    curves = enhancer.estimate_curves(frame)
    enhancer.estimate_curves(make_image(40, 50) * 4)
    np.testing.assert_array_equal(enhancer.apply_curves(frame, curves), enhancer.enhance(frame))
    with pytest.raises(ImageError, match=r"map of curves, found \(4, 4\)"):
        enhancer.apply_curves(frame, curves[:4, :4, 0])


def make_tone(seed: int = 5) -> np.ndarray:
    """(1, 103) numbers as a network returns them, which brighten."""
    numbers = np.random.default_rng(seed).uniform(-0.2, 0.2, (1, tone.COUNT)).astype(np.float32)
    numbers[0, : tone.INCREMENTS] += np.linspace(0.6, -0.6, tone.INCREMENTS, dtype=np.float32)
    return numbers


def test_numbers_of_a_tone_are_known_by_their_count() -> None:
    enhancer, image = make_enhancer(make_tone(), contract=None), make_image(40, 60)
    assert enhancer.contract == "tone"
    np.testing.assert_array_equal(enhancer.estimate(image), make_tone()[0])
    expected, found = tone.apply_exact(image, make_tone()[0]), enhancer.enhance(image, Look(denoise=0))
    # The bound of the table.
    assert np.abs(expected.astype(int) - found).max() <= 2
    assert found.mean() > 2 * image.mean()


def test_tone_of_one_frame_can_be_applied_to_another() -> None:
    enhancer, frame = make_enhancer(make_tone(), contract="tone"), make_image(300, 400)
    estimate = enhancer.estimate(frame)
    np.testing.assert_array_equal(enhancer.apply(frame, estimate), enhancer.enhance(frame))
    np.testing.assert_array_equal(enhancer.apply(frame, enhancer.neutral), frame)
    with pytest.raises(ImageError, match=r"103 numbers of a tone, found \(4, 4, 3\)"):
        enhancer.apply(frame, np.zeros((4, 4, 3), np.float32))


def test_contract_that_the_output_cannot_be_of_is_refused() -> None:
    with pytest.raises(ModelError, match=r"output \(1, 103\), found \(1, 4, 6, 3\) and \(1, 4, 6, 3\)"):
        make_enhancer(np.zeros((1, 4, 6, 3), np.float32), contract="tone")


@pytest.mark.parametrize("order", ["BGR", "RGBA", "BGRA"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tone_takes_every_order_of_channels_and_depth(order: str, dtype: type) -> None:
    enhancer, image = make_enhancer(make_tone(), contract="tone"), make_image(90, 120)
    image = image if dtype is np.uint8 else image.astype(np.uint16) * 257 if dtype is np.uint16 else image / dtype(255)
    colors = image[..., ::-1] if order.startswith("BGR") else image
    given = np.concatenate([colors, image[..., :1]], axis=2) if order.endswith("A") else colors
    look = Look(denoise=0)
    found = enhancer.enhance(given, look, channel_order=order)
    assert found.dtype == dtype
    found_colors = found[..., 2::-1] if order.startswith("BGR") else found[..., :3]
    # The matrix sums in another order, which may round one way or the other.
    np.testing.assert_allclose(found_colors, enhancer.enhance(image, look), atol=1e-6 if dtype is np.float32 else 1)
    np.testing.assert_array_equal(found[..., 3:], given[..., 3:])


def read_rss_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize("order", ["RGB", "BGRA"])
@pytest.mark.parametrize("model", ["tiny", "tiny-tone"])
def test_nothing_is_allocated_for_further_frames_of_one_size(model: str, order: str) -> None:
    enhancer = edge_dce.load(MODELS / f"{model}-16x16-int8.tflite", threads=2)
    frame = make_image(270, 480)
    if order == "BGRA":
        frame = np.concatenate([frame[..., ::-1], frame[..., :1]], axis=2)
    out, look = np.empty_like(frame), Look(denoise=0)
    for _ in range(50):
        enhancer.enhance_into(frame, out, look, channel_order=order)
    tracemalloc.start()
    before, rss_before_kb = tracemalloc.get_traced_memory()[0], read_rss_kb()
    tracemalloc.reset_peak()
    try:
        for _ in range(2000):
            enhancer.enhance_into(frame, out, look, channel_order=order)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # What comes and goes within a call: some kB of Python objects, and numpy's buffers of 8,192 samples where it
    # converts types. A frame has 389 kB, a plane of it 130.
    assert peak - before < 100_000
    assert after - before < 8_000
    # A page here or there belongs to the interpreter; one kB kept for each frame would be 2,000.
    assert read_rss_kb() - rss_before_kb < 512


def test_memory_is_flat_when_frames_are_cleaned() -> None:
    enhancer = edge_dce.load(MODELS / "tiny-16x16-int8.tflite", threads=2)
    frame = np.clip(np.random.default_rng(5).normal(20, 4, (270, 480, 3)), 0, 255).astype(np.uint8)
    out = np.empty_like(frame)
    for _ in range(50):
        enhancer.enhance_into(frame, out)
    before_kb = read_rss_kb()
    for _ in range(400):
        enhancer.enhance_into(frame, out)
    # One small map kept for each frame would be 400 times 32 kB.
    assert read_rss_kb() - before_kb < 2000


class BlockedInterpreter(FakeInterpreter):
    """Its network has begun when it says so, and ends when it may."""

    def __init__(self) -> None:
        super().__init__(np.full((1, 4, 6, 3), -0.3, np.float32))
        self.begun, self.may_end = threading.Event(), threading.Event()

    def invoke(self) -> None:
        self.begun.set()
        assert self.may_end.wait(WAIT_S)


def test_noise_is_measured_beside_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = BlockedInterpreter()
    estimate_noise = cleaner.estimate_noise

    def measure(image: np.ndarray, *, channel_order: str) -> NoiseProfile:
        fake.may_end.set()
        return estimate_noise(image, channel_order=channel_order)

    monkeypatch.setattr(cleaner, "estimate_noise", measure)
    Enhancer(NO_CARD, fake, threads=2, contract="curves").enhance(make_image(40, 60))
    assert fake.begun.is_set()


def test_one_thread_applies_while_another_estimates() -> None:
    fake = BlockedInterpreter()
    enhancer, image, look = Enhancer(NO_CARD, fake, threads=1, contract="curves"), make_image(40, 60), Look(denoise=0)
    with ThreadPoolExecutor(2) as pool:
        enhanced = pool.submit(enhancer.enhance, image, look)
        assert fake.begun.wait(WAIT_S)
        applied = pool.submit(enhancer.apply, image, fake.output[0], look).result(WAIT_S)
        fake.may_end.set()
        np.testing.assert_array_equal(enhanced.result(WAIT_S), applied)


@pytest.mark.parametrize(("part", "error"), [("network", ModelError), ("rendering", MemoryError)])
def test_what_fails_leaves_nothing_at_work_on_the_image(
    monkeypatch: pytest.MonkeyPatch, part: str, error: type[Exception]
) -> None:
    measured = []

    def measure_slowly(image: np.ndarray, *, channel_order: str) -> NoiseProfile:
        time.sleep(0.1)
        measured.append(image)
        return assume_noise(0.5)

    def fail(*_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(cleaner, "estimate_noise", measure_slowly)
    if part == "rendering":
        monkeypatch.setattr(cleaner, "shrink_for_cleaning", fail)
    fake = FakeInterpreter(np.full((1, 4, 6, 3), np.nan if part == "network" else 0.5, np.float32))
    with pytest.raises(error):
        Enhancer(NO_CARD, fake, threads=2, contract="curves").enhance(make_image(40, 60))
    assert len(measured) == 1


@pytest.mark.parametrize("model", ["tiny", "tiny-tone"])
def test_threads_that_share_an_enhancer_get_the_pictures_of_one(model: str) -> None:
    enhancer = edge_dce.load(MODELS / f"{model}-16x16-int8.tflite", threads=2)
    images = [make_image(120 + 7 * number, 160) for number in range(8)]
    looks = [Look(denoise=0), Look(0.7, denoise=0.5)]
    expected = [[enhancer.enhance(image, look) for look in looks] for image in images]

    def work(number: int) -> bool:
        image, position = images[number % 8], number % 2
        if number % 3 == 0:
            found = enhancer.apply(image, enhancer.estimate(image), looks[position])
        else:
            found = enhancer.enhance(image, looks[position])
        return bool(np.array_equal(found, expected[number % 8][position]))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(96)))


def test_out_that_cannot_be_written_is_one_error() -> None:
    enhancer, image = edge_dce.load(TINY, threads=1), make_image(20, 30)
    read_only = np.zeros_like(image)
    read_only.flags.writeable = False
    repeating = np.lib.stride_tricks.as_strided(np.zeros(3, np.uint8), image.shape, (0, 0, 1))
    for out, message in (
        (read_only, "found a read-only array"),
        (np.broadcast_to(np.uint8(1), image.shape), "found a read-only array"),
        (repeating, "repeats some"),
        (np.zeros((20, 31, 3), np.uint8), r"expected `out` like the image, \(20, 30, 3\) uint8, found \(20, 31, 3\)"),
        (np.zeros(image.shape, np.uint16), "found .* uint16"),
        ([0], "expected a numpy array as `out`, found list"),
    ):
        with pytest.raises(ImageError, match=message):
            enhancer.enhance_into(image, out)  # type: ignore[arg-type]
        with pytest.raises(ImageError, match=message):
            enhancer.apply(image, enhancer.estimate(image), out=out)  # type: ignore[arg-type]
    assert not repeating.any()


def test_out_that_overlaps_the_image_is_an_error_unless_it_is_the_image() -> None:
    enhancer = edge_dce.load(TINY, threads=1)
    memory = np.zeros((41, 30, 6), np.uint8)
    memory[...] = np.random.default_rng(1).integers(0, 60, memory.shape)
    image = memory[:40, :, :3]
    for out in (memory[1:, :, :3], memory[:40, ::-1, :3], image[:, :, ::-1], memory[:40, :, 1:4]):
        with pytest.raises(ImageError, match="or none of its samples, found a part"):
            enhancer.enhance_into(image, out)
    expected = enhancer.enhance(image)
    # Beside each other in the same pixels, and the image itself under another name.
    for out in (memory[:40, :, 3:], memory[:40, :, :3]):
        enhancer.enhance_into(image, out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("model", BOTH_CONTRACTS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_estimate_with_a_value_that_is_no_number_is_an_error(model: str, value: float) -> None:
    enhancer, image = edge_dce.load(model, threads=1), make_image(20, 30)
    estimate = enhancer.estimate(image)
    estimate.flat[7] = value
    with pytest.raises(ImageError, match="expected an estimate of numbers"):
        enhancer.apply(image, estimate)
    with pytest.raises(ImageError, match="expected an estimate as"):
        enhancer.apply(image, list(estimate))  # type: ignore[arg-type]


def test_frame_of_another_size_needs_another_out() -> None:
    stream, out = edge_dce.Stream(edge_dce.load(TINY, threads=1)), np.zeros((20, 30, 3), np.uint8)
    stream.enhance_into(make_image(20, 30), out)
    before = out.copy()
    with pytest.raises(ImageError, match=r"expected `out` like the image, \(24, 30, 3\) uint8, found \(20, 30, 3\)"):
        stream.enhance_into(make_image(24, 30), out)
    np.testing.assert_array_equal(out, before)


@pytest.mark.skipif(sys.platform != "linux", reason="counts what a process holds as Linux lists it")
def test_enhancers_that_are_dropped_leave_nothing() -> None:
    code = """if True:
        import gc, os, threading
        from pathlib import Path
        import numpy as np
        import edge_dce

        def count():
            gc.collect()
            status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
            return len(os.listdir("/proc/self/fd")), int(status["Threads"]), int(status["VmRSS"].split()[0])

        image = np.zeros((90, 120, 3), np.uint8)
        for number in range(330):
            edge_dce.load("edge-tone-192x128-int8", threads=2).enhance(image)
            if number == 29:
                before = count()
        print(*before, *count())
    """
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    descriptors, threads, memory_kb, descriptors_then, threads_then, memory_then_kb = map(int, child.stdout.split())
    assert descriptors_then == descriptors
    # The two of the last one may be ending still.
    assert threads_then <= threads + 2
    # Of each of the 300 no more than 40 kB stays, of a file of 104 kB and some MB of tensors; mostly it is nothing.
    assert memory_then_kb - memory_kb < 300 * 40


@pytest.mark.parametrize("maps", [1, 8])
def test_grey_network_sees_the_mean_and_brightens_all_colors_alike(maps: int) -> None:
    fake = FakeInterpreter(np.full((1, 4, 6, maps), -0.3, np.float32), input_shape=(1, 4, 6, 1))
    enhancer, image = Enhancer(NO_CARD, fake, threads=1, contract="curves"), make_image(4, 6)
    found = enhancer.enhance(image, Look(denoise=0))
    np.testing.assert_allclose(fake.inputs[-1][0, ..., 0], np.rint(image.mean(axis=2)) / 255, atol=1e-6)
    np.testing.assert_array_equal(found, curve.apply_exact(image, np.full((4, 6, 3), -0.3, np.float32)))


@pytest.mark.parametrize("maps", [1, 8])
def test_network_for_near_infrared_enhances_its_channel_too(maps: int) -> None:
    strengths = np.array([-0.1, -0.2, -0.3, -0.4], np.float32)
    output = np.broadcast_to(np.tile(strengths, maps), (1, 4, 6, 4 * maps)).copy()
    fake = FakeInterpreter(output, input_shape=(1, 4, 6, 4))
    enhancer = Enhancer(NO_CARD, fake, threads=1, contract="curves")
    image = np.concatenate([make_image(4, 6), make_image(4, 6)[..., :1] + 9], axis=2)
    found = enhancer.enhance(image, Look(denoise=0), channel_order="RGBN")
    np.testing.assert_allclose(fake.inputs[-1][0], image / 255, atol=1e-6)
    expected = curve.apply_exact(image, np.broadcast_to(strengths, (4, 6, 4)).copy())
    # The table's bound on the formula.
    assert np.abs(found.astype(int) - expected).max() <= 2
    with pytest.raises(ImageError, match="expected images of RGB and near infrared"):
        enhancer.enhance(make_image(4, 6))


def test_order_of_near_infrared_is_refused_by_networks_that_do_not_see_it() -> None:
    with pytest.raises(ImageError, match="expected images of RGB, BGR, RGBA or BGRA, found RGBN"):
        edge_dce.load().enhance(np.zeros((4, 6, 4), np.uint8), channel_order="RGBN")
