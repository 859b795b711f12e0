"""HTTP at its edges: clients that are slow, wrong, greedy or gone."""

import asyncio
import contextlib
import socket
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus

import pytest

from apps.pi.stats import LiveStats
from apps.pi.web import connection as connection_module
from apps.pi.web import server as server_module
from apps.pi.web.messages import Request, RequestError, Response, StreamedResponse
from apps.pi.web.places import Places
from apps.pi.web.server import Server

PART = b"x" * 50_000


async def answer(request: Request) -> Response | StreamedResponse:
    if request.path == "/healthz":
        return Response(b"ok")
    request.admit()
    if request.path == "/stream":
        return StreamedResponse(list_parts(), "application/octet-stream")
    if request.path == "/silence":
        return StreamedResponse(list_nothing(), "application/octet-stream")
    if request.path == "/wrong":
        raise RequestError(HTTPStatus.BAD_REQUEST, "wrong on purpose")
    return Response(f"{request.method} {request.path} {request.query.get('q', '')}".encode())


def find_free_port() -> int:
    # Of port 0 each family of addresses would get another one.
    with socket.create_server(("", 0)) as taken:
        return int(taken.getsockname()[1])


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(f"{url}healthz", timeout=20) as answered:
        return bytes(answered.read())


@pytest.mark.parametrize("host", ["", "0.0.0.0", "127.0.0.1"])
def test_address_that_is_told_opens(host: str) -> None:
    async def listen_and_fetch() -> tuple[str, bytes]:
        server = Server(answer, LiveStats())
        url = await server.listen(host, find_free_port())
        try:
            return url, await asyncio.to_thread(fetch, url)
        finally:
            await server.stop()

    url, body = asyncio.run(listen_and_fetch())
    assert body == b"ok"
    assert url.startswith("http://127.0.0.1:") == (host == "127.0.0.1")


def test_machine_without_a_network_is_told_by_the_name_that_it_has_for_itself() -> None:
    assert server_module.find_own_address(()) == "localhost"


async def list_parts() -> AsyncIterator[bytes]:
    while True:
        await asyncio.sleep(0.01)
        yield PART


async def list_nothing() -> AsyncIterator[bytes]:
    while True:
        await asyncio.sleep(0.05)
        yield b""


class Served:
    def __init__(self, port: int, stats: LiveStats) -> None:
        self.port = port
        self.stats = stats

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, data: bytes) -> bytes:
        """All that comes until the server closes."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server whose patience is a hundredth of the real one's."""
    monkeypatch.setattr(connection_module, "_REQUEST_TIMEOUT_S", 0.5)
    monkeypatch.setattr(connection_module, "_WRITE_TIMEOUT_S", 0.5)
    monkeypatch.setattr(server_module, "_MAX_CONNECTIONS", 16)
    monkeypatch.setattr(server_module, "_REQUESTS_PER_S", 10_000.0)
    started: list[int] = []
    stats = LiveStats()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = Server(answer, stats)
        started.append(await server.start("127.0.0.1", 0))
        is_over = asyncio.Event()
        loop.is_over = is_over  # type: ignore[attr-defined]
        await is_over.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    wait_until(lambda: bool(started) and hasattr(loop, "is_over"))
    yield Served(started[0], stats)
    loop.call_soon_threadsafe(loop.is_over.set)  # type: ignore[attr-defined]
    thread.join(10)
    assert not thread.is_alive()
    loop.close()


def test_connection_is_used_again(served: Served) -> None:
    with served.connect() as connection:
        for number in range(3):
            connection.sendall(f"GET /a?q={number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            found = connection.recv(65536)
            assert found.startswith(b"HTTP/1.1 200 OK\r\n")
            assert found.endswith(f"\r\n\r\nGET /a {number}".encode())


def test_requests_sent_together_are_answered_in_order(served: Served) -> None:
    one = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    found = served.ask(one % 1 + one % 2 + last)
    assert [found.index(text) for text in (b"GET /1", b"GET /2", b"GET /last")] == sorted(
        found.index(text) for text in (b"GET /1", b"GET /2", b"GET /last")
    )


def test_head_has_the_length_and_no_body(served: Served) -> None:
    found = served.ask(b"HEAD /abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 10\r\n" in found
    assert found.endswith(b"\r\n\r\n")


def test_http_1_0_client_is_answered_and_left(served: Served) -> None:
    assert served.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"GET / ")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\r\n\r\n\x00\x01\x02\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n", 400),
    ],
)
def test_wrong_request_gets_its_status_and_the_connection_ends(
    request_bytes: bytes, status: int, served: Served
) -> None:
    found = served.ask(request_bytes)
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close\r\n" in found.replace(b"connection", b"Connection")
    assert served.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"GET / ")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"HEAD http://[x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    ],
)
def test_wrong_head_request_gets_its_status_and_no_body(request_bytes: bytes, status: int, served: Served) -> None:
    found = served.ask(request_bytes)
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert found.endswith(b"\r\n\r\n")


def test_nonsense_after_a_head_request_is_told_what_it_is(served: Served) -> None:
    found = served.ask(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nNONSENSE\r\n\r\n")
    assert found.count(b"HTTP/1.1 ") == 2
    assert found.endswith(b"\n")
    assert b"this request cannot be answered" in found


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"DELETE /", 405),
        (b"GET /?" + b"&".join(b"a%d=1" % n for n in range(99)), 400),
        (b"GET http://[x", 400),
        (b"GET /wrong", 400),
        (b"HEAD /wrong", 400),
    ],
)
def test_request_that_cannot_be_followed_leaves_the_connection_open(line: bytes, status: int, served: Served) -> None:
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    found = served.ask(line + b" HTTP/1.1\r\nHost: x\r\n\r\n" + last)
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert found.endswith(b"GET /last ")


def test_ten_thousand_bad_requests(served: Served) -> None:
    bad = (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64 + b"\r\n\r\n", b"GET /wrong HTTP/1.0\r\n\r\n")
    for number in range(10_000):
        with served.connect() as connection:
            connection.sendall(bad[number % len(bad)])
            # A client that does not even wait for the answer, every other time.
            if number % 2:
                assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
    wait_until(lambda: served.stats.refused == 10_000)
    assert served.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"GET / ")


def test_slow_loris_is_cut_off(served: Served) -> None:
    with served.connect() as connection:
        start_s = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"z" * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        # Half a second from the first byte, however often another one drips.
        assert time.monotonic() - start_s < 5
        assert b" 408 " in read_all(connection) + b" 408 "


def test_slow_request_is_told_why(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET / HT")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_idle_connection_is_closed_without_a_word(served: Served) -> None:
    with served.connect() as connection:
        assert read_all(connection) == b""


def test_too_many_connections_are_told_so_and_the_first_stay(served: Served) -> None:
    streams = [served.connect() for _ in range(16)]
    for stream in streams:
        stream.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.recv(100).startswith(b"HTTP/1.1 200")
    assert served.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 503 ")
    assert streams[0].recv(100)
    for stream in streams:
        stream.close()
    wait_until(lambda: served.stats.viewers == 0)
    assert served.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"GET / ")


def test_crowd_of_one_address_sends_nobody_of_another_away(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        quiet = stack.enter_context(served.connect())
        for _ in range(100):
            address = ("127.0.0.1", served.port)
            stack.enter_context(socket.create_connection(address, timeout=20, source_address=("127.0.0.2", 0)))
        quiet.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert read_all(quiet).endswith(b"ok")


def test_health_is_told_when_all_places_are_taken(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            stream = stack.enter_context(served.connect())
            stream.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            assert stream.recv(100).startswith(b"HTTP/1.1 200")
        assert served.ask(b"GET /stream HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 503 ")
        assert served.ask(b"GET /healthz HTTP/1.0\r\n\r\n").endswith(b"ok")


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_addresses_are_counted_by_whom_they_belong_to(host: str, network: str) -> None:
    assert Places(most_known=1, most_strangers=1).enter(host, lambda: None).address == network


def test_stream_has_no_chunks_and_ends_with_the_connection(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        found = b""
        while len(found) < 3 * len(PART):
            found += connection.recv(65536)
    head, _, body = found.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.strip(b"x") == b""


def test_stalled_viewer_is_dropped(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: served.stats.viewers == 1)
        # Reads nothing at all.
        wait_until(lambda: served.stats.viewers == 0)


def test_viewer_who_leaves_a_silent_stream_is_noticed(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /silence HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: served.stats.viewers == 1)
    wait_until(lambda: served.stats.viewers == 0)


def test_stopping_ends_streams(served: Served) -> None:
    connection = served.connect()
    connection.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(10)
    # The fixture stops the server, and fails if that takes longer than it may.
    connection.detach()
