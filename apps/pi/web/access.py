"""Who may use the camera: whoever knows the token, or without one whoever sits at this machine."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

from ..options import is_loopback
from .messages import Request, RequestError, Response
from .pacing import ByAddress, Pace

_COOKIE = "edge-dce-token"
# A year: a camera on the wall should not ask every evening.
_COOKIE_S = 365 * 86400
# Wrong tokens of one address: ten for somebody who mistypes, then one a second.
_GUESSES, _GUESSES_PER_S = 10, 1.0
_MOST_WAITING = 8
# Of those that a request may try: its other cookies of our name are other cameras'.
_MOST_OFFERED = 8
_ASK = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark">
<title>Night camera</title><link rel="icon" href="icon.svg"><link rel="stylesheet" href="page.css">
<form class="ask" action="./"><label>Token of this camera
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Watch</button><p role="alert">{}</p></form>
"""


class Access:
    """Judges requests."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._guesses = ByAddress(_Guesses, lambda guesses: guesses.is_idle)

    async def refuse(self, request: Request) -> Response | None:
        """The answer to a request that may not be followed, or None if it may.

        Raises:
            RequestError: as many watch as can, or too many wrong tokens came from there.
        """
        if self._token is None and not _is_for_loopback(request):
            return Response(
                b"this camera answers to localhost only; start it with --token to use another name\n",
                status=HTTPStatus.FORBIDDEN,
            )
        if self._token is not None and not await self._knows_token(self._token, request):
            # The page asks a person; a program reads the status.
            page = _ASK.format("This token is wrong. Try again." if "token" in request.query else "")
            headers = (("WWW-Authenticate", "Bearer"),)
            return Response(page.encode(), "text/html; charset=utf-8", HTTPStatus.UNAUTHORIZED, headers)
        # Other sites may link to the page, and nothing else.
        is_page = request.path == "/" and request.method != "POST"
        if not is_page and _is_from_elsewhere(request):
            return Response(b"this is for the camera's own page, not for other sites\n", status=HTTPStatus.FORBIDDEN)
        request.admit()
        return None

    def welcome(self, request: Request) -> Response | None:
        """To a page asked for with ?token=, the cookie and the way to the page without it; else None."""
        if self._token is None or request.path != "/" or "token" not in request.query:
            return None
        # No Path: the browser's own is the folder of this page, also where a proxy put it somewhere else.
        morsel = f"{name_cookie(self._token)}={quote(self._token, safe='')}"
        cookie = f"{morsel}; Max-Age={_COOKIE_S}; HttpOnly; SameSite=Strict"
        return Response(b"", status=HTTPStatus.SEE_OTHER, headers=(("Location", "./"), ("Set-Cookie", cookie)))

    async def _knows_token(self, token: str, request: Request) -> bool:
        offered = list(_list_offered(token, request))
        if not offered:
            return False
        guesses = self._guesses[request.visitor.address]
        if not request.visitor.is_known:
            await guesses.wait()
        # Every one is compared, in constant time, so that how long it takes says nothing.
        matches = [hmac.compare_digest(text.encode(), token.encode()) for text in offered]
        if any(matches):
            return True
        guesses.count(len(offered))
        request.visitor.distrust()
        return False


def name_cookie(token: str) -> str:
    """Of its own for each token: cookies ignore ports, and one machine may have two cameras."""
    return f"{_COOKIE}-{hashlib.sha256(token.encode()).hexdigest()[:8]}"


class _Guesses:
    """The wrong tokens of one address. Too many, and its next ones are looked at one by one, and slowly."""

    def __init__(self) -> None:
        self._pace = Pace(burst=_GUESSES, per_s=_GUESSES_PER_S)
        self._turn = asyncio.Lock()
        self._waiting = 0

    @property
    def is_idle(self) -> bool:
        return self._pace.is_full and not self._waiting

    def count(self, number: int) -> None:
        self._pace.count(number)

    async def wait(self) -> None:
        """Until another may be looked at, the right one too: an answer at once would tell which it is.

        Raises:
            RequestError: too many wait already.
        """
        if self._waiting >= _MOST_WAITING:
            raise RequestError(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens; wait a minute")
        self._waiting += 1
        try:
            async with self._turn:
                while wait_s := self._pace.wait_s:
                    await asyncio.sleep(wait_s)
        finally:
            self._waiting -= 1


def _list_offered(token: str, request: Request) -> Iterator[str]:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield bearer.strip()
    if "token" in request.query:
        yield request.query["token"]
    yield from _list_cookies(request.headers.get("cookie", ""), {_COOKIE, name_cookie(token)})


def _list_cookies(header: str, names: set[str]) -> Iterator[str]:
    """The values of these cookies, whatever other programs on this host put beside them."""
    found = 0
    for pair in header.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() in names and found < _MOST_OFFERED:
            found += 1
            # One set by hand may be as the token is.
            yield from {value.strip(), unquote(value.strip())}


def _is_for_loopback(request: Request) -> bool:
    """Whether the address was typed as this machine's own: a page from elsewhere may resolve its name to 127.0.0.1."""
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        name = None
    return name is not None and is_loopback(name)


def _is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page asks; programs that are no browsers send neither header.

    Raises:
        RequestError: it comes from nowhere that there can be.
    """
    # Browsers say it themselves where they trust the way, which is at https and at localhost.
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site not in ("same-origin", "none")
    if origin is None or origin == "null":
        return origin is not None
    try:
        parts = urlsplit(origin)
        is_address = bool(parts.scheme and parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise RequestError(HTTPStatus.BAD_REQUEST, "expected an Origin such as http://localhost:8000")
    return parts.netloc.lower() != request.headers.get("host", "").lower()
