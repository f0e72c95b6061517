"""Frames ready for the screen: pictures and codestreams kept in memory for a while, samples made when asked for."""

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from teleconsult.errors import NotFound
from teleconsult.imaging.header import Description, InstanceHeader
from teleconsult.imaging.packs import Span
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.rendering import Drawing
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.imaging.sandbox.messages import Message
from teleconsult.objects import Objects, new_key

FindSpan = Callable[[], Awaitable[Span | None]]
FindPicture = Callable[[], Awaitable[bytes | None]]
MIB = 1024 * 1024
MADE_IN_MEMORY = 64 * MIB
DEIDENTIFIED_WITHIN = 30.0
"""Seconds for one instance, which may be a long cine."""
ORIGINALS_ON_DISK = 2048 * MIB


class KeptFile(Protocol):
    """A stored instance, as far as it takes to find its file."""

    @property
    def object_key(self) -> str:
        """Where it is kept."""

    @property
    def sha256(self) -> bytes:
        """Of its bytes."""


class Renditions:
    """Draws frames of stored instances in the sandbox."""

    def __init__(self, *, sandbox: Sandbox, objects: Objects, folder: Path) -> None:
        """`folder` keeps copies of originals whose store is not a local one."""
        self._sandbox, self._originals = sandbox, Originals(objects, folder)
        self._made: OrderedDict[tuple[object, ...], Message] = OrderedDict()
        self._bytes = 0

    async def picture(self, instance: KeptFile, frame: int, *, window: tuple[float, float] | None, size: int) -> bytes:
        """WebP of frame `frame` (from 1) under a window (centre, width) or its own, at most `size` a side.

        Raises Unreadable where it cannot be shown.
        """
        return (await self._kept(instance, "rendered", index=frame - 1, window=window, size=size)).body

    async def preview(self, instance: KeptFile, frame: int) -> bytes:
        """A small WebP of frame `frame` (from 1) under its own window (`rendering.preview`). Raises Unreadable."""
        return (await self._kept(instance, "preview", index=frame - 1)).body

    async def codestream(self, instance: KeptFile, frame: int) -> Message:
        """Frame `frame` (from 1) as HTJ2K, and what they mean (`codestreams.codestream_of`). Raises Unreadable."""
        return await self._kept(instance, "codestream", index=frame - 1)

    async def stored_codestream(self, instance: KeptFile, frame: int) -> bytes:
        """Frame `frame` (from 1) as HTJ2K of the samples its header tells of. Raises Unreadable."""
        return (await self._kept(instance, "stored_codestream", index=frame - 1)).body

    async def pixels(self, instance: KeptFile, frame: int) -> Message:
        """The samples of frame `frame` (from 1), little endian, gzipped, and what they mean. Raises Unreadable."""
        return await self._sandbox.ask("pixels", await self._originals.path_of(instance), index=frame - 1)

    async def drawn(
        self,
        instance: KeptFile,
        frame: int,
        drawing: Drawing,
        *,
        ready: FindPicture | None = None,
        coded: FindSpan | None = None,
    ) -> bytes:
        """Frame `frame` (from 1) as a JPEG, PNG or WebP. Raises Unreadable where it cannot be shown.

        `ready` finds this very picture, `coded` the codestream, where that was made beforehand: they are only asked
        for what is not held.
        """
        told = drawing.as_json()

        async def draw() -> Message:
            if ready is not None and (picture := await ready()) is not None:
                return Message({}, picture)
            if coded is not None and (span := await coded()) is not None:
                with suppress(NotFound, Unreadable):  # lost or damaged: then out of the file itself
                    async with self._originals.record(span) as (path, start):
                        place = {"start": start, "head_length": span.head_length, "length": span.length}
                        return await self._sandbox.ask("drawn_coded", path, drawing=told, **place)
            return await self._sandbox.ask(
                "drawn", await self._originals.path_of(instance), index=frame - 1, drawing=told
            )

        return (await self._held((instance.sha256, "drawn", frame, drawing), draw)).body

    async def frame(self, instance: KeptFile, frame: int, *, native: bool) -> bytes:
        """Frame `frame` (from 1) as it is stored, or decoded to little-endian samples. Raises Unreadable."""
        path = await self._originals.path_of(instance)
        return (await self._sandbox.ask("frame", path, index=frame - 1, native=native)).body

    async def transcoded(self, instance: KeptFile) -> Message:
        """The instance in Explicit VR Little Endian up to its frames (`transcoding.transcoded`). Raises Unreadable."""
        return await self._kept(instance, "transcoded")

    async def plain_frame(self, instance: KeptFile, frame: int) -> bytes:
        """Frame `frame` (from 1) as it follows there. Raises Unreadable."""
        path = await self._originals.path_of(instance)
        return (await self._sandbox.ask("plain_frame", path, index=frame - 1)).body

    async def value(self, instance: KeptFile, within: Sequence[str]) -> bytes:
        """The value of one element of the header (`describing.value_of`). Raises Unreadable where there is none."""
        return (await self._sandbox.ask("value", await self._originals.path_of(instance), within=list(within))).body

    async def deidentified(self, instance: KeptFile, key: bytes) -> Message:
        """The instance without who it is of, and what became of each element (`deidentifying`). Raises Unreadable."""
        path = await self._originals.path_of(instance)
        return await self._sandbox.ask("deidentified", path, seconds=DEIDENTIFIED_WITHIN, key=key.hex())

    async def description(self, instance: KeptFile) -> Description:
        """The header, read anew. Raises Unreadable."""
        answer = await self._sandbox.ask("header", await self._originals.path_of(instance))
        return InstanceHeader.unpacked(answer.head, answer.body).description

    async def _kept(self, instance: KeptFile, verb: str, **arguments: Any) -> Message:
        """The sandbox's answer, or the one it gave a while ago."""

        async def ask() -> Message:
            return await self._sandbox.ask(verb, await self._originals.path_of(instance), **arguments)

        return await self._held((instance.sha256, verb, str(arguments)), ask)

    async def _held(self, key: tuple[object, ...], make: Callable[[], Awaitable[Message]]) -> Message:
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        answer = await make()
        self._bytes += 0 if key in self._made else len(answer.body)
        self._made[key] = answer
        while self._bytes > MADE_IN_MEMORY:
            _key, oldest = self._made.popitem(last=False)
            self._bytes -= len(oldest.body)
        return answer


class Originals:
    """The stored file as a path: where it lies, or a copy, of which the longest unread go first."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self._objects, self._folder = objects, folder
        self._lock = asyncio.Lock()

    async def path_of(self, instance: KeptFile) -> Path:
        local = self._objects.path_of(instance.object_key)
        if local is not None:
            return local
        copy = self._folder / instance.sha256.hex()
        async with self._lock:
            if not copy.exists():
                await self._fetch(instance.object_key, copy)
        await asyncio.to_thread(os.utime, copy)
        return copy

    @asynccontextmanager
    async def record(self, span: Span) -> AsyncIterator[tuple[Path, int]]:
        """A file with this record of a pack, and where in it that begins. Raises NotFound."""
        local = self._objects.path_of(span.object_key)
        if local is not None:
            if not local.exists():
                raise NotFound
            yield local, span.start
            return
        content = await self._objects.read_range(span.object_key, span.start, span.head_length + span.length)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / new_key("record").replace("/", "-")
        try:
            await asyncio.to_thread(part.write_bytes, content)
            yield part, 0
        finally:
            part.unlink(missing_ok=True)

    async def _fetch(self, key: str, copy: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / new_key("part").replace("/", "-")
        try:
            with part.open("wb") as out:
                async for piece in self._objects.stream(key):
                    await asyncio.to_thread(out.write, piece)
            part.rename(copy)
        finally:
            part.unlink(missing_ok=True)
        await asyncio.to_thread(self._make_room)

    def _make_room(self) -> None:
        files = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
        room = ORIGINALS_ON_DISK
        for file in files:
            room -= file.stat().st_size
            if room < 0:
                file.unlink(missing_ok=True)
