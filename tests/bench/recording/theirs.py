"""aiortc's MediaRecorder, which decodes and encodes again: `python -m tests.bench.recording.theirs PORT`."""

import sys
import tempfile
from pathlib import Path

import uvloop
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder

FOLDER: web.AppKey[Path] = web.AppKey("folder", Path)
KEPT: web.AppKey[list[object]] = web.AppKey("kept", list[object])


async def offer(request: web.Request) -> web.Response:
    """Answer one, and record them."""
    asked = await request.json()
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    recorder = MediaRecorder(str(request.app[FOLDER] / "recording.mp4"))
    request.app[KEPT].extend((connection, recorder))
    connection.on("track", lambda track: _take(recorder, track))
    await connection.setRemoteDescription(RTCSessionDescription(asked["sdp"], "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    await recorder.start()
    return web.Response(text=connection.localDescription.sdp)


def _take(recorder: MediaRecorder, track: MediaStreamTrack) -> None:
    recorder.addTrack(track)


async def written(request: web.Request) -> web.Response:
    """Bytes that are on the disk by now."""
    return web.json_response(sum(path.stat().st_size for path in request.app[FOLDER].iterdir()))


async def made(folder: Path) -> web.Application:
    """One room."""
    app = web.Application()
    app[FOLDER], app[KEPT] = folder, []
    app.router.add_post("/", offer)
    app.router.add_get("/", written)
    return app


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        web.run_app(made(Path(name)), host="127.0.0.1", port=int(sys.argv[1]), loop=uvloop.new_event_loop(), print=None)
