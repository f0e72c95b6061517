"""A few worker processes, started when first needed, ended when they take too long, replaced after many jobs."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import teleconsult
from teleconsult.errors import Unavailable
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.sandbox.messages import LENGTH, READY, Message

GIB: Final = 1024**3
_SLOWEST_START: Final = 30
_SOURCES: Final = Path(teleconsult.__file__).parent.parent
_ENVIRONMENT: Final = {
    "PATH": os.defpath,
    "PYTHONPATH": str(_SOURCES),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
"""All a worker is given: no setting, no secret, no database."""


@dataclass(slots=True)
class _Worker:
    process: asyncio.subprocess.Process
    jobs: int = 0

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    async def get_ready(self) -> None:
        assert self.process.stdout is not None
        try:
            await asyncio.wait_for(self.process.stdout.readexactly(len(READY)), _SLOWEST_START)
        except BaseException:
            await self.end()
            raise

    async def ask(self, question: Message) -> Message:
        pipe_in, pipe_out = self.process.stdin, self.process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        self.jobs += 1
        pipe_in.write(question.encoded())
        await pipe_in.drain()
        head = await _read_part(pipe_out)
        return Message(json.loads(head), await _read_part(pipe_out))

    async def end(self) -> None:
        if self.is_alive:
            self.process.kill()
        await self.process.wait()


class Sandbox:
    """`ask` runs one verb of `sandbox.worker` on one file; a hostile file costs at most its own worker."""

    def __init__(
        self,
        *,
        workers: int = 2,
        memory: int = 2 * GIB,
        seconds: float = 10,
        jobs_per_worker: int = 5000,
        niceness: int = 0,
    ) -> None:
        """`memory` in bytes a worker; `seconds` bounds one job on the clock and on the processor; with a `niceness`
        the workers stand behind everything else on the machine.
        """
        self._memory, self._seconds, self._jobs_per_worker = memory, seconds, jobs_per_worker
        self._niceness = niceness
        self._idle: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue()
        for _place in range(workers):
            self._idle.put_nowait(None)

    async def ask(self, verb: str, path: Path, *, seconds: float | None = None, **arguments: object) -> Message:
        """The worker's answer. Waits its turn while all are busy.

        Raises Unreadable with the worker's reason, or TOO_DEMANDING where it was ended for its time or memory;
        Unavailable where no worker can be started.
        """
        worker = await self._idle.get()
        try:
            if worker is None or not worker.is_alive:
                worker = await self._start()
            question = Message({"verb": verb, "path": str(path), **arguments})
            answer = await asyncio.wait_for(worker.ask(question), seconds or self._seconds)
        except BaseException as error:
            if worker is not None:
                await worker.end()
            self._idle.put_nowait(None)
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError | ConnectionError):
                raise Unreadable(Refusal.TOO_DEMANDING) from error
            raise
        if worker.jobs >= self._jobs_per_worker:
            await worker.end()
        self._idle.put_nowait(worker)
        if "refused" in answer.head:
            raise Unreadable(Refusal(answer.head["refused"]))
        return Message(answer.head["done"], answer.body)

    async def answer(self) -> None:
        """Show that a worker starts, or lives. Raises Unavailable."""
        worker = await self._idle.get()
        try:
            if worker is None or not worker.is_alive:
                worker = None
                worker = await self._start()
        finally:
            self._idle.put_nowait(worker)

    async def close(self) -> None:
        """End every worker. Those at work are ended by the cancelling of who asked."""
        while not self._idle.empty():
            worker = self._idle.get_nowait()
            if worker is not None:
                await worker.end()

    async def _start(self) -> _Worker:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "teleconsult.imaging.sandbox.worker"),
                *(str(self._memory), str(int(self._seconds) + 1), str(self._niceness)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
            worker = _Worker(process)
            await worker.get_ready()
        except (OSError, EOFError, TimeoutError) as error:
            raise Unavailable("Images cannot be read now. Try again in a moment.") from error
        return worker


async def _read_part(pipe: asyncio.StreamReader) -> bytes:
    return await pipe.readexactly(LENGTH.unpack(await pipe.readexactly(LENGTH.size))[0])
