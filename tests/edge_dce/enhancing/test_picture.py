"""What nobody sees does not count, and frames get one smoothed tone."""

import dataclasses

import numpy as np
import pytest

import edge_dce
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.files.formats import profiles
from edge_dce.files.formats.transfer import decode_srgb, encode_srgb
from edge_dce.files.picture import Animation, Notes, Picture
from edge_dce.files.pictures import decode_picture, encode_picture
from edge_dce.pixels.look import BARE, Look
from tests.edge_dce.files.formats.made_files import make_moving, make_scene
from tests.edge_dce.pixels.noisy_pictures import add_noise, make_ramp

UNCHANGED = Look(strength=0, denoise=0)


@pytest.fixture(scope="module")
def enhancer() -> edge_dce.Enhancer:
    return edge_dce.load()


def make_patch(hidden: int, dtype: type = np.uint8) -> tuple[Picture, np.ndarray]:
    """A dark patch in the middle of what is transparent, and the patch."""
    factor = 257 if dtype is np.uint16 else 1
    patch = (np.rint(make_scene(40, 60) * 60).astype(dtype) * factor).astype(dtype)
    image = np.full((120, 160, 3), hidden * factor, dtype)
    image[40:80, 50:110] = patch
    alpha = np.zeros((120, 160), dtype)
    alpha[40:80, 50:110] = 255 * factor
    return Picture(image, alpha), patch


@pytest.mark.parametrize("look", [BARE, Look()])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("hidden", [0, 255])
def test_colors_that_nobody_sees_do_not_count(
    hidden: int, dtype: type, look: Look, enhancer: edge_dce.Enhancer
) -> None:
    picture, patch = make_patch(hidden, dtype)
    found = enhance_picture(picture, enhancer, look).image[40:80, 50:110].astype(float)
    alone = enhance_picture(Picture(patch), enhancer, look).image.astype(float)
    level = 257 if dtype is np.uint16 else 1
    # The network sees the same; cleaning looks a few pixels past the edge.
    assert abs(found.mean() - alone.mean()) <= (0 if look is BARE else level)


def test_hidden_samples_stay_what_they_are(enhancer: edge_dce.Enhancer) -> None:
    picture, _ = make_patch(200)
    enhanced = enhance_picture(picture, enhancer).image
    assert picture.alpha is not None
    assert (enhanced[picture.alpha == 0] == 200).all()


def test_jpeg_encoded_on_the_way_is_the_one_encoded_afterwards(
    enhancer: edge_dce.Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_dce.enhancing.picture.count_usable_cores", lambda: enhancer.threads)
    dark = add_noise(make_ramp(400, 600, low=2, high=60), 2)
    picture = Picture(dark, notes=Notes(texts=(("Comment", "night"),), xmp=b"<x/>"))
    on_the_way = enhance_picture(picture, enhancer, jpeg_quality=90)
    data, afterwards = (
        encode_picture(each, ".jpg", quality=90) for each in (on_the_way, picture.with_image(on_the_way.image))
    )
    # Where restart intervals are defined, there are some.
    assert b"\xff\xdd\x00\x04" in data
    assert b"\xff\xdd\x00\x04" not in afterwards
    found, expected = decode_picture(data), decode_picture(afterwards)
    assert found.notes == expected.notes
    # Two builds of libjpeg may round a transform differently.
    assert np.abs(found.image.astype(int) - expected.image).max() <= 2


def test_jpeg_is_left_to_threads_that_have_nothing_else_to_do(
    enhancer: edge_dce.Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_dce.enhancing.picture.count_usable_cores", lambda: enhancer.threads + 1)
    picture = Picture(add_noise(make_ramp(low=2, high=60), 2))
    assert enhance_picture(picture, enhancer, jpeg_quality=90).strips is None


@pytest.mark.parametrize("look", [BARE, Look(), Look(max_brightness=0.5)], ids=["bare", "default", "bounded"])
@pytest.mark.parametrize("kind", ["8 bits", "16 bits", "grey"])
def test_samples_may_receive_the_result_and_do_only_when_asked(
    kind: str, look: Look, enhancer: edge_dce.Enhancer
) -> None:
    # Black on the left, so that cleaning has something to fade.
    picture = Picture(add_noise(make_ramp(1200, 480, low=0, high=120), 2), is_grey=kind == "grey")
    if kind == "16 bits":
        picture = picture.deepened()
    before = picture.image.copy()
    expected = enhance_picture(picture, enhancer, look, jpeg_quality=90).image
    np.testing.assert_array_equal(picture.image, before)
    found = enhance_picture(picture, enhancer, look, jpeg_quality=90, in_place=True).image
    np.testing.assert_array_equal(found, expected)
    assert found is picture.image


@pytest.mark.parametrize("reason", ["transparency", "memory that is not ours"])
def test_samples_that_cannot_receive_the_result_stay(reason: str, enhancer: edge_dce.Enhancer) -> None:
    picture, _ = make_patch(200)
    if reason != "transparency":
        picture = Picture(picture.image)
        picture.image.flags.writeable = False
    before = picture.image.copy()
    enhance_picture(picture, enhancer, in_place=True)
    np.testing.assert_array_equal(picture.image, before)


def test_jpeg_of_another_quality_is_encoded_again(enhancer: edge_dce.Enhancer) -> None:
    picture = Picture(add_noise(make_ramp(low=2, high=60), 2))
    enhanced = enhance_picture(picture, enhancer, jpeg_quality=90)
    expected = encode_picture(picture.with_image(enhanced.image), ".jpg", quality=50)
    assert encode_picture(enhanced, ".jpg", quality=50) == expected


@pytest.mark.parametrize("kind", ["16 bits", "grey", "transparent"])
def test_pictures_that_no_strip_can_hold_are_encoded_whole(kind: str, enhancer: edge_dce.Enhancer) -> None:
    image = add_noise(make_ramp(low=2, high=60), 2)
    alpha = np.full(image.shape[:2], 255, np.uint8) if kind == "transparent" else None
    picture = Picture(image, alpha, is_grey=kind == "grey")
    if kind == "16 bits":
        picture = picture.deepened()
    enhanced = enhance_picture(picture, enhancer, jpeg_quality=90)
    expected = encode_picture(enhance_picture(picture, enhancer), ".jpg", quality=90)
    assert encode_picture(enhanced, ".jpg", quality=90) == expected


def test_nothing_but_transparency_is_enhanced_without_an_error(enhancer: edge_dce.Enhancer) -> None:
    picture = Picture(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8))
    assert enhance_picture(picture, enhancer).image.shape == (8, 8, 3)


def test_shade_of_alpha_counts_by_what_is_seen(enhancer: edge_dce.Enhancer) -> None:
    image = np.full((64, 64, 3), 30, np.uint8)
    image[:32] = 220
    alpha = np.full((64, 64), 255, np.uint8)
    alpha[:32] = 1
    bright_is_faint = enhance_picture(Picture(image, alpha), enhancer, BARE).image[40:].mean()
    alone = enhance_picture(Picture(np.full((64, 64, 3), 30, np.uint8)), enhancer, BARE).image.mean()
    # One part in 255 of the bright half is seen: a level or two for the network, of which one is three here.
    assert abs(bright_is_faint - alone) < 7


def test_colors_of_a_wide_profile_are_estimated_as_they_are_seen(enhancer: edge_dce.Enhancer) -> None:
    """The same light in the numbers of BT.2020 gets the exposure that it gets in those of sRGB."""
    image = np.rint(make_scene(64, 64) * np.array([30, 60, 20])).astype(np.uint8)
    to_wide = np.linalg.solve(
        profiles.find_colorants(profiles.PRIMARIES[9]), profiles.find_colorants(profiles.SRGB_PRIMARIES)
    )
    wide = np.rint(encode_srgb(decode_srgb(image / 255) @ to_wide.T) * 255).astype(np.uint8)
    profile = profiles.make_profile(profiles.find_colorants(profiles.PRIMARIES[9]))
    seen = enhance_picture(Picture(wide, icc_profile=profile), enhancer, BARE).image.astype(float)
    as_if_srgb = enhance_picture(Picture(wide), enhancer, BARE).image.astype(float)
    expected = enhancer.apply(wide, enhancer.estimate(image), BARE).astype(float)
    # Numbers of 8 bits were rounded twice on the way to the network.
    assert np.abs(seen - expected).mean() < 3
    assert np.abs(as_if_srgb - expected).mean() > 2 * np.abs(seen - expected).mean()


def make_animation(flicker: int = 0) -> Picture:
    frames = [frame + np.uint8(flicker * (number % 2)) for number, frame in enumerate(make_moving(6))]
    further = tuple((frame, None) for frame in frames[1:])
    return Picture(frames[0], animation=Animation((100,) * 6, further, loops=2))


def test_all_frames_are_enhanced_by_one_smoothed_tone(enhancer: edge_dce.Enhancer) -> None:
    picture = make_animation(flicker=2)
    enhanced = enhance_picture(picture, enhancer, BARE)
    assert enhanced.animation is not None
    assert picture.animation is not None
    assert enhanced.animation.durations_ms == (100,) * 6
    stream = edge_dce.Stream(enhancer, look=BARE)
    before = [picture.image, *(image for image, _ in picture.animation.further)]
    after = [enhanced.image, *(image for image, _ in enhanced.animation.further)]
    for frame, found in zip(before, after, strict=True):
        expected = np.empty_like(frame)
        stream.enhance_into(frame, expected)
        np.testing.assert_array_equal(found, expected)
    assert np.mean(after) > np.mean(before) + 20


def test_frames_at_strength_zero_stay_what_they_are(enhancer: edge_dce.Enhancer) -> None:
    picture = make_animation(flicker=3)
    same = enhance_picture(picture, enhancer, UNCHANGED)
    assert same.animation is not None
    assert picture.animation is not None
    np.testing.assert_array_equal(same.image, picture.image)
    for (found, _), (expected, _) in zip(same.animation.further, picture.animation.further, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_is_kept_beside_the_samples_is_kept(enhancer: edge_dce.Enhancer) -> None:
    picture = dataclasses.replace(make_animation(), exif=b"Exif\0\0", cicp=(12, 13))
    enhanced = enhance_picture(picture, enhancer)
    assert (enhanced.exif, enhanced.cicp) == (picture.exif, picture.cicp)
