"""The page as a person uses it, in a real browser with the real LiteRT.js."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from apps.web.building import DEFAULT_MODEL, build
from edge_dce.enhancer import Enhancer
from tests.apps.pi.browser import MISSING, Browser, open_browser
from tests.apps.web.served_page import (
    ALLOWS_CAMERA,
    DRAWS,
    HAS_CAMERA,
    IS_ENHANCED,
    PACKAGES,
    Server,
    make_image,
    save,
    serve,
    set_strength,
    write_photo,
    write_video,
)

pytestmark = [
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
    pytest.mark.skipif(not PACKAGES.is_dir(), reason="needs LiteRT.js; run: make web-app"),
    pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the page is tested beside the other runtime"),
]

# The table of the processor's way rounds twice, which may be 2 levels away from the formula; the shader rounds once.
MOST_LEVELS = 2
OVERFLOW = """
    const page = document.documentElement;
    return Math.max(page.scrollWidth - innerWidth, page.scrollHeight - innerHeight);
"""
SMALLEST_CONTROL = """
    const controls = [...document.querySelectorAll("#controls :is(button, label.button, select, input)")];
    const boxes = controls.map((control) => control.getBoundingClientRect()).filter(({ width }) => width);
    return Math.min(...boxes.flatMap((box) => [box.width, box.height]));
"""
IS_KEPT = "return document.getElementById('offline').textContent.length > 0"
USE_CAMERA = "document.getElementById('use-camera').click()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, built of this checkout."""
    folder = tmp_path_factory.mktemp("web") / "page"
    build(folder, packages=PACKAGES)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serve(folder) as server:
        yield server


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with open_browser(1280, 800, flags=DRAWS) as browser:
        yield browser


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return edge_dce.load(DEFAULT_MODEL)


def open_photo(browser: Browser, server: Server, path: Path) -> None:
    browser.open(server.url)
    browser.type("#file", str(path))
    browser.wait_for(IS_ENHANCED)


def check_saved(browser: Browser, folder: Path, before: np.ndarray, enhancer: Enhancer) -> None:
    """At each strength, the picture that the page saves is that of the processor."""
    for strength in (1.0, 0.4, 1.5):
        set_strength(browser, strength)
        _, saved = save(browser, folder)
        expected = enhancer.enhance(before, edge_dce.Look(strength, denoise=0))
        assert np.abs(saved.astype(int) - expected.astype(int)).max() <= MOST_LEVELS


# Both ways to shrink, an odd size that is halved, one that has to grow, and a panorama.
@pytest.mark.parametrize("size", [(640, 480), (903, 1201), (150, 100), (1500, 200)])
def test_photo_is_saved_as_the_processor_enhances_it(
    size: tuple[int, int], window: Browser, server: Server, enhancer: Enhancer, tmp_path: Path
) -> None:
    image = make_image(*size)
    write_photo(tmp_path / "room.png", image)
    open_photo(window, server, tmp_path / "room.png")
    (tmp_path / "saved").mkdir()
    check_saved(window, tmp_path / "saved", image, enhancer)
    set_strength(window, 0)
    name, saved = save(window, tmp_path / "saved")
    assert name == "room-enhanced.png"
    assert np.array_equal(saved, image)


def test_frame_of_a_camera_is_saved_as_the_processor_enhances_it(
    server: Server, enhancer: Enhancer, tmp_path: Path
) -> None:
    write_video(tmp_path / "room.y4m", make_image(640, 480))
    shows = f"--use-file-for-fake-video-capture={tmp_path / 'room.y4m'}"
    with open_browser(390, 844, is_phone=True, flags=(*DRAWS, *HAS_CAMERA, *ALLOWS_CAMERA, shows)) as phone:
        phone.open(server.url)
        phone.evaluate(USE_CAMERA)
        phone.wait_for(IS_ENHANCED)
        phone.evaluate("document.getElementById('format').value = 'image/png'")
        (tmp_path / "saved").mkdir()
        set_strength(phone, 0)
        name, before = save(phone, tmp_path / "saved")
        assert name.startswith("night-2")
        check_saved(phone, tmp_path / "saved", before, enhancer)
