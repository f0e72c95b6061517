"""Our forwarder alone, in a process of its own: `python -m tests.bench.forwarding.ours PORT`."""

import sys
import uuid

import uvloop
from aiohttp import web

from signaling.media.forwarder import Forwarder, Wanted

ROOM: web.AppKey[Forwarder] = web.AppKey("room", Forwarder)


async def offer(request: web.Request) -> web.Response:
    """Answer one."""
    asked = await request.json()
    wants = {mid: Wanted(uuid.UUID(one["pid"]), one["kind"]) for mid, one in asked["wants"].items()}
    return web.Response(text=await request.app[ROOM].offer(uuid.UUID(asked["pid"]), asked["sdp"], wants))


async def made() -> web.Application:
    """One room."""
    app = web.Application()
    app[ROOM] = Forwarder()
    app.router.add_post("/", offer)
    return app


if __name__ == "__main__":
    web.run_app(made(), host="127.0.0.1", port=int(sys.argv[1]), loop=uvloop.new_event_loop(), print=None)
