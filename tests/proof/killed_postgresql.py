"""`kill -9` of PostgreSQL, the postmaster and all its children, while the app brings images, books, signs and delivers.

`python -m tests.proof.killed_postgresql`: the app lives on; what it answered for is there, once and whole, after each
recovery. The disk is waited for (`fsync` on), as the product demands.
"""

import asyncio
import random
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

from migrations import migrate
from tests.mllp_peers import accepts, mllp_peer
from tests.proof.acts import Case
from tests.proof.cluster import Cluster
from tests.proof.figures import Bound, Figure, limit, run
from tests.proof.killed_app import FIRST, Nursery, next_life
from tests.proof.place import Place, in_the_end, is_delivered, look, place

KILLS: Final = int(limit(100, 2_000))
SECONDS: Final = 90.0, 6 * 3600.0
AHEAD: Final = 8
"""Cases that are made before anything is killed: who makes them would have to try again, too."""


async def prove(folder: Path) -> Figure:
    """Kill until there were enough, the work is done, or the time is over; let the work end; look."""
    figure = Figure("kill -9 of PostgreSQL during sign, deliver, book, upload", KILLS, "kills")
    cluster = Cluster(folder / "postgresql")
    cluster.create()
    cluster.start()
    try:
        urls = cluster.prepare()
        migrate(urls.owner)
        async with mllp_peer(accepts) as peer, place(urls, folder / "data", peer) as where:
            nursery = Nursery(where)
            try:
                with (folder / "app.log").open("wb") as log:
                    await nursery.open(await where.next_case(), log=log.fileno())
                await _kill(where, nursery, cluster, figure)
                if not await in_the_end(lambda: is_delivered(where)):
                    figure.fault("not everything was delivered in the end")
            finally:
                await nursery.close()
            await look(where, nursery.answered, peer, figure)
    finally:
        cluster.kill()
    return figure


async def _kill(where: Place, nursery: Nursery, cluster: Cluster, figure: Figure) -> None:
    """The same process works on through all kills of a round; between two rounds new cases are made."""
    bound, chance, slowest, lives, answered = None, random.Random(), 0.0, FIRST, 0
    while figure.tried < KILLS and not (bound and bound.is_over):
        cases = [await where.next_case() for _ in range(AHEAD)]
        await asyncio.to_thread(cluster.settle)
        bound = bound or Bound(*SECONDS)
        await nursery.begin(cases)
        ends = partial(is_done, nursery, cases)
        while not ends() and figure.tried < KILLS and not bound.is_over:
            await asyncio.sleep(chance.uniform(0, lives))
            lives, answered = next_life(lives, len(nursery.answered) > answered), len(nursery.answered)
            began = time.monotonic()
            await asyncio.to_thread(cluster.kill)
            await asyncio.to_thread(cluster.start)
            slowest = max(slowest, time.monotonic() - began)
            figure.tried += 1
        if not await in_the_end(ends):
            figure.fault("the app did not end its work in the end")
        if figure.tried < KILLS and not bound.is_over:
            await nursery.kill()
    figure.found["seconds until it took connections again, at most"] = round(slowest, 1)


def is_done(nursery: Nursery, cases: list[Case]) -> bool:
    """Whether every act of every case was answered for."""
    return all(map(nursery.has_done, cases))


def main() -> list[Figure]:
    """The figure of one run."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return [asyncio.run(prove(Path(folder)))]


if __name__ == "__main__":
    run(main)
