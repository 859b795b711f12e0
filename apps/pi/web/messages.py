"""What comes in and what goes out: requests, and whole or streamed answers."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from http import HTTPStatus

from .places import NoPlaceError, Visitor

# Of a body that is too long, times what it may be.
_MOST_DISCARDED = 4


@dataclasses.dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: GET, HEAD or POST.
        path: as it came, not decoded.
        query: the last value of every name.
        headers: names in lower case; of a name that came more than once, the values with commas between, cookies with
            semicolons.
        visitor: who asks.
        body: what comes after the head, still on its way; None where nothing does.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    visitor: Visitor
    body: Body | None = None

    def admit(self) -> None:
        """Take one of the places kept for those who may watch; raises RequestError when all are taken."""
        try:
            self.visitor.admit()
        except NoPlaceError as error:
            raise RequestError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error


@dataclasses.dataclass(frozen=True)
class Response:
    """A whole answer.

    Attributes:
        is_paced: whether it had to wait for a frame: who asks for those is as slow as the camera.
    """

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()
    is_paced: bool = False


@dataclasses.dataclass(frozen=True)
class StreamedResponse:
    """An answer that goes on until the viewer leaves or the parts end.

    A part is asked for only when the viewer has taken the one before; an empty part only looks whether he is there.
    """

    parts: AsyncIterator[bytes]
    content_type: str


class Body:
    """The body of a request. It stays with the client until somebody who may send it is found to have sent it."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def read(self, most_bytes: int) -> bytes:
        """All of it.

        Raises:
            RequestError: it is longer, too slow or cut short.
        """
        kept: list[bytes] = []
        size = 0
        async for piece in self._pieces:
            size += len(piece)
            if size > _MOST_DISCARDED * most_bytes:
                break
            # What is too long is taken and not kept: its sender reads no answer before it has sent all.
            if size <= most_bytes:
                kept.append(piece)
            else:
                kept.clear()
        if size > most_bytes:
            raise RequestError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected a body of at most {most_bytes // 10**6} MB"
            )
        return b"".join(kept)

    async def discard(self, most_bytes: int) -> None:
        """Take it, up to some size, so that the client comes to read the answer."""
        size = 0
        async for piece in self._pieces:
            size += len(piece)
            if size > most_bytes:
                return


class RequestError(Exception):
    """A request that is answered with this status and line."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status

    def to_response(self) -> Response:
        return Response(f"{self}\n".encode(), status=self.status)
