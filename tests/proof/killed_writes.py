"""`kill -9` of the app before every statement and every write of each act: what is left is nothing, or all of it.

`python -m tests.proof.killed_writes`: as `failed_writes`, but the process ends there, without a farewell. Another one
does the act afterwards, on what the dead one left. A short run tries as many as there is time for, by chance.
"""

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Final

from migrations import migrate
from teleconsult.embedded import embedded_postgresql
from tests.mllp_peers import accepts, mllp_peer
from tests.proof.failed_writes import Standing, State, due_again
from tests.proof.failing import Kind
from tests.proof.figures import Bound, Figure, run
from tests.proof.killed_app import Nursery
from tests.proof.nursery import FAILED
from tests.proof.place import Place, in_the_end, place

SECONDS: Final = 5.0, 1800.0
"""For the statements of an act, and again for its writes; one of each is tried on the slowest machine."""
NEVER: Final = 1_000_000
ACTS: Final = (
    ("bring", Kind.STATEMENT),
    ("bring", Kind.WRITE),
    ("book", Kind.STATEMENT),
    ("sign", Kind.STATEMENT),
    ("sign", Kind.WRITE),
    ("deliver", Kind.STATEMENT),
)
"""Booking and delivering write no file."""


Standings = tuple[State, tuple[int, ...], tuple[int, ...]]
"""How an act stands; where nothing was done; where all was."""


async def prove(folder: Path) -> list[Figure]:
    """Each act, killed at each of its points, or at as many as there is time for."""
    with embedded_postgresql(folder) as urls:
        migrate(urls.owner)
        async with mllp_peer(accepts) as peer, place(urls, folder / "data", peer) as where:
            standing = Standing(where)
            states: dict[str, Standings] = {
                "bring": (standing.brought, (0, 0), (1, 1)),
                "book": (standing.booked, (0, 0, 0), (1, 1, 1)),
                "sign": (standing.signed, (0, 0, 0, 0, 0), (1, 2, 1, 1, 1)),
                "deliver": (standing.filed, (0, 0), (2, 1)),
            }
            nursery = Nursery(where)
            try:
                with (folder / "app.log").open("wb") as log:
                    await nursery.open(await where.next_case(), log=log.fileno())
                return [await _kill(where, nursery, verb, kind, states[verb]) for verb, kind in ACTS]
            finally:
                await nursery.close()


async def _kill(where: Place, nursery: Nursery, verb: str, kind: Kind, standing: Standings) -> Figure:
    state, nothing, whole = standing
    figure = Figure(f"{verb}: killed before each of its {kind.value}", 0, "killed")
    ran = await nursery.die(await where.next_case(), (verb, kind, NEVER))
    if not ran or ran == FAILED:
        figure.fault("it ended or failed where nothing killed it")
        return figure
    figure.wanted, bound, case = ran, Bound(*SECONDS), await where.next_case()
    for number in random.sample(range(1, ran + 1), ran):
        if bound.is_over and figure.tried:
            break
        if verb == "deliver":
            await due_again(where)
        survived = await nursery.die(case, (verb, kind, number))
        figure.tried += survived is None
        if survived == FAILED:
            figure.fault(f"it failed instead of being killed before {number} of {kind.value}")
        stands = await state(case)
        if stands not in (nothing, whole):
            figure.fault(f"half a state after {number} of {kind.value}: {stands}")
        if survived not in (None, FAILED) and stands != whole:
            figure.fault(f"answered for, and not there after {number} of {kind.value}: {stands}")
        if stands != nothing:
            case = await where.next_case()

    async def is_done() -> bool:
        if verb == "deliver":
            await due_again(where)
        await nursery.die(case, (verb, kind, NEVER))
        return await state(case) == whole

    if not await in_the_end(is_done):
        figure.fault("another process did not come through with it")
    return figure


def main() -> list[Figure]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return asyncio.run(prove(Path(folder)))


if __name__ == "__main__":
    run(main)
