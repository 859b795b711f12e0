"""`POST /enhance` as programs use it, over real sockets."""

import contextlib
import io
import json
import signal
import socket
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

import edge_dce
from apps.photos.order import FORMATS, MOST_BYTES, MOST_WAITING
from edge_dce.files.pictures import Picture, decode_picture, encode_picture
from edge_dce.models.catalog import bundled_models
from tests.apps.photos.running_server import (
    SIZE,
    RunningServer,
    make_image,
    make_picture,
    read_error,
    run_server,
)

TOKEN = "correct-horse-battery"
WAITING_HEAD = b"POST /enhance HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One for all tests that leave it as it is."""
    with run_server() as running:
        yield running


def test_bytes_come_back_as_the_library_makes_them(server: RunningServer) -> None:
    for suffix, kind in ((".jpg", "image/jpeg"), (".png", "image/png")):
        data = make_picture(suffix)
        status, body, headers = server.enhance(data)
        assert (status, headers["content-type"]) == (200, kind)
        assert body == edge_dce.enhance(data)


def test_look_and_model_are_those_of_the_query(server: RunningServer) -> None:
    data = make_picture(".png")
    (other,) = (path.stem for path in bundled_models() if path.stem == "zero-dce-pp-128x128-int8")
    _, body, _ = server.enhance(data, f"?strength=0.5&max_brightness=0.8&denoise=0.25&model={other}")
    assert body == edge_dce.enhance(data, edge_dce.Look(0.5, 0.8, 0.25), model=other)


def test_strength_0_without_denoising_changes_nothing(server: RunningServer) -> None:
    _, body, _ = server.enhance(make_picture(".png"), "?strength=0&denoise=0")
    np.testing.assert_array_equal(decode_picture(body).image, make_image())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_told_by_its_media_type(server: RunningServer, name: str) -> None:
    status, body, headers = server.enhance(make_picture(".png"), f"?format={name}")
    assert status == 200
    with Image.open(io.BytesIO(body)) as opened:
        assert headers["content-type"] == opened.get_format_mimetype()
        assert opened.size == SIZE


def test_quality_is_that_of_the_command(server: RunningServer) -> None:
    data = make_picture(".png")
    _, body, _ = server.enhance(data, "?format=jpg&quality=30")
    assert body == encode_picture(edge_dce.enhance(decode_picture(data)), ".jpg", quality=30)


def test_what_the_result_does_not_hold_is_told(server: RunningServer) -> None:
    dark = Image.fromarray(make_image())
    pages, stream = [dark] * 2, io.BytesIO()
    dark.save(stream, "TIFF", save_all=True, append_images=pages, dpi=(300, 300))
    _, _, headers = server.enhance(stream.getvalue(), "?format=webp")
    assert headers["x-left-out"] == "further pages (2), resolution"
    assert "x-left-out" not in server.enhance(make_picture(".png"))[2]


def test_picture_is_shrunk_and_never_grown(server: RunningServer) -> None:
    for most, expected in ((80, (60, 80, 3)), (4000, (120, 160, 3))):
        _, body, _ = server.enhance(make_picture(".png"), f"?max_side={most}")
        assert decode_picture(body).image.shape == expected


def test_source_of_a_format_that_is_only_read_comes_back_as_png(server: RunningServer) -> None:
    image = make_image()
    ppm = b"P6 %d %d 255\n" % SIZE + image.tobytes()
    status, _, headers = server.enhance(ppm)
    assert (status, headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("strength=2", "expected a strength from 0 to 1.5, found 2.0"),
        ("strength=nan", "expected a strength from 0 to 1.5, found nan"),
        ("strength=much", "expected a number as strength, found 'much'"),
        ("max_brightness=0.1", "expected a max_brightness from 0.5 to 1, found 0.1"),
        ("denoise=all", "expected a number as denoise, found 'all'"),
        ("model=../secret.tflite", "expected a model out of"),
        ("format=gif", "expected a format out of bmp"),
        ("quality=0", "expected a quality from 1 to 100, found '0'"),
        ("max_side=0", "expected a max_side from 16 to 65535 pixels, found '0'"),
        ("strenght=1", "expected parameters out of strength"),
    ],
)
def test_wrong_parameter_is_named(server: RunningServer, query: str, said: str) -> None:
    status, body, _ = server.enhance(make_picture(".jpg"), f"?{query}")
    assert status == 400
    assert said in read_error(body)


def test_what_is_no_picture_is_refused(server: RunningServer) -> None:
    status, body, _ = server.enhance(b"no picture at all")
    assert status == 422
    assert read_error(body).startswith("17 bytes: its content is not a picture but text")


def test_form_around_a_picture_is_refused_with_what_to_send_instead(server: RunningServer) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="night.jpg"\r\n\r\n'
    form = head + make_picture(".jpg") + b"\r\n--x--\r\n"
    status, body, _ = server.enhance(form, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert status == 415
    assert "--data-binary @night.jpg" in read_error(body)


def test_transparency_that_a_format_cannot_hold_is_refused(server: RunningServer) -> None:
    half = np.full(SIZE[::-1], 128, np.uint8)
    status, body, _ = server.enhance(encode_picture(Picture(make_image(), half), ".png"), "?format=jpg")
    assert status == 422
    assert "transparency" in read_error(body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/enhance", 405),
        ("POST", "/enhance", 400),
        ("POST", "/", 405),
        ("GET", "/nowhere", 404),
        ("PUT", "/", 405),
    ],
)
def test_request_of_another_kind_is_refused(server: RunningServer, method: str, path: str, status: int) -> None:
    found, body, _ = server.ask(method, path)
    assert found == status
    assert read_error(body).startswith(("expected", "no such address"))


def test_body_may_come_in_chunks(server: RunningServer) -> None:
    data = make_picture(".png")
    pieces = [data[:100], data[100:]]
    status, body, _ = server.ask("POST", "/enhance", iter(pieces))
    assert (status, body) == (200, edge_dce.enhance(data))


def test_body_that_is_too_long_is_refused_in_one_line(server: RunningServer) -> None:
    status, body, _ = server.enhance(bytes(MOST_BYTES + 1))
    assert status == 413
    assert read_error(body) == "expected a body of at most 64 MB"


@contextlib.contextmanager
def hold_place(server: RunningServer) -> Iterator[None]:
    """Of somebody who has begun to send a picture; he is let in before this begins."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(WAITING_HEAD)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        yield


def test_few_wait_and_the_others_are_told_when_to_come_again() -> None:
    data = make_picture(".jpg")
    with run_server() as server:
        with contextlib.ExitStack() as held:
            for _ in range(MOST_WAITING + 1):
                held.enter_context(hold_place(server))
            status, body, headers = server.enhance(data)
            assert status == 503
            assert int(headers["retry-after"]) >= 1
            assert read_error(body) == "4 wait already; come again in 1 s"
        # Those who went away left their places.
        while server.enhance(data)[0] == 503:
            pass
        assert server.enhance(data)[0] == 200


def test_server_stops_when_told_to() -> None:
    with run_server() as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0


def test_stranger_with_a_token_to_guess_gets_nothing() -> None:
    data = make_picture(".jpg")
    with run_server("--token", TOKEN) as server:
        for headers in ({}, {"Authorization": "Bearer wrong-horse-battery"}):
            status, body, found = server.enhance(data, headers=headers)
            assert (status, found["www-authenticate"]) == (401, "Bearer")
            assert "Authorization: Bearer TOKEN" in read_error(body)
        assert server.enhance(data, headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200
        assert server.enhance(data, f"?token={TOKEN}")[0] == 200
        status, page, _ = server.ask("GET", "/")
        assert (status, b'name="token"' in page) == (401, True)


def test_health_is_told_without_the_token() -> None:
    with run_server("--token", TOKEN) as server:
        status, body, _ = server.ask("GET", "/healthz")
        assert (status, body) == (200, b"ok\n")


def test_picture_of_a_stranger_stays_with_him() -> None:
    with (
        run_server("--token", TOKEN) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        connection.sendall(WAITING_HEAD)
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_page_of_another_site_gets_nothing(server: RunningServer, headers: dict[str, str]) -> None:
    status, body, _ = server.enhance(make_picture(".jpg"), headers=headers)
    assert status == 403
    assert "localhost" in read_error(body)


def test_description_says_what_is_so(server: RunningServer) -> None:
    status, body, headers = server.ask("GET", "/openapi.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    document = json.loads(body)
    assert document["openapi"].startswith("3.0.")
    operation = document["paths"]["/enhance"]["post"]
    schemas = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    assert set(schemas["model"]["enum"]) == {path.stem for path in bundled_models()}
    assert schemas["model"]["default"] == edge_dce.DEFAULT_MODEL
    data = make_picture(".jpg")
    for name in ("strength", "max_brightness", "quality", "max_side"):
        low, high = schemas[name]["minimum"], schemas[name]["maximum"]
        assert [server.enhance(data, f"?{name}={value}")[0] for value in (low, high)] == [200, 200]
        assert [server.enhance(data, f"?{name}={value}")[0] for value in (low - 1, high + 1)] == [400, 400]
    usual = {name: schema["default"] for name, schema in schemas.items() if "default" in schema}
    query = "&".join(f"{name}={value}" for name, value in usual.items())
    assert server.enhance(data, f"?{query}")[1] == server.enhance(data)[1]
