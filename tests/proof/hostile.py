"""Hostile inputs at every door of one installation that runs: no process ends, none answers 5xx, memory stays bounded.

`python -m tests.proof.hostile`. The short run always says the same, so that a red one is the change's; the long one
says something new each time. `SEED=…` says it again.
"""

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from teleconsult.embedded import embedded_postgresql
from teleconsult.imaging.sandbox import Sandbox
from tests.proof.figures import RESULTS, Bound, Figure, limit, run
from tests.proof.mutating import Mutator
from tests.proof.strangers import Attempt, Strangers
from tests.proof.wild_site import Within, wild_site

INPUTS: Final = int(limit(20_000, 1_000_000))
SEED: Final = int(limit(1, random.SystemRandom().randrange(10**6)))
SECONDS: Final = 300.0, 12 * 3600.0
AT_ONCE: Final = 24
BATCH: Final = 400
"""Attempts after which everyone signs in anew."""
MEMORY: Final = 700 * 1024 * 1024
"""Bytes that no process of the installation may ever hold."""
SHOWN: Final = 20


async def prove(folder: Path) -> Figure:
    """One after the other, each door by its share, until there were enough or the time is over."""
    figure = Figure("hostile inputs", INPUTS, "inputs")
    seed = int(os.environ.get("SEED", SEED))
    figure.found["seed"] = seed
    with embedded_postgresql(folder) as urls:
        async with wild_site(urls, folder) as within:
            await _try_all(within, folder, seed, figure)
            figure.found["memory of the largest process, MB"] = within.site.largest() // 10**6
            if within.site.largest() > MEMORY:
                figure.fault(f"{within.site.largest()} bytes of memory")
            for gone in within.site.ended():
                figure.fault(f"ended: {gone}")
            for line in within.site.faults()[:SHOWN]:
                figure.fault(f"log: {line}")
            if figure.faults:
                shutil.copy(within.site.log, RESULTS.parent / f"hostile-{seed}.log")
    return figure


async def _try_all(within: Within, folder: Path, seed: int, figure: Figure) -> None:
    statuses, sandbox = Counter[str](), Sandbox(workers=2)
    strangers = Strangers(within, sandbox, folder)
    names, shares = zip(*((name, share) for name, (share, _) in strangers.doors.items()), strict=True)
    by_door: Counter[str] = Counter()

    async def one(number: int, name: str, attempt: Attempt) -> None:
        began = time.monotonic()
        try:
            status = await attempt(Mutator(number))
        except Exception as error:
            figure.fault(f"{name} {number}: {type(error).__name__}: {error}"[:300])
            return
        statuses[f"{name} {status // 100}xx" if 100 <= status <= 599 else f"{name} other"] += 1
        if 500 <= status <= 599 and name in ("HTTP", "FHIR", "Socket.IO", "PDF", "DICOM"):
            figure.fault(f"{name} {number}: answered {status}")
        if time.monotonic() - began > 30:
            figure.fault(f"{name} {number}: took {time.monotonic() - began:.0f} s")

    async def work() -> None:
        """Each takes the next one: nobody waits for who is slow."""
        nonlocal taken
        while taken < INPUTS and not bound.is_over and not within.site.ended():
            number, taken = seed * 10**7 + taken, taken + 1
            if not taken % BATCH:
                await strangers.come_in()
            (name,) = random.Random(number).choices(names, shares)
            await one(number, name, strangers.doors[name][1])
            by_door[name] += 1

    taken = 0
    try:
        await strangers.come_in()
        await strangers.rehearse()
        bound = Bound(*SECONDS)
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        figure.tried = by_door.total()
    finally:
        await sandbox.close()
    figure.found |= {**by_door, "answers": ", ".join(f"{name}: {count}" for name, count in sorted(statuses.items()))}


def main() -> list[Figure]:
    """The figure of one run."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return [asyncio.run(prove(Path(folder)))]


if __name__ == "__main__":
    run(main)
