"""Viewers that others serve, and whose pages ask our DICOMweb from a browser (the CORS protocol of the Fetch standard).

The operator names their origins; there are none by default. Such a page brings a bearer token: a browser is never told
that it may send our cookies along.
"""

from typing import Final

from aiohttp import web

from teleconsult.settings import origins_in
from web.errors import DICOMWEB
from web.requests import SETTINGS, Handler

_ASKING: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS, POST",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-None-Match, If-Range, Range",
    "Access-Control-Max-Age": "600",
}
_ASKS: Final = "Access-Control-Request-Method"
_TOLD: Final = "Content-Encoding, Content-Length, Content-Location, Content-Range, ETag, Warning"


@web.middleware
async def preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell a browser whether a page of another origin may ask, before it does. Nothing is looked up for it."""
    if request.method == "OPTIONS" and _ASKS in request.headers and _foreign_viewer(request):
        return web.Response(status=204, headers=_ASKING)
    return await handler(request)


async def allow_viewers(request: web.Request, response: web.StreamResponse) -> None:
    """Let that page read the answer, a refusal too (a signal of aiohttp, so that streamed answers have it)."""
    if not request.path.startswith(f"{DICOMWEB}/") or not request.app[SETTINGS].dicomweb_origins:
        return
    varies = response.headers.get("Vary", "")
    response.headers["Vary"] = f"{varies}, Origin" if varies else "Origin"
    if origin := _foreign_viewer(request):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _TOLD


def _foreign_viewer(request: web.Request) -> str:
    """The origin of a page that may ask what is asked here; "" for any other."""
    origin = request.headers.get("Origin", "")
    is_named = origin in origins_in(request.app[SETTINGS].dicomweb_origins)
    return origin if is_named and request.path.startswith(f"{DICOMWEB}/") else ""
