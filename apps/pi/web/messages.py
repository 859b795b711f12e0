"""What comes in and what goes out: requests, and whole or streamed answers."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from http import HTTPStatus

from .places import NoPlaceError, Visitor


@dataclasses.dataclass(frozen=True)
class Request:
    """One request without a body.

    Attributes:
        method: GET, HEAD or POST.
        path: as it came, not decoded.
        query: the last value of every name.
        headers: names in lower case; of a name that came more than once, the values with commas between, cookies with
            semicolons.
        visitor: who asks.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    visitor: Visitor

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


class RequestError(Exception):
    """A request that is answered with this status and line."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status

    def to_response(self) -> Response:
        return Response(f"{self}\n".encode(), status=self.status)
