"""One HTTP/1.1 connection and its limits: h11 parses and checks what comes in; asyncio waits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import h11

from .messages import Body, Request, RequestError, Response, StreamedResponse
from .places import Visitor

READ_BYTES = 8 * 1024
# h11 compares with what an incomplete head has come to, so the longest that passes is one reading more.
_MAX_HEAD_BYTES = 8 * 1024
# Of a whole request, from its first byte or the end of the one before: a client that dribbles is a client that stalls.
_REQUEST_TIMEOUT_S = 10.0
# Of a body: the next piece of it, and the whole.
_PIECE_TIMEOUT_S = 10.0
_BODY_TIMEOUT_S = 300.0
# A viewer that took nothing for so long is gone.
_WRITE_TIMEOUT_S = 10.0
# What waits in the kernel is old by the time it arrives: room for a frame or two, not for the system's megabytes.
_SEND_BUFFER_BYTES = 256 * 1024
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' blob:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class Connection:
    """Requests out of a stream of bytes, and answers into it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        visitor: Visitor,
        *,
        takes_bodies: bool = False,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._visitor = visitor
        self._takes_bodies = takes_bodies
        # The newest request wants no body, which is known before it is known to be wrong.
        self._is_head = False
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        # So that drain() waits until all is sent.
        writer.transport.set_write_buffer_limits(high=0)
        with contextlib.suppress(OSError):
            opened = writer.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def read_request(self) -> Request | None:
        """The next request; None if the client has no more.

        Raises:
            RequestError: not HTTP, too large, with a body, or too slow.
        """
        try:
            return await asyncio.wait_for(self._read_request(), _REQUEST_TIMEOUT_S)
        except asyncio.TimeoutError:
            if self._protocol.our_state is h11.IDLE and not self._protocol.trailing_data[0]:
                # Nothing begun: a browser keeping a connection for later.
                return None
            raise RequestError(HTTPStatus.REQUEST_TIMEOUT, "the request took too long") from None
        except h11.RemoteProtocolError as error:
            status = HTTPStatus(error.error_status_hint or 400)
            raise RequestError(status, f"this request cannot be answered: {error}") from error

    async def _read_request(self) -> Request | None:
        head: h11.Request | None = None
        self._is_head = False
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                self._protocol.receive_data(await self._reader.read(READ_BYTES))
            elif isinstance(event, h11.Request):
                head, self._is_head = event, event.method == b"HEAD"
                if {name for name, _ in event.headers} >= _LENGTHS:
                    # A proxy that goes by the other one would take what follows for somebody else's (RFC 9112, 6.1).
                    raise RequestError(HTTPStatus.BAD_REQUEST, "expected one length, found two")
                if self._takes_bodies and _has_body(head):
                    return self._to_request(head, Body(self._list_pieces()))
            elif isinstance(event, h11.Data):
                raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "expected a request without a body")
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                return self._to_request(head)
            else:
                return None

    async def _list_pieces(self) -> AsyncIterator[bytes]:
        deadline_s = time.monotonic() + _BODY_TIMEOUT_S
        if self._protocol.they_are_waiting_for_100_continue:
            await self._write(self._protocol.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        while piece := await self._read_piece(deadline_s):
            yield piece

    async def _read_piece(self, deadline_s: float) -> bytes:
        """Of a body; empty at its end."""
        try:
            while (event := self._protocol.next_event()) is h11.NEED_DATA:
                timeout_s = min(_PIECE_TIMEOUT_S, deadline_s - time.monotonic())
                self._protocol.receive_data(await asyncio.wait_for(self._reader.read(READ_BYTES), timeout_s))
        except asyncio.TimeoutError:
            raise RequestError(HTTPStatus.REQUEST_TIMEOUT, "the body took too long") from None
        except h11.RemoteProtocolError as error:
            raise RequestError(HTTPStatus.BAD_REQUEST, f"the body cannot be read: {error}") from error
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def _to_request(self, head: h11.Request, body: Body | None = None) -> Request:
        method = head.method.decode("ascii")
        if method not in ("GET", "HEAD", "POST"):
            raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, f"expected GET, HEAD or POST, found {method}")
        try:
            target = urlsplit(head.target.decode("ascii"))
            query = dict(parse_qsl(target.query, max_num_fields=16))
        except ValueError as error:
            raise RequestError(HTTPStatus.BAD_REQUEST, "expected a plain address") from error
        return Request(method, target.path, query, _join_headers(head), self._visitor, body)

    async def answer(self, response: Response) -> bool:
        """Send a whole answer; whether the connection may be used again."""
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", "no-store"),
            *_SECURITY_HEADERS,
            *response.headers,
        ]
        protocol = self._protocol
        if protocol.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        head = h11.Response(status_code=response.status, reason=response.status.phrase, headers=headers)
        body = [] if self._is_head else [h11.Data(data=response.body)]
        events = [head, *body, h11.EndOfMessage()]
        # Unlike send(), this copies no body on its way through h11.
        self._writer.writelines([data for event in events for data in protocol.send_with_data_passthrough(event) or ()])
        await self._drain()
        if protocol.our_state is not h11.DONE or protocol.their_state is not h11.DONE:
            await self._finish()
            return False
        protocol.start_next_cycle()
        return True

    async def stream(self, answer: StreamedResponse) -> None:
        # By hand, because h11 would send chunks, which many a simple MJPEG reader does not know.
        head = [
            "HTTP/1.1 200 OK",
            f"Content-Type: {answer.content_type}",
            "Cache-Control: no-store",
            "Connection: close",
            *(f"{name}: {value}" for name, value in _SECURITY_HEADERS),
        ]
        await self._write("\r\n".join([*head, "\r\n"]).encode("ascii"))
        async for part in answer.parts:
            if self._reader.at_eof() or self._writer.is_closing():
                return
            if part:
                await self._write(part)
        await self._finish()

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._drain()

    async def _drain(self) -> None:
        """Wait until all is sent, for as long as the client takes something now and then."""
        transport = self._writer.transport
        # Nearly always the kernel has taken it all at once, and nothing is left to wait for.
        unsent, since_s = transport.get_write_buffer_size(), time.monotonic()
        while unsent:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._writer.drain(), 1.0)
            now_unsent = transport.get_write_buffer_size()
            if now_unsent < unsent:
                unsent, since_s = now_unsent, time.monotonic()
            elif time.monotonic() - since_s > _WRITE_TIMEOUT_S:
                raise asyncio.TimeoutError

    async def _finish(self) -> None:
        """End the connection so that the client reads the answer even if it is still sending."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._discard(), 0.5)

    async def _discard(self) -> None:
        for _ in range(64):
            if not await self._reader.read(READ_BYTES):
                return


def _has_body(head: h11.Request) -> bool:
    headers = dict(head.headers)
    return b"transfer-encoding" in headers or int(headers.get(b"content-length", b"0")) > 0


def _join_headers(head: h11.Request) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, value in head.headers:
        found.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))
    return {name: ("; " if name == "cookie" else ", ").join(values) for name, values in found.items()}
