"""Our forwarder and recorder alone, in a process of their own: `python -m tests.bench.recording.ours PORT`."""

import fcntl
import os
import sys
import tempfile
import uuid
from pathlib import Path

import uvloop
from aiohttp import web

from signaling.media.forwarder import Forwarder
from signaling.media.recorder import Recorder
from teleconsult.encounters.recorded_files import OpenFile, Outcome
from teleconsult.sealed_files import SealedWriter, new_file_key

FOLDER: web.AppKey[Path] = web.AppKey("folder", Path)
ROOM: web.AppKey[Forwarder] = web.AppKey("room", Forwarder)
RECORDERS: web.AppKey[list[Recorder]] = web.AppKey("recorders", list[Recorder])


class Files:
    """Sealed files in a folder, without a database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def begin(self, _recording: uuid.UUID, _pid: uuid.UUID, *, what: str, kinds: object) -> OpenFile:
        """A new one."""
        id, key = uuid.uuid4(), new_file_key()
        writer = SealedWriter(self._folder / id.hex, key, name=id.bytes)
        lock = os.dup(writer.descriptor)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return OpenFile(id, self._folder / id.hex, key, f"{what} {kinds}", writer, lock)

    async def keep(self, file: OpenFile, _outcome: Outcome) -> None:
        """It stays where it is."""
        os.close(file.lock)


async def offer(request: web.Request) -> web.Response:
    """Answer one, and record them."""
    asked, room = await request.json(), request.app[ROOM]
    pid = uuid.UUID(asked["pid"])
    answer = await room.offer(pid, asked["sdp"], {})
    files: object = Files(request.app[FOLDER])
    recorder = Recorder(
        files,  # type: ignore[arg-type]  # in place of those that know the database
        room,
        recording_id=uuid.uuid4(),
        pids=[pid],
        failed=lambda: None,
    )
    recorder.start()
    request.app[RECORDERS].append(recorder)
    return web.Response(text=answer)


async def written(request: web.Request) -> web.Response:
    """Bytes that are on the disk by now."""
    return web.json_response(sum(path.stat().st_size for path in request.app[FOLDER].iterdir()))


async def made(folder: Path) -> web.Application:
    """One room."""
    app = web.Application()
    app[FOLDER], app[ROOM], app[RECORDERS] = folder, Forwarder(), []
    app.router.add_post("/", offer)
    app.router.add_get("/", written)
    return app


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        web.run_app(made(Path(name)), host="127.0.0.1", port=int(sys.argv[1]), loop=uvloop.new_event_loop(), print=None)
