"""`kill -9` of the app at random points of bringing images, booking, signing and delivering.

`python -m tests.proof.killed_app`: what was answered for is there, once and whole; the next process goes on with what
the last one left.
"""

import asyncio
import base64
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from migrations import migrate
from tests.mllp_peers import accepts, mllp_peer
from tests.proof.acts import Case
from tests.proof.cluster import Cluster
from tests.proof.figures import RESULTS, Bound, Figure, limit, run
from tests.proof.nursery import AT_WORK, ENDED, RAN, Dying
from tests.proof.place import Place, in_the_end, is_delivered, look, place

KILLS: Final = int(limit(300, 10_000))
SECONDS: Final = 210.0, 6 * 3600.0
SHORTEST, FIRST, LONGEST = 0.1, 0.5, 10.0
LONGER, SHORTER = 1.15, 0.8
"""So much more where nothing was answered for, so much less where something was: two of five get through with an act,
the others die in the midst of one."""
LOADS: Final = 300.0
"""Seconds everything may take to load, and a case to be rehearsed."""
AT_ONCE: Final = 4
"""Cases one is given."""


class Nursery:
    """Where the processes that are killed come from; what they answered for, however often they died."""

    _process: asyncio.subprocess.Process | None

    def __init__(self, place: Place) -> None:
        told = {"data": place.settings.data, "database_url": place.settings.database_url, "actors": place.actors}
        self._environment = {**os.environ, "PROOF": base64.b64encode(pickle.dumps(told)).decode()}
        self.answered: set[tuple[str, uuid.UUID]] = set()
        self._group, self._process = 0, None
        self._at_work, self._ended = asyncio.Event(), asyncio.Event()

    async def open(self, case: Case, *, log: int | None = None) -> None:
        """Load everything, with a rehearsal of one case."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.proof.nursery"),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        self._reading = asyncio.create_task(self._read())
        self._tell([case])
        await asyncio.wait_for(self._ended.wait(), LOADS)

    async def begin(self, cases: list[Case]) -> None:
        """A new process, at these cases; return once it works."""
        await self._begin(cases, None)

    async def die(self, case: Case, dying: Dying) -> int | None:
        """A new process, which does that act and dies at that point of it: then None, else how much ran of it."""
        await self._begin([case], dying)
        await asyncio.wait_for(self._ended.wait(), LOADS)
        ran = [verb for verb, note_id in self.answered if note_id == case.note_id and verb.startswith(RAN)]
        self.answered -= {(verb, case.note_id) for verb in ran}
        return int(ran[0].removeprefix(RAN)) if ran else None

    async def _begin(self, cases: list[Case], dying: Dying | None) -> None:
        self._at_work.clear()
        self._ended.clear()
        self._tell(cases, dying)
        await asyncio.wait_for(self._at_work.wait(), 60)

    def _tell(self, cases: list[Case], dying: Dying | None = None) -> None:
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(base64.b64encode(pickle.dumps((cases, dying))) + b"\n")

    async def _read(self) -> None:
        assert self._process
        assert self._process.stdout
        async for line in self._process.stdout:
            word = line.decode().strip()
            if word.startswith(AT_WORK):
                self._group = int(word.removeprefix(AT_WORK))
                self._at_work.set()
            elif word == ENDED:
                self._ended.set()
            else:
                verb, note_id = word.split()
                self.answered.add((verb, uuid.UUID(note_id)))

    async def kill(self) -> None:
        """It, and what works for it."""
        os.killpg(self._group, signal.SIGKILL)
        await asyncio.wait_for(self._ended.wait(), 30)

    def has_done(self, case: Case) -> bool:
        """Whether the last act of the case was answered for."""
        return ("sign", case.note_id) in self.answered

    async def close(self) -> None:
        """Kill what is at work, and be done."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            if self._group and not self._ended.is_set():
                os.killpg(self._group, signal.SIGKILL)
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reading


async def prove(folder: Path) -> Figure:
    """Kill until there were enough, or the time is over; let the last one end its work; look."""
    figure = Figure("kill -9 of the app during sign, deliver, book, upload", KILLS, "kills")
    chance = random.Random()
    cluster = Cluster(folder / "postgresql")
    cluster.create()
    cluster.start()
    try:
        urls = cluster.prepare()
        migrate(urls.owner)

        def slowly(control_id: str) -> list[bytes | float | None]:
            return [chance.uniform(0, 0.2), *accepts(control_id)]

        async with mllp_peer(slowly) as peer, place(urls, folder / "data", peer) as where:
            nursery = Nursery(where)
            async with where.making():
                try:
                    with (folder / "app.log").open("wb") as log:
                        await nursery.open(await where.case(), log=log.fileno())
                    await _kill(where, nursery, figure, chance)
                    if not await in_the_end(lambda: is_delivered(where)):
                        figure.fault("not everything was delivered in the end")
                finally:
                    await nursery.close()
            await look(where, nursery.answered, peer, figure)
            if figure.faults:
                shutil.copy(folder / "app.log", RESULTS.parent / "killed_app.log")
    finally:
        cluster.kill()
    return figure


async def _kill(where: Place, nursery: Nursery, figure: Figure, chance: random.Random) -> None:
    bound, left = Bound(*SECONDS), [await where.case() for _ in range(AT_ONCE)]
    lives, answered = FIRST, len(nursery.answered)
    while figure.tried < KILLS and not bound.is_over:
        await nursery.begin(left)
        await asyncio.sleep(chance.uniform(0, lives))
        await nursery.kill()
        lives, answered = next_life(lives, len(nursery.answered) > answered), len(nursery.answered)
        figure.tried += 1
        left = [case for case in left if not nursery.has_done(case)]
        left += [await where.case() for _ in range(AT_ONCE - len(left))]
    await nursery.begin(left)
    if not await in_the_end(lambda: all(nursery.has_done(case) for case in left)):
        figure.fault("the last of them did not end its work")


def next_life(lives: float, has_answered: bool) -> float:
    """Seconds the next one lives, at most: as many as an act takes on this machine now."""
    return max(lives * SHORTER, SHORTEST) if has_answered else min(lives * LONGER, LONGEST)


def main() -> list[Figure]:
    """The figure of one run."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return [asyncio.run(prove(Path(folder)))]


if __name__ == "__main__":
    run(main)
