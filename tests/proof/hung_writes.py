"""Every SQL statement and every write to the disk of each act hangs once: it ends, and what is left is nothing or all.

`python -m tests.proof.hung_writes`: a statement that hangs is one the server works at without end, until the
connection's own time-out ends it (15 s, `teleconsult.db`); several acts hang side by side. A write that hangs is one
the system does not return from for a while: no program can end it, and nobody else may wait for it. Every other time
whoever asked gives up meanwhile. Afterwards each act is done again, and must come through. A short run hangs as many
statements as there is time for, by chance, and every write.
"""

import asyncio
import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from tests.proof.acts import Acts, Case
from tests.proof.failed_writes import IN_PARTS, NEVER_YET, NONE, Cut, acts_to_cut, counted, prepared
from tests.proof.failed_writes import NEVER as NEVER_WRITES
from tests.proof.failing import HANGS, OF_THIS_TASK, Cutting, Kind, Way, each_apart, failing
from tests.proof.figures import Bound, Figure, run
from tests.proof.place import Place, in_the_end

SECONDS: Final = 60.0, 5400.0
"""For all statements; what hangs when it is over is waited for."""
WRITE_SECONDS: Final = 60.0, 600.0
"""For all writes."""
AT_ONCE: Final = 12
"""Acts that hang side by side."""
PATIENCE: Final = 60.0
"""Seconds within which another is answered while a write hangs: a machine that others use is slow."""


async def prove(folder: Path) -> list[Figure]:
    """Statements, then writes."""
    async with acts_to_cut(folder) as (where, acts, cuts):
        statements = await _Hanging(where, acts, cuts).run()
        bound = Bound(*WRITE_SECONDS)
        writes = [one for one in cuts if (one.name, Kind.WRITE) not in (NEVER_WRITES, NEVER_YET)]
        return [statements, *[await _hang_writes(where, acts, one, bound) for one in writes]]


class _Hanging:
    """Statements of all acts, by chance."""

    def __init__(self, where: Place, acts: Acts, cuts: Sequence[Cut]) -> None:
        self._where, self._acts, self._cuts = where, acts, cuts
        self.figure = Figure("every statement of every act hung once", 0, "hung")
        self._tried = Counter[str]()

    async def run(self) -> Figure:
        """Until each has hung, or the time is over."""
        left = list[tuple[Cut, int]]()
        for one in self._cuts:
            ran = await counted(self._where, one, Kind.STATEMENT)
            self.figure.wanted += ran
            left += [(one, number) for number in range(1, ran + 1)]
        random.shuffle(left)
        bound, tries = Bound(*SECONDS), Counter[tuple[str, int]]()
        while left and not (bound.is_over and self.figure.tried):
            first, *rest = left
            is_alone = first[0].name == IN_PARTS or tries[first[0].name, first[1]]
            lot = [first] if is_alone else [first, *(one for one in rest if one[0].name != IN_PARTS)][:AT_ONCE]
            left = [one for one in left if one not in lot]
            for one, number in await self._hang(lot):
                tries[one.name, number] += 1
                if tries[one.name, number] > 1:  # nobody else was in its way: it takes fewer of them this time
                    self.figure.wanted -= 1
                else:
                    left.append((one, number))
        self.figure.found |= self._tried
        return self.figure

    async def _hang(self, lot: list[tuple[Cut, int]]) -> list[tuple[Cut, int]]:
        """All of them side by side; those that never came to it, as others had what they needed first."""
        await self._acts.forget_tries()
        cases = [await prepared(self._where, one) for one, _number in lot]
        if lot[0][0].name == IN_PARTS:  # its statements are those of a server's tasks
            with failing(Kind.STATEMENT, lot[0][1], Way.HANG) as cutting:
                cuttings = [cutting]
                lasted = [await _lasts(lot[0][0], cases[0])]
        else:
            cuttings = [Cutting(Kind.STATEMENT, number, Way.HANG) for _one, number in lot]
            with each_apart():
                doing = [self._apart(one, case, at) for (one, _), case, at in zip(lot, cases, cuttings, strict=True)]
                lasted = await asyncio.gather(*doing)
        passed = list[tuple[Cut, int]]()
        for (one, number), case, cutting, seconds in zip(lot, cases, cuttings, lasted, strict=True):
            if cutting.came:
                self.figure.tried += 1
                self._tried[one.name] += 1
            else:
                passed.append((one, number))
            if seconds > HANGS:
                self.figure.fault(f"{one.name}: nothing ended statement {number}: {seconds:.0f} s")
            await _look(self._where, self._acts, one, case, f"{one.name}'s statement {number}", self.figure)
        return passed

    async def _apart(self, one: Cut, case: Case, cutting: Cutting) -> float:
        OF_THIS_TASK.set(cutting)
        return await _lasts(one, case)


async def _lasts(one: Cut, case: Case) -> float:
    """Seconds until it was over, one way or the other."""
    began = time.monotonic()
    await asyncio.gather(one.act(case), return_exceptions=True)
    return time.monotonic() - began


async def _look(where: Place, acts: Acts, one: Cut, case: Case, after: str, figure: Figure) -> None:
    """Nothing half; and done again, it comes through."""
    state = await one.state(case)
    if state not in (one.nothing, one.whole):
        figure.fault(f"half a state after {after}: {state}")
    if state == one.whole:
        return

    async def is_done() -> bool:
        await acts.forget_tries()
        await asyncio.gather(one.act(case), return_exceptions=True)
        return await one.state(case) == one.whole

    if not await in_the_end(is_done):
        figure.fault(f"it could not be done again after {after}: {await one.state(case)}")


async def _hang_writes(where: Place, acts: Acts, one: Cut, bound: Bound) -> Figure:
    wanted = await counted(where, one, Kind.WRITE)
    figure = Figure(f"{one.name}: every one of its writes hung once", wanted, "hung")
    for number in range(1, NONE):
        await acts.forget_tries()
        case = await prepared(where, one)
        with failing(Kind.WRITE, number, Way.HANG) as cutting:
            doing = asyncio.ensure_future(one.act(case))
            try:
                while not doing.done() and not cutting.hangs.is_set():  # noqa: ASYNC110  (a thread says so)
                    await asyncio.sleep(0.005)
                if cutting.hangs.is_set() and not doing.done():
                    await asyncio.wait_for(one.state(case), PATIENCE)  # somebody else, meanwhile
                    if number % 2:
                        doing.cancel()
            finally:
                cutting.let_go()
                await asyncio.gather(doing, return_exceptions=True)
        if not cutting.came:
            figure.wanted = figure.tried
            break
        figure.tried, figure.wanted = number, max(figure.wanted, number)
        if cutting.holds_all_up:
            figure.fault(f"write {number} holds everybody up")
        await _look(where, acts, one, case, f"write {number}", figure)
        if bound.is_over:
            figure.found["time"] = "over"
            break
    return figure


def main() -> list[Figure]:
    """The figures of one run."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # each is a fault
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return asyncio.run(prove(Path(folder)))


if __name__ == "__main__":
    run(main)
