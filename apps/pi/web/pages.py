"""What is at which address."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from edge_dce.pixels.look import AUTO, Look

from ..stats import LiveStats
from .access import Access
from .broadcast import VIEWS, Broadcast, Jpeg
from .messages import Request, RequestError, Response, StreamedResponse
from .page_files import read_page
from .prometheus import CONTENT_TYPE, format_metrics

_WEB = Path(__file__).parent
_FILES = ("index.html", "page.css", "page.js", "icon.svg")
# No secrets, and the page that asks for the token needs them.
_OPEN_TO_ALL = frozenset({"/healthz", "/page.css", "/icon.svg"})
_BOUNDARY = "frame"
_DELIMITER = f"\r\n--{_BOUNDARY}\r\n".encode("ascii")
_FRAME_TIMEOUT_S = 5.0
# How often a stream without frames looks whether its viewer is still there.
_LOOK_S = 1.0
# At 60 frames a second they last for longer than the camera.
_NUMBER = re.compile(r"-?[0-9]{1,15}")
_CHANGEABLE = frozenset({"strength", "max_brightness", "denoise"})


class Pages:
    """Answers requests; `answer` is the server's handler."""

    def __init__(
        self,
        broadcast: Broadcast,
        stats: LiveStats,
        access: Access,
        *,
        describe: Callable[[], dict[str, Any]],
        find_fault: Callable[[], str | None],
        change_look: Callable[[dict[str, Any]], Look],
    ) -> None:
        """
        Args:
            describe: what /stats.json says.
            find_fault: why the camera is not delivering, or None.
            change_look: sets some of a look's values, and returns the whole; raises LookError for impossible ones.
        """
        self._broadcast = broadcast
        self._stats = stats
        self._access = access
        self._describe = describe
        self._find_fault = find_fault
        self._change_look = change_look
        self._files = read_page(_WEB, _FILES)
        self._routes = {
            "/stream.mjpg": self._stream,
            "/snapshot.jpg": self._snapshot,
            "/frame.jpg": self._frame,
            "/stats.json": self._stats_page,
            "/metrics": self._metrics,
            "/healthz": self._health,
        }

    async def answer(self, request: Request) -> Response | StreamedResponse:
        """Raises RequestError for what cannot be answered."""
        if request.path not in _OPEN_TO_ALL:
            refusal = await self._access.refuse(request) or self._access.welcome(request)
            if refusal is not None:
                return refusal
        if request.method == "POST":
            if request.path != "/settings":
                raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET; only /settings takes POST")
            return self._settings(request)
        if request.path in self._files:
            body, kind = self._files[request.path]
            return Response(body, kind)
        route = self._routes.get(request.path)
        if route is None:
            raise RequestError(HTTPStatus.NOT_FOUND, f"no such address; expected one of: {' '.join(self._routes)}")
        return await route(request)

    async def _stream(self, request: Request) -> StreamedResponse | Response:
        view = _read_view(request)
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        return Response(b"", kind) if request.method == "HEAD" else StreamedResponse(self._list_parts(view), kind)

    async def _list_parts(self, view: str) -> AsyncIterator[bytes]:
        sequence = -1
        yield _DELIMITER.lstrip()
        while not self._broadcast.is_finished:
            jpeg = await self._broadcast.wait(view, after=sequence, timeout_s=_LOOK_S)
            if jpeg is None:
                yield b""
                continue
            sequence = jpeg.sequence
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg.data)}\r\n\r\n".encode("ascii")
            # The boundary follows at once: a reader that waits for it would show each frame one frame late.
            yield head + jpeg.data + _DELIMITER

    async def _snapshot(self, request: Request) -> Response:
        """A picture of after the request came in, at high quality."""
        asked_s = time.monotonic()
        sequence = -1
        while time.monotonic() - asked_s < _FRAME_TIMEOUT_S:
            jpeg = await self._broadcast.wait("still", after=sequence, timeout_s=_FRAME_TIMEOUT_S)
            if jpeg is None:
                break
            if jpeg.time_s >= asked_s:
                name = time.strftime("night-%Y%m%d-%H%M%S.jpg")
                disposition = ("Content-Disposition", f'inline; filename="{name}"')
                return Response(jpeg.data, "image/jpeg", headers=(disposition,), is_paced=True)
            sequence = jpeg.sequence
        raise self._no_frame()

    async def _frame(self, request: Request) -> Response:
        """The newest picture after the one that the page has: it asks again when it has drawn it."""
        after = request.query.get("after", "-1")
        if not _NUMBER.fullmatch(after):
            raise RequestError(HTTPStatus.BAD_REQUEST, "expected after=N, a frame's number")
        view = _read_view(request)
        is_paced = not self._broadcast.has_newer(view, int(after))
        self._stats.viewers += 1
        try:
            jpeg = await self._broadcast.wait(view, after=int(after), timeout_s=_FRAME_TIMEOUT_S)
        finally:
            self._stats.viewers -= 1
        if jpeg is None:
            raise self._no_frame()
        return Response(jpeg.data, "image/jpeg", headers=_describe_frame(jpeg), is_paced=is_paced)

    async def _stats_page(self, request: Request) -> Response:
        return Response(json.dumps(self._describe(), indent=1).encode() + b"\n", "application/json")

    async def _metrics(self, request: Request) -> Response:
        return Response(format_metrics(self._describe()).encode(), CONTENT_TYPE)

    async def _health(self, request: Request) -> Response:
        fault = self._find_fault()
        if fault is None:
            return Response(b"ok\n")
        return Response(f"{fault}\n".encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)

    def _settings(self, request: Request) -> Response:
        try:
            values = {name: _parse_setting(name, text) for name, text in request.query.items() if name != "token"}
            if not values or not _CHANGEABLE.issuperset(values):
                names = " ".join(sorted(_CHANGEABLE))
                raise RequestError(HTTPStatus.BAD_REQUEST, f"expected one of {names} and a number, or denoise={AUTO}")
            look = self._change_look(values)
        except ValueError as error:
            raise RequestError(HTTPStatus.BAD_REQUEST, str(error)) from error
        body = {name: getattr(look, name) for name in sorted(_CHANGEABLE)}
        return Response(json.dumps(body).encode() + b"\n", "application/json")

    def _no_frame(self) -> RequestError:
        return RequestError(HTTPStatus.SERVICE_UNAVAILABLE, self._find_fault() or "no frame came in time")


def _parse_setting(name: str, text: str) -> float | str:
    return text if name == "denoise" and text == AUTO else float(text)


def _read_view(request: Request) -> str:
    view = request.query.get("view", "after")
    if view not in VIEWS:
        raise RequestError(HTTPStatus.BAD_REQUEST, f"expected a view out of: {' '.join(VIEWS)}")
    return view


def _describe_frame(jpeg: Jpeg) -> tuple[tuple[str, str], ...]:
    age_ms = (time.monotonic() - jpeg.time_s) * 1e3
    return (("X-Sequence", str(jpeg.sequence)), ("X-Age-Ms", f"{age_ms:.1f}"))
