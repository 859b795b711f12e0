"""The camera's page in a real browser, as a person uses it."""

import contextlib
import http.client
import http.server
import signal
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.apps.pi.browser import MISSING, Browser, open_browser
from tests.apps.pi.running_camera import SIZE, RunningCamera, run_camera
from tests.edge_dce.camera.servers import serve_http

pytestmark = [
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
    # The slowest of all tests, and nothing that a browser sees depends on the runtime.
    pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the page is tested beside the other runtime"),
]

TOKEN = "correct-horse-battery"
# Mean of the canvas's left and right tenth, of 255.
BRIGHTNESS = """
    const canvas = document.getElementById("picture"), tenth = Math.floor(canvas.width / 10);
    return [0, canvas.width - tenth].map((left) => {
        const samples = canvas.getContext("2d").getImageData(left, 0, tenth, canvas.height).data;
        return samples.reduce((sum, sample) => sum + sample, 0) / samples.length * 4 / 3 - 85;
    });
"""
NOTICE = "return document.getElementById('notice').textContent"
LAST_FETCH_STATUS = """
    const fetched = performance.getEntriesByType("resource").filter((each) => each.name.includes("frame.jpg"));
    return fetched.at(-1).responseStatus;
"""
IS_LIVE = f"""
    return document.getElementById("picture")?.width === {SIZE[0]} && !document.getElementById("notice").textContent;
"""
OVERFLOW = """
    const page = document.documentElement;
    return Math.max(page.scrollWidth - innerWidth, page.scrollHeight - innerHeight);
"""
SMALLEST_CONTROL = """
    const boxes = ["strength", "snapshot"].map((id) => document.getElementById(id).getBoundingClientRect());
    return Math.min(...boxes.flatMap((box) => [box.width, box.height]));
"""
CLICK_SNAPSHOT = """
    const link = document.getElementById("snapshot");
    link.addEventListener("click", (event) => event.preventDefault());
    link.click();
    return [link.href, link.download];
"""
SET_STRENGTH = """
    const slider = document.getElementById("strength");
    slider.value = %s;
    slider.dispatchEvent(new Event("input"));
"""


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    with open_browser(390, 844, is_phone=True) as browser:
        yield browser


@pytest.fixture
def camera() -> Iterator[RunningCamera]:
    with run_camera("--fps", "15") as running:
        yield running


def test_picture_is_live_and_split(phone: Browser, camera: RunningCamera) -> None:
    phone.open(camera.url)
    phone.wait_for(IS_LIVE)
    left, right = phone.evaluate(BRIGHTNESS)
    assert right > 3 * left
    first = phone.evaluate("return document.getElementById('picture').toDataURL()")
    phone.wait_for("return document.getElementById('picture').toDataURL()", lambda shown: shown != first)
    phone.wait_for("return document.getElementById('facts').textContent", lambda text: " fps · " in text)


def test_strength_slider_changes_the_stream(phone: Browser, camera: RunningCamera) -> None:
    phone.open(camera.url)
    phone.wait_for(IS_LIVE)
    phone.evaluate(SET_STRENGTH % 0)
    # Unchanged on both sides of the line.
    phone.wait_for(BRIGHTNESS, lambda sides: abs(sides[1] - sides[0]) < 5)
    assert camera.stats()["enhancement"]["strength"] == 0
    phone.evaluate(SET_STRENGTH % 1.5)
    phone.wait_for(BRIGHTNESS, lambda sides: sides[1] > 5 * sides[0])
    assert phone.evaluate("return document.getElementById('value').textContent") == "1.50"


def test_line_follows_the_pointer_and_the_keys(phone: Browser, camera: RunningCamera) -> None:
    phone.open(camera.url)
    phone.wait_for(IS_LIVE)
    y = phone.evaluate("const b = document.getElementById('view').getBoundingClientRect(); return b.top + b.height / 2")
    phone.drag((195, round(y)), (380, round(y)))
    phone.wait_for(BRIGHTNESS, lambda sides: abs(sides[1] - sides[0]) < 10)
    assert phone.evaluate("return Number(document.getElementById('line').getAttribute('aria-valuenow'))") > 90
    phone.evaluate(
        "document.getElementById('line').dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true }))"
    )
    phone.wait_for(BRIGHTNESS, lambda sides: min(sides) > 30)


@pytest.mark.parametrize(("width", "height", "is_phone"), [(390, 844, True), (844, 390, True), (1280, 800, False)])
def test_everything_fits_the_window(width: int, height: int, is_phone: bool, camera: RunningCamera) -> None:
    with open_browser(width, height, is_phone=is_phone) as browser:
        browser.open(camera.url)
        browser.wait_for(IS_LIVE)
        assert browser.evaluate(OVERFLOW) <= 0
        # A finger is some 40 pixels wide.
        assert browser.evaluate(SMALLEST_CONTROL) >= 40


def test_snapshot_button_offers_a_picture_with_a_name(phone: Browser, camera: RunningCamera) -> None:
    phone.open(camera.url)
    phone.wait_for(IS_LIVE)
    href, name = phone.evaluate(CLICK_SNAPSHOT)
    assert href == f"{camera.url}snapshot.jpg"
    assert name.startswith("night-2")


def test_camera_that_went_away_is_told_and_found_again(phone: Browser) -> None:
    with run_camera() as camera:
        phone.open(camera.url)
        phone.wait_for(IS_LIVE)
        port = camera.port
        camera.stop(signal.SIGKILL)
        phone.wait_for(NOTICE, lambda text: text == "The camera does not answer. Trying again …")
    with run_camera("--http", f"127.0.0.1:{port}"):
        phone.wait_for(IS_LIVE)


def test_source_that_is_lost_is_told_over_its_last_picture_until_it_is_back(phone: Browser, tmp_path: Path) -> None:
    size = "x".join(str(side) for side in SIZE)
    with contextlib.ExitStack() as stack:
        with serve_http(tmp_path) as web:
            address = f"{web.url}/live.mjpg?token=secret"
            camera = stack.enter_context(run_camera("--source", address, "--size", size))
            phone.open(camera.url)
            phone.wait_for(IS_LIVE)
        phone.wait_for(NOTICE, lambda text: text.startswith(f"{web.url}: cannot be opened (Connection refused)"))
        # An answer that there is no frame comes after five seconds, when the page has only the last picture.
        phone.wait_for(LAST_FETCH_STATUS, lambda status: status == 503)
        assert phone.evaluate(NOTICE).startswith(web.url)
        with serve_http(tmp_path, web.server_port):
            phone.wait_for(IS_LIVE)


def test_token_is_asked_for_once(phone: Browser) -> None:
    with run_camera("--token", TOKEN) as camera:
        phone.open(camera.url)
        assert phone.evaluate("return document.querySelector('input').name") == "token"
        phone.type("input", f"wrong{TOKEN}\n")
        phone.wait_for("return document.body.innerText", lambda text: "This token is wrong. Try again." in text)
        phone.type("input", f"{TOKEN}\n")
        phone.wait_for(IS_LIVE)
        # The secret is neither in the address bar nor within reach of the page's script.
        assert phone.evaluate("return location.href + document.cookie") == camera.url
        phone.open(camera.url)
        phone.wait_for(IS_LIVE)


@contextlib.contextmanager
def put_below_a_path(camera: RunningCamera) -> Iterator[str]:
    """The address of a proxy that has the camera at /cam/, and something else everywhere else."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/cam/") if self.path.startswith("/cam/") else "nothing"
            upstream = http.client.HTTPConnection("127.0.0.1", camera.port, timeout=20)
            with contextlib.closing(upstream):
                passed = {name: self.headers[name] for name in ("Host", "Cookie", "Origin") if name in self.headers}
                upstream.request(self.command, f"/{path}", headers=passed)
                answer = upstream.getresponse()
                body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/cam/"
        server.shutdown()
        thread.join()


def test_page_works_below_the_path_of_a_proxy(phone: Browser) -> None:
    with run_camera("--token", TOKEN) as camera, put_below_a_path(camera) as url:
        phone.open(url)
        phone.type("input", f"{TOKEN}\n")
        phone.wait_for(IS_LIVE)
        assert phone.evaluate("return location.href") == url
        phone.evaluate(SET_STRENGTH % 0.5)
        camera.wait_for(lambda: camera.stats(TOKEN)["enhancement"]["strength"] == 0.5)
        assert phone.evaluate(CLICK_SNAPSHOT)[0] == f"{url}snapshot.jpg"
