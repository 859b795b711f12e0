"""The page as a person uses it, in a real browser with the real LiteRT.js."""

import json
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from apps.web.building import DEFAULT_MODEL, build
from edge_dce.enhancer import Enhancer
from edge_dce.pixels.smoothing import Smoother, make_thumbnail
from tests.apps.pi.browser import MISSING, Browser, open_browser
from tests.apps.web.served_page import (
    ALLOWS_CAMERA,
    DRAWS,
    HAS_CAMERA,
    IS_ENHANCED,
    NOTICE,
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
# Red of the canvas near its left and right edge, drawn anew first: what is shown cannot be read.
SIDES = """
    document.getElementById("strength").dispatchEvent(new Event("input"));
    const canvas = document.getElementById("picture"), copy = new OffscreenCanvas(canvas.width, 1).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    return [5, canvas.width - 5].map((x) => copy.getImageData(x, 0, 1, 1).data[0]);
"""
OVERFLOW = """
    const page = document.documentElement;
    return Math.max(page.scrollWidth - innerWidth, page.scrollHeight - innerHeight);
"""
SMALLEST_CONTROL = """
    const controls = [...document.querySelectorAll("#controls :is(button, label.button, select, input)")];
    const boxes = controls.map((control) => control.getBoundingClientRect()).filter(({ width }) => width);
    return Math.min(...boxes.flatMap((box) => [box.width, box.height]));
"""
IS_KEPT = "return document.getElementById('hint').textContent.length > 0"
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


def test_left_of_the_line_the_photo_is_as_it_was(window: Browser, server: Server, tmp_path: Path) -> None:
    write_photo(tmp_path / "gray.png", np.full((300, 400, 3), 40, np.uint8))
    open_photo(window, server, tmp_path / "gray.png")
    left, right = window.evaluate(SIDES)
    assert left == 40 < right
    window.evaluate("document.getElementById('line').dispatchEvent(new KeyboardEvent('keydown', { key: 'End' }))")
    assert window.evaluate(SIDES) == [40, 40]
    window.evaluate("document.getElementById('line').dispatchEvent(new KeyboardEvent('keydown', { key: 'Home' }))")
    assert min(window.evaluate(SIDES)) == right


@pytest.mark.parametrize(("width", "height", "is_phone"), [(390, 844, True), (844, 390, True), (1280, 800, False)])
def test_everything_fits_the_window(width: int, height: int, is_phone: bool, server: Server, tmp_path: Path) -> None:
    with open_browser(width, height, is_phone=is_phone, flags=DRAWS) as browser:
        browser.open(server.url)
        assert browser.evaluate(OVERFLOW) <= 0
        for size in ((640, 480), (480, 900)):
            write_photo(tmp_path / f"{size}.jpg", make_image(*size))
            browser.type("#file", str(tmp_path / f"{size}.jpg"))
            browser.wait_for(f"{IS_ENHANCED} && document.getElementById('facts').textContent.startsWith({size[0]})")
            assert browser.evaluate(OVERFLOW) <= 0
        # A finger is some 40 pixels wide.
        assert browser.evaluate(SMALLEST_CONTROL) >= 40


def test_nothing_is_asked_of_others_and_nothing_sent(window: Browser, server: Server, tmp_path: Path) -> None:
    write_photo(tmp_path / "room.png", make_image(300, 200))
    open_photo(window, server, tmp_path / "room.png")
    window.wait_for(IS_KEPT)
    asked = window.evaluate("return performance.getEntriesByType('resource').map(({ name }) => name)")
    assert [url for url in asked if not url.startswith((server.url, f"blob:{server.url}"))] == []
    assert {method for method, _ in server.asked} == {"GET"}
    blocked = """
        return new Promise((resolve) => {
            addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective));
            fetch("http://127.0.0.1:9/", { method: "POST", body: "picture" }).catch(() => null);
        });
    """
    assert window.evaluate(blocked) == "connect-src"


def test_page_works_after_the_host_has_gone(folder: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "room.png", make_image(300, 200))
    with open_browser(1280, 800, flags=DRAWS) as browser:
        with serve(folder) as server:
            browser.open(server.url)
            browser.wait_for(IS_KEPT)
        open_photo(browser, server, tmp_path / "room.png")


def test_program_may_be_unpacked_on_the_way(folder: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "room.png", make_image(300, 200))
    with open_browser(1280, 800, flags=DRAWS) as browser, serve(folder, has_unpacked=True) as server:
        open_photo(browser, server, tmp_path / "room.png")


def test_next_build_replaces_what_the_browser_keeps(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    kept = "return caches.keys().then((names) => names.map((name) => name.split(' ').at(-1)).join())"
    with open_browser(1280, 800, flags=DRAWS) as browser, serve(copy) as server:
        browser.open(server.url)
        browser.wait_for(IS_KEPT)
        first = browser.evaluate(kept)
        files = (copy / "files.js").read_text()
        assert first in files
        (copy / "files.js").write_text(files.replace(first, "next"))
        browser.open(server.url)
        browser.wait_for(kept, lambda names: names == "next")


def test_missing_camera_is_told(window: Browser, server: Server) -> None:
    window.open(server.url)
    window.evaluate(USE_CAMERA)
    window.wait_for(NOTICE, lambda text: text.startswith("No camera was found. Connect one"))


def test_refused_camera_is_told(server: Server) -> None:
    with open_browser(1280, 800, flags=(*DRAWS, *HAS_CAMERA, "--deny-permission-prompts")) as browser:
        browser.open(server.url)
        browser.evaluate(USE_CAMERA)
        browser.wait_for(NOTICE, lambda text: text.startswith("This page may not use the camera. Allow it"))


def test_page_that_gets_no_camera_for_want_of_https_says_so_and_enhances_photos(server: Server, tmp_path: Path) -> None:
    write_photo(tmp_path / "room.png", make_image(300, 200))
    with open_browser(1280, 800, flags=(*DRAWS, "--host-resolver-rules=MAP night.test 127.0.0.1")) as browser:
        browser.open(f"http://night.test:{server.port}/")
        hint = browser.wait_for("return document.getElementById('hint').textContent")
        assert hint.startswith("Cameras work on pages from HTTPS or localhost only.")
        browser.type("#file", str(tmp_path / "room.png"))
        browser.wait_for(IS_ENHANCED)


def test_browser_without_webgl_2_is_told(server: Server) -> None:
    with open_browser(1280, 800, flags=("--disable-3d-apis",)) as browser:
        browser.open(server.url)
        browser.wait_for(NOTICE, lambda text: text.startswith("This browser has no WebGL 2. Update it"))


def test_network_that_does_not_come_is_told_and_the_photo_stays(folder: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "gray.png", np.full((300, 400, 3), 40, np.uint8))
    with open_browser(1280, 800, flags=DRAWS) as browser, serve(folder, missing=("/model.tflite",)) as server:
        browser.open(server.url)
        expected = "The network could not be loaded. Check the connection"
        browser.wait_for(NOTICE, lambda text: text.startswith(expected))
        browser.type("#file", str(tmp_path / "gray.png"))
        browser.wait_for("return document.getElementById('facts').textContent", lambda text: text == "400 × 300")
        assert browser.evaluate(SIDES) == [40, 40]
        assert browser.evaluate(NOTICE).startswith(expected)


def test_file_that_is_no_picture_is_named(window: Browser, server: Server, tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("Dear Sir")
    window.open(server.url)
    window.type("#file", str(tmp_path / "letter.png"))
    window.wait_for(NOTICE, lambda text: text.startswith("This browser cannot read letter.png. Choose a JPEG"))


def test_tones_follow_each_other_as_in_the_camera_app(window: Browser, server: Server) -> None:
    # A still scene, a slow change, a lamp, a turn of the camera, another color, a cut: the levels of both halves, the
    # blue of the right one, what the network says, and frames until the next.
    scenes = [
        (20, 20, 20, 0.1, 3), (20, 20, 20, 0.2, 4), (22, 22, 22, 0.3, 3), (24, 24, 24, 0.3, 3), (28, 28, 28, 0.4, 3),
        (90, 90, 90, 0.9, 2), (88, 88, 88, 0.8, 5), (90, 20, 20, 0.9, 2), (88, 20, 20, 0.8, 5), (60, 40, 30, 0.6, 3),
        (40, 60, 30, 0.5, 3), (40, 60, 90, 0.7, 3), (200, 10, 10, 0.2, 2), (10, 200, 200, 0.3, 2),
    ]  # fmt: skip
    smoother, expected = Smoother(), []
    for left, right, blue, number, frames in scenes:
        frame = np.full((128, 192, 3), left, np.uint8)
        frame[:, 96:] = right, right, blue
        smoother.aim(np.full(103, number, np.float32), make_thumbnail(frame))
        expected += [float(smoother.advance()[0]) for _ in range(frames)]
    window.open(server.url)
    found = window.evaluate(f"""
        return import("./smoothing.js").then(({{ Smoother }}) => {{
            const smoother = new Smoother(new Float32Array(103));
            return {json.dumps(scenes)}.flatMap(([left, right, blue, number, frames]) => {{
                const samples = new Uint8Array(4 * 128 * 192);
                samples.forEach((_, index) => {{
                    samples[index] = index % (4 * 192) < 4 * 96 ? left : index % 4 == 2 ? blue : right;
                }});
                smoother.aim(new Float32Array(103).fill(number), samples);
                return Array.from({{ length: frames }}, () => smoother.advance()[0]);
            }});
        }});
    """)
    # Both in float32, of which one mix makes 6e-8 and sums of thumbnails a little more.
    assert found == pytest.approx(expected, abs=1e-5)
