"""What is at which address."""

from __future__ import annotations

import functools
import html
import json
from http import HTTPStatus
from pathlib import Path

from edge_dce.enhancing.omissions import describe_omission
from edge_dce.errors import EdgeDceError, ImageError
from edge_dce.terminal.console import make_printable

from ..pi.web.access import Access
from ..pi.web.messages import Request, RequestError, Response
from ..pi.web.page_files import read_page
from .desk import CrowdedError, Desk
from .enhancement import Enhanced, Enhancement
from .order import LEFT_OUT_HEADER, MOST_BYTES, MOST_WAITING, OrderError, describe, find_media_type, read_order

_PAGE = Path(__file__).parent / "page"
_FILES = ("index.html", "page.css", "page.js", "zip.js", "icon.svg")
# No secrets, and the page that asks for the token needs them; /healthz is for whoever watches over the program.
_OPEN_TO_ALL = frozenset({"/healthz", "/page.css", "/icon.svg"})
_WRONG = "This token is wrong. Try again."
_ELSEWHERE = "this answers to its own page and to programs at localhost; start it with --token to use another name"
_NO_FORM = "expected the bytes of a picture file as the body, found a form; with curl: --data-binary @night.jpg"
_RETRY_S = "1"


class Pages:
    """Answers requests; `answer` is the server's handler."""

    def __init__(self, enhancement: Enhancement, token: str | None) -> None:
        self._enhancement = enhancement
        self._access = Access(token)
        self._desk = Desk(most_waiting=MOST_WAITING)
        self._files = read_page(_PAGE, _FILES)
        self._ask = (_PAGE / "ask.html").read_text(encoding="utf-8")
        self._description = to_json(describe(enhancement.models, wants_token=token is not None))

    async def answer(self, request: Request) -> Response:
        """Raises RequestError for what cannot be answered."""
        if request.path not in _OPEN_TO_ALL:
            refusal = await self._access.refuse(request)
            if refusal is not None:
                return self._explain_refusal(refusal, request)
            welcome = self._access.welcome(request)
            if welcome is not None:
                return welcome
        if request.path == "/enhance":
            return await self._enhance(request)
        if request.method == "POST":
            raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET; only /enhance takes POST")
        if request.path == "/healthz":
            return Response(b"ok\n")
        if request.path == "/openapi.json":
            return Response(self._description, "application/json")
        if request.path not in self._files:
            raise RequestError(HTTPStatus.NOT_FOUND, "no such address; expected /, /enhance or /openapi.json")
        body, kind = self._files[request.path]
        return Response(body, kind)

    def _explain_refusal(self, refusal: Response, request: Request) -> Response:
        """A person gets a page that asks for the token, a program a line of JSON."""
        if refusal.status is HTTPStatus.UNAUTHORIZED and request.path == "/":
            page = self._ask.format(html.escape(_WRONG if "token" in request.query else ""))
            return Response(page.encode(), "text/html; charset=utf-8", refusal.status, refusal.headers)
        is_unknown = refusal.status is HTTPStatus.UNAUTHORIZED
        reason = "expected the token of this server, as Authorization: Bearer TOKEN" if is_unknown else _ELSEWHERE
        return make_error(refusal.status, reason, refusal.headers)

    async def _enhance(self, request: Request) -> Response:
        if request.method != "POST":
            raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, "expected POST with a picture file as its body")
        if request.body is None:
            raise RequestError(HTTPStatus.BAD_REQUEST, "expected a picture file as the body, found nothing")
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            await request.body.discard(MOST_BYTES)
            return make_error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _NO_FORM)
        try:
            order = read_order(request.query, self._enhancement.models)
            async with self._desk.take_place():
                data = await request.body.read(MOST_BYTES)
                enhanced = await self._desk.work(functools.partial(self._enhancement.run, data, order))
        except CrowdedError:
            await request.body.discard(MOST_BYTES)
            reason = f"{MOST_WAITING} wait already; come again in {_RETRY_S} s"
            return make_error(HTTPStatus.SERVICE_UNAVAILABLE, reason, (("Retry-After", _RETRY_S),))
        except OrderError as error:
            await request.body.discard(MOST_BYTES)
            return make_error(HTTPStatus.BAD_REQUEST, str(error))
        except ImageError as error:
            return make_error(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except MemoryError:
            return make_error(HTTPStatus.UNPROCESSABLE_ENTITY, "not enough memory; make the picture smaller first")
        except EdgeDceError as error:
            return make_error(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        return Response(enhanced.data, find_media_type(enhanced.suffix), headers=_list_left_out(enhanced))


def _list_left_out(enhanced: Enhanced) -> tuple[tuple[str, str], ...]:
    told = ", ".join(describe_omission(kind, count) for kind, count in enhanced.left_out.items())
    return ((LEFT_OUT_HEADER, told),) if told else ()


def make_error(status: HTTPStatus, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """One line of JSON."""
    return Response(to_json({"error": make_printable(reason)}), "application/json", status, headers)


def explain(error: RequestError) -> Response:
    """The answer to a request that cannot be followed."""
    return make_error(error.status, str(error))


def to_json(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
