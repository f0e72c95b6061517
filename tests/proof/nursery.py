"""`python -m tests.proof.nursery`: for each line it reads, a process that does what the line says, until it is killed.

What loads for seconds is loaded once, and every statement compiled once, before the forks: kills fall into the work,
not into its beginning. An act is printed once it was answered for. Leases are short, so that what dies is found soon.
"""

import asyncio
import base64
import os
import pickle
import random
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from teleconsult.db import make_engine, make_sessions
from teleconsult.delivery import taking
from teleconsult.documents.press import Press
from teleconsult.errors import NotFound
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox, worker
from teleconsult.imaging.sandbox.messages import READY
from teleconsult.imaging.sandbox.pool import _Worker
from teleconsult.notes import signature
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import load_settings
from tests.people import SECRET
from tests.proof.acts import Actors, Acts, Case
from tests.proof.failing import Kind, Way, failing

SHORT_LEASE: Final = timedelta(seconds=1)
AT_WORK: Final = "at work"
"""Before its process id, which is that of its group."""
ENDED: Final = "ended"
RAN: Final = "ran-"
"""Before how many statements or writes an act took."""
FAILED: Final = -1
"""It failed instead, which nobody had it do."""
PAUSE: Final = 0.1
LOADED: Final = signature


Dying = tuple[str, Kind, int]
"""The act, of what, and before which of them it is killed."""


class _PlainObjects(Objects):
    """For the rehearsal: the store's own threads would not outlive a fork."""

    async def put(self, key: str, content: bytes | Path) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())

    async def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise NotFound from error

    async def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        path = self.path_of(key)
        assert path is not None
        return path


class _Forked:
    """A process that reads images, begun without loading anything anew; to the pool it is as any other."""

    def __init__(self, pid: int, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
        self._pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, 9)

    async def wait(self) -> None:
        if self.returncode is None:
            self.returncode = (await asyncio.to_thread(os.waitpid, self._pid, 0))[1]


async def _start_forked(sandbox: Sandbox) -> _Worker:
    ask_out, ask_in = os.pipe()
    answer_out, answer_in = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(ask_out, 0)
        os.dup2(answer_in, 1)
        os.closerange(3, 1024)
        sys.stdin = os.fdopen(0)
        sys.argv = ["worker", str(sandbox._memory), str(int(sandbox._seconds) + 1), "0"]
        worker.main()
        os._exit(0)
    os.close(ask_out)
    os.close(answer_in)
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await loop.connect_read_pipe(lambda: protocol, os.fdopen(answer_out, "rb"))
    transport, flow = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(ask_in, "wb"))
    process = _Forked(pid, asyncio.StreamWriter(transport, flow, None, loop), reader)
    await asyncio.wait_for(reader.readexactly(len(READY)), 10)
    made: Any = process
    return _Worker(made)


def nursery() -> None:
    """The first line is a rehearsal. Then one process after the other, each from its line on until its end."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # what is answered for is printed
    taking.LEASE = SHORT_LEASE  # type: ignore[misc]  # a proof of minutes, not of hours
    told = pickle.loads(base64.b64decode(os.environ["PROOF"]))
    settings = load_settings(data=Path(told["data"]), database_url=told["database_url"], secret_key=SECRET)
    engine = make_engine(told["database_url"])

    async def live(cases: list[Case], cut: Dying | None = None, *, is_rehearsal: bool = False) -> None:
        store = open_store(None, settings.data)
        objects, sandbox = _PlainObjects(store) if is_rehearsal else Objects(store), Sandbox(workers=1)
        sessions = make_sessions(engine, acting="system")
        signing = Signing(sessions, settings, objects, Sealer(SECRET), Press())
        receiver = Receiver(sessions=sessions, objects=objects, sandbox=sandbox, file_limit=10_000_000)
        acts = Acts(signing, receiver, told["actors"])
        if is_rehearsal:
            await _work(acts, cases)
            await acts.deliver()
            await sandbox.close()
            await engine.dispose()
            return
        _say(AT_WORK, os.getpid())
        if cut:
            await _work_until(acts, cases[0], cut)
            return
        delivering = asyncio.create_task(_keep_delivering(acts))
        await _work(acts, cases)
        await delivering

    Sandbox._start = _start_forked  # type: ignore[method-assign]
    asyncio.run(live(*_told_in(sys.stdin.readline()), is_rehearsal=True))
    _say(ENDED)
    while line := sys.stdin.readline():
        process = os.fork()
        if not process:
            os.setsid()
            asyncio.run(live(*_told_in(line)))
            os._exit(0)
        os.waitpid(process, 0)
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)  # what it had begun
        _say(ENDED)


def _say(*words: object) -> None:
    """In one piece, or not at all: whoever says it may be killed meanwhile (`PIPE_BUF` of POSIX)."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def _told_in(line: str) -> "tuple[list[Case], Dying | None]":
    told: tuple[list[Case], Dying | None] = pickle.loads(base64.b64decode(line))
    return told


async def _work_until(acts: Acts, case: Case, dying: Dying) -> None:
    """One act, killed before that statement or write of it; where there is none of that number it says how many ran."""
    verb, kind, number = dying
    ran = FAILED
    try:
        await acts.forget_tries()
        if verb == "deliver":
            await acts.sign(case)
        with failing(kind, number, Way.KILL) as cutting:
            await (acts.deliver() if verb == "deliver" else acts.of_a_case[verb](case))
        ran = cutting.ran
    except Exception as error:
        print(f"{verb}: {type(error).__name__}: {error}"[:300], file=sys.stderr, flush=True)
    _say(f"{RAN}{ran}", case.note_id)


async def _work(acts: Acts, cases: list[Case]) -> None:
    """Each act of each case until it is done; what failed is tried again, as a person would."""
    for case in cases:
        for name, act in acts.of_a_case.items():
            while not await _is_done(name, acts.forget_tries()) or not await _is_done(name, act(case)):
                pass
            _say(name, case.note_id)


async def _is_done(name: str, doing: Any) -> bool:
    try:
        if await doing:
            return True
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}"[:300], file=sys.stderr, flush=True)
    await asyncio.sleep(random.uniform(0, PAUSE))
    return False


async def _keep_delivering(acts: Acts) -> None:
    while True:
        try:
            await acts.deliver()
        except Exception as error:
            print(f"deliver: {type(error).__name__}"[:300], file=sys.stderr, flush=True)
        await asyncio.sleep(PAUSE)


__all__ = ["AT_WORK", "ENDED", "FAILED", "RAN", "Actors", "Dying", "nursery"]

if __name__ == "__main__":
    nursery()
