"""A synchronous standby is promoted, its primary killed (`kill -9`), while the app is at work.

`python -m tests.proof.failover`: two PostgreSQL on loopback, one address for both (`target_session_attrs=read-write`).
What was answered for is there after each; printed is how long nothing could be written.
"""

import asyncio
import random
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from migrations import migrate
from tests.mllp_peers import accepts, mllp_peer
from tests.proof.acts import Case
from tests.proof.cluster import Cluster
from tests.proof.figures import Bound, Figure, limit, run
from tests.proof.killed_app import Nursery
from tests.proof.killed_postgresql import is_done
from tests.proof.place import Place, in_the_end, is_delivered, look, place

PROMOTIONS: Final = int(limit(10, 200))
SECONDS: Final = 75.0, 6 * 3600.0
LIVES: Final = 2.0
"""Seconds a primary lives before it is killed, at most."""
AHEAD: Final = 3
"""Cases the app is given at a time; what it did not come to, the next one goes on with."""
WRITES: Final = "select pg_notify('proof', '')"


async def prove(folder: Path) -> Figure:
    """Promote until there were enough, or the time is over; let the work end; look."""
    figure = Figure("standby promoted under load", PROMOTIONS, "promotions")
    first, second = Cluster(folder / "first"), Cluster(folder / "second")
    first.create()
    first.start()
    try:
        urls = first.prepare()
        migrate(urls.owner)
        both = first.urls(second)
        await asyncio.to_thread(second.follow, first)
        async with mllp_peer(accepts) as peer, place(both, folder / "data", peer) as where:
            nursery = Nursery(where)
            try:
                with (folder / "app.log").open("wb") as log:
                    await nursery.open(await where.next_case(), log=log.fileno())
                await _promote(where, nursery, (first, second), figure)
                if not await in_the_end(lambda: is_delivered(where)):
                    figure.fault("not everything was delivered in the end")
            finally:
                await nursery.close()
            await look(where, nursery.answered, peer, figure)
    finally:
        first.kill()
        second.kill()
    return figure


async def _promote(where: Place, nursery: Nursery, pair: tuple[Cluster, Cluster], figure: Figure) -> None:
    chance, waits, left = random.Random(), list[float](), list[Case]()
    primary, standby = pair
    bound = Bound(*SECONDS)
    while figure.tried < PROMOTIONS and not bound.is_over:
        left = [case for case in left if not nursery.has_done(case)]
        left += [await where.next_case() for _ in range(AHEAD - len(left))]
        await asyncio.to_thread(primary.settle)
        if not await in_the_end(primary.is_followed):
            figure.fault("the standby never followed")
            return
        await nursery.begin(left)
        await asyncio.sleep(chance.uniform(0, LIVES))
        began = time.monotonic()
        await asyncio.to_thread(primary.kill)
        await asyncio.to_thread(standby.promote)
        waits.append(await asyncio.to_thread(_until_written, where.settings.database_url or "", began))
        figure.tried += 1
        await asyncio.to_thread(primary.clear)
        await asyncio.to_thread(primary.follow, standby)
        primary, standby = standby, primary
        if figure.tried < PROMOTIONS and not bound.is_over:
            await nursery.kill()
    if not await in_the_end(partial(is_done, nursery, left)):
        figure.fault("the app did not end its work in the end")
    figure.found["seconds until it could be written again, at most"] = round(max(waits, default=0.0), 1)


def _until_written(url: str, began: float) -> float:
    """Seconds since the primary was killed."""
    while True:
        try:
            with psycopg.connect(url, connect_timeout=2) as connection:
                connection.execute(WRITES)
                return time.monotonic() - began
        except psycopg.Error:
            time.sleep(0.05)


def main() -> list[Figure]:
    """The figure of one run."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return [asyncio.run(prove(Path(folder)))]


if __name__ == "__main__":
    run(main)
