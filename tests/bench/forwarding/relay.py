"""aiortc's own way, which decodes once and encodes for each: `python -m tests.bench.forwarding.relay PORT`."""

import sys
from dataclasses import dataclass, field

import uvloop
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay


@dataclass
class Room:
    """Whose tracks are relayed."""

    relay: MediaRelay = field(default_factory=MediaRelay)
    tracks: dict[str, MediaStreamTrack] = field(default_factory=dict)
    connections: list[RTCPeerConnection] = field(default_factory=list)


ROOM: web.AppKey[Room] = web.AppKey("room", Room)


async def offer(request: web.Request) -> web.Response:
    """Answer one."""
    asked, room = await request.json(), request.app[ROOM]
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    room.connections.append(connection)

    @connection.on("track")
    def _came(track: MediaStreamTrack) -> None:
        room.tracks[track.kind] = track

    sends = not asked["wants"]
    if not sends:
        for kind in ("video", "audio"):
            connection.addTrack(room.relay.subscribe(room.tracks[kind]))
    await connection.setRemoteDescription(RTCSessionDescription(asked["sdp"], "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    return web.Response(text=connection.localDescription.sdp)


async def made() -> web.Application:
    """One room."""
    app = web.Application()
    app[ROOM] = Room()
    app.router.add_post("/", offer)
    return app


if __name__ == "__main__":
    web.run_app(made(), host="127.0.0.1", port=int(sys.argv[1]), loop=uvloop.new_event_loop(), print=None)
