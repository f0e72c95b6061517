"""`python -m tests.bench.signaling.bare PORT`: our server with nothing behind it: no sign-in, no messages' forms, no
rooms of the product's. Beside the product it shows what being strict costs.
"""

import gc
import sys
from typing import Any

import socketio
import uvloop
from aiohttp import web

from signaling.server import LiveServer


class Room(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
    """Passes on whatever comes."""

    async def on_connect(self, sid: str, environ: object, auth: object = None) -> None:
        """Anybody may."""

    async def on_join(self, sid: str, message: dict[str, Any]) -> dict[str, Any]:
        """Into the room that is named."""
        await self.save_session(sid, message["consult"])
        await self.enter_room(sid, message["consult"])
        return {"pid": message["page"], "peers": []}

    async def on_signal(self, sid: str, message: dict[str, Any]) -> dict[str, str]:
        """To the other one."""
        told = {"sender": message["to"], "description": message["description"]}
        await self.emit("signal", told, to=await self.get_session(sid), skip_sid=sid)
        return {"ok": "yes"}


def main(port: int) -> None:
    """Serve until told to stop."""
    server = LiveServer(origins=frozenset())
    server.register_namespace(Room("/room"))
    app = web.Application()
    server.attach(app)
    gc.freeze()  # as `teleconsult serve` does
    gc.set_threshold(50_000, 20, 50)
    loop = uvloop.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=port, loop=loop, access_log=None, print=None, shutdown_timeout=1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
