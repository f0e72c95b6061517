"""Vite's output: names carry a hash, so browsers keep it for ever; compressed twins are sent where they are taken."""

from aiohttp import web

from web.rendering import STATIC

PREFIX = "/static/"


def add_statics(app: web.Application) -> None:
    """Serve `web/static`; an empty folder is fine (pages then come without script or style)."""
    STATIC.mkdir(exist_ok=True)
    app.router.add_static(PREFIX, STATIC, name="static")
    app.on_response_prepare.append(_keep_for_ever)


async def _keep_for_ever(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith(PREFIX) and response.status in (200, 304):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
