"""Who may use the camera: whoever knows the token, or without one whoever sits at this machine."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from ..options import is_loopback
from .server import Request, Response

_COOKIE = "edge-dce-token"
# A year: a camera on the wall should not ask every evening.
_COOKIE_S = 365 * 86400
_ASK = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark">
<title>Night camera</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/page.css">
<form class="ask" action="/"><label>Token of this camera
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Watch</button><p role="alert">{}</p></form>
"""


class Access:
    """Judges requests."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def refuse(self, request: Request) -> Response | None:
        """The answer to a request that may not be followed, or None if it may."""
        if self._token is None and not _is_for_loopback(request):
            return Response(
                b"this camera answers to localhost only; start it with --token to use another name\n",
                status=HTTPStatus.FORBIDDEN,
            )
        if self._token is not None and not self._knows_token(request):
            # The page asks a person; a program reads the status.
            page = _ASK.format("This token is wrong. Try again." if "token" in request.query else "")
            headers = (("WWW-Authenticate", "Bearer"),)
            return Response(page.encode(), "text/html; charset=utf-8", HTTPStatus.UNAUTHORIZED, headers)
        if request.method == "POST" and _is_from_elsewhere(request):
            return Response(b"settings are changed from the camera's own page only\n", status=HTTPStatus.FORBIDDEN)
        return None

    def admit(self, request: Request) -> Response | None:
        """To a page asked for with ?token=, the cookie and the way to the page without it; else None."""
        if self._token is None or request.path != "/" or "token" not in request.query:
            return None
        cookie = f"{_COOKIE}={self._token}; Path=/; Max-Age={_COOKIE_S}; HttpOnly; SameSite=Strict"
        return Response(b"", status=HTTPStatus.SEE_OTHER, headers=(("Location", "/"), ("Set-Cookie", cookie)))

    def _knows_token(self, request: Request) -> bool:
        assert self._token is not None
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        offered = (
            bearer.strip() if scheme.lower() == "bearer" else "",
            request.query.get("token", ""),
            _read_cookie(request.headers.get("cookie", "")),
        )
        # Every one is compared, in constant time, so that how long it takes says nothing.
        matches = [hmac.compare_digest(text.encode(), self._token.encode()) for text in offered]
        return any(matches)


def _read_cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _is_for_loopback(request: Request) -> bool:
    """Whether the address was typed as this machine's own: a page from elsewhere may resolve its name to 127.0.0.1."""
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        name = None
    return name is not None and is_loopback(name)


def _is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page sends this; programs that are no browsers send neither header."""
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc != request.headers.get("host")
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
