"""`python -m tests.bench.calls.bare HOST PORT`: a page that calls whoever is on it, and what carries its messages; no
sign-in, no rooms, nothing kept, nothing made well again. Beside the product it shows what a call costs by itself.
"""

import sys
from pathlib import Path
from typing import Final

from aiohttp import web

PAGE: Final = Path(__file__).with_name("bare.html")


async def show(_request: web.Request) -> web.StreamResponse:
    """The page."""
    return web.FileResponse(PAGE)


async def carry(request: web.Request) -> web.StreamResponse:
    """Pass everything on to whoever else is there; who joins learns that somebody is."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    present = request.app[PRESENT]
    present.add(socket)
    try:
        async for message in socket:
            others = [other for other in present if other is not socket]
            if message.data == '["join"]':
                if others:
                    await socket.send_str('["others"]')
                continue
            for other in others:
                await other.send_str(message.data)
    finally:
        present.discard(socket)
    return socket


PRESENT: Final = web.AppKey("PRESENT", set[web.WebSocketResponse])


def main(host: str, port: int) -> None:
    """Serve until told to stop."""
    app = web.Application()
    app[PRESENT] = set()
    app.router.add_get("/", show)
    app.router.add_get("/signals", carry)
    web.run_app(app, host=host, port=port, print=None, access_log=None, shutdown_timeout=1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
