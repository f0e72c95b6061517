"""The recorder of one room, from one beginning to the next pause: writes down what those send who agreed, each into
files of their own, as their browsers encoded it (ADR 23).
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol

import structlog

from signaling.media.source import Source
from signaling.media.tape import Clock, Fallen, Tape
from teleconsult.encounters.recorded_files import OpenFile, Outcome, RecordedFiles

TURN: Final = 0.25
"""Seconds between two looks at what came."""

log = structlog.get_logger(__name__)
Key = tuple[uuid.UUID, str]
"""A participant, and the id of one of their MediaStreams."""


class Unfit(Exception):
    """What somebody sends fits no file."""


class Sender(Protocol):
    """What of a forwarder a recorder needs (`signaling.media.forwarder.Forwarder`)."""

    def listen(self, listener: "Recorder") -> None:
        """Tell of every track that is there and of all that come."""

    def unlisten(self, listener: "Recorder") -> None:
        """Tell nothing more."""

    def ask_key_frame(self, source: Source) -> None:
        """Have a picture begin anew."""


class Recorder:
    """`failed` is called, once, where it cannot be written any more; what was written until then is kept."""

    def __init__(
        self,
        files: RecordedFiles,
        forwarder: Sender,
        *,
        recording_id: uuid.UUID,
        pids: Collection[uuid.UUID],
        failed: Callable[[], None],
        name_of: Callable[[uuid.UUID, str], str] = lambda _pid, _stream: "main",
        participants: Mapping[uuid.UUID, uuid.UUID] = MappingProxyType({}),
    ) -> None:
        """`pids`: who agreed; `participants` who they are in the session's records, where that is another id. `name_of`
        says which of somebody's streams one is.
        """
        self._files, self._forwarder, self._recording_id = files, forwarder, recording_id
        self._pids, self._failed, self._name_of = frozenset(pids), failed, name_of
        self._participants = participants
        self._origin = time.monotonic()
        self._clocks = {pid: Clock(self._origin) for pid in self._pids}
        self._sources: dict[Key, list[Source]] = {}
        self._tapes: dict[Key, Tape] = {}
        self._open: dict[Tape, OpenFile] = {}
        self._ended: list[tuple[Key, Tape]] = []
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what is sent now."""
        self._forwarder.listen(self)
        self._running = asyncio.create_task(self._run())

    def stop_taking(self) -> None:
        """Not a packet more is taken. Twice changes nothing."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._forwarder.unlisten(self)
            for tape in self._tapes.values():
                tape.detach()

    async def stop(self) -> None:
        """End: every file is closed and kept. Twice changes nothing."""
        self.stop_taking()
        if self._running is not None:
            await asyncio.wait({self._running})

    def came(self, pid: uuid.UUID, source: Source) -> None:
        """A track is there; whose owner did not agree is left alone."""
        if pid not in self._pids:
            return
        key = pid, source.stream
        self._sources.setdefault(key, []).append(source)
        self._change(key)

    def went(self, pid: uuid.UUID, source: Source) -> None:
        """Nothing more comes of it."""
        key = pid, source.stream
        if source in self._sources.get(key, []):
            self._sources[key].remove(source)
            self._change(key)

    def _change(self, key: Key) -> None:
        """Begin another file where what a stream is made of has become something else."""
        sources, tape = self._sources[key], self._tapes.get(key)
        chosen = list({source.kind: source for source in reversed(sources)}.values())
        if tape is not None and set(tape.sources) == set(chosen):
            return
        if tape is not None:
            tape.detach()
            self._ended.append((key, self._tapes.pop(key)))
        if chosen:
            self._tapes[key] = Tape(sources, self._clocks[key[0]])

    async def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    await asyncio.wait_for(self._stopping.wait(), TURN)
                except TimeoutError:
                    await self._turn()
        except Exception as error:
            log.exception("recording.failed", recording=str(self._recording_id), error=type(error).__name__)
            self.stop_taking()
            self._failed()
        for key, tape in [*self._ended, *self._tapes.items()]:
            await self._end(key, tape)

    async def _turn(self) -> None:
        for key, tape in list(self._tapes.items()):
            try:
                await self._work(key, tape)
            except Unfit:
                await self._give_up(key, tape)
        for tape in self._tapes.values():
            for source in tape.wants_key_frames():
                self._forwarder.ask_key_frame(source)
        while self._ended:
            await self._end(*self._ended.pop())

    async def _work(self, key: Key, tape: Tape) -> None:
        now = time.monotonic()
        await _in_thread(partial(tape.work, now=now))
        if not tape.is_begun and tape.is_ready(now=now):
            await self._begin(key, tape)
        elif tape.needs_another() and self._tapes.get(key) is tape:
            tape.detach()
            self._ended.append((key, tape))
            self._tapes[key] = Tape(self._sources[key], self._clocks[key[0]])

    async def _begin(self, key: Key, tape: Tape) -> None:
        pid, stream = key
        owner = self._participants.get(pid, pid)
        file = await self._files.begin(self._recording_id, owner, what=self._name_of(pid, stream), kinds=tape.heard)
        self._open[tape] = file
        await _in_thread(partial(tape.begin, file.writer))

    async def _give_up(self, key: Key, tape: Tape) -> None:
        """Of a stream that fits no file nothing more is taken, until it is made of something else."""
        tape.detach()
        if self._tapes.get(key) is tape:
            del self._tapes[key]
        elif (key, tape) in self._ended:
            self._ended.remove((key, tape))
        await self._end(key, tape, is_cut=True)

    async def _end(self, key: Key, tape: Tape, *, is_cut: bool = False) -> None:
        """Close a file and keep it, however it ended, and whatever became of others."""
        try:
            if not is_cut:
                await self._finish(key, tape)
        except Exception as error:
            is_cut = True
            log.warning("recording.cut", recording=str(self._recording_id), error=type(error).__name__)
        file = self._open.pop(tape, None)
        if file is None:
            return
        try:
            await asyncio.to_thread(tape.close)
        except Exception as error:
            is_cut = True
            log.warning("recording.not_closed", recording=str(self._recording_id), error=type(error).__name__)
        try:
            await self._files.keep(file, Outcome(tape.seconds, is_cut))
        except Exception as error:  # it lies in the data folder, and is taken up when the server starts again
            log.exception("recording.not_kept", recording=str(self._recording_id), error=type(error).__name__)

    async def _finish(self, key: Key, tape: Tape) -> None:
        await _in_thread(partial(tape.work, now=time.monotonic(), is_last=True))
        if not tape.is_begun and tape.heard:
            await self._begin(key, tape)


async def _in_thread(work: Callable[[], None]) -> None:
    """Have a tape work. Raises OSError and Fallen where the disk takes no more, Unfit where it is what was sent."""
    try:
        await asyncio.to_thread(work)
    except (OSError, Fallen):
        raise
    except Exception as error:
        log.warning("recording.unfit", error=type(error).__name__)
        raise Unfit from error
