"""What several associations bring at once is filed together, and each is told what became of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.errors import NotFound
from teleconsult.imaging.dimse.lots import LOT, Lots
from teleconsult.imaging.receiving import Arrival, Received, Receiver
from teleconsult.imaging.refusals import Refusal

Filing = Callable[[Sequence[Received]], Awaitable[list[Arrival]]]


class Filed(Receiver):
    """A way in that remembers which lots came by, and does with each what the test says."""

    def __init__(self, filing: Filing) -> None:
        self.lots: list[list[str]] = []
        self._filing = filing

    async def receive_arrived(
        self, actor: Actor, *, files: Sequence[Received], study_uid: str | None = None
    ) -> list[Arrival]:
        self.lots.append([file.name for file in files])
        return await self._filing(files)


async def told(files: Sequence[Received]) -> list[Arrival]:
    await asyncio.sleep(0.01)
    return [Arrival(None if int(file.name) % 2 else Refusal.DAMAGED) for file in files]


def file(number: int) -> Received:
    return Received(str(number), Path(str(number)))


async def test_they_are_filed_together_while_one_is_at_it() -> None:
    receiver = Filed(told)
    lots = Lots(receiver)
    arrivals = await asyncio.gather(*(lots.file(SYSTEM, "CT1", file(number)) for number in range(LOT + 5)))
    assert [arrival.refusal is None for arrival in arrivals] == [bool(number % 2) for number in range(LOT + 5)]
    assert [len(lot) for lot in receiver.lots] == [1, LOT, 4], "the first does not wait"
    assert sorted(int(name) for lot in receiver.lots for name in lot) == list(range(LOT + 5))


async def test_senders_do_not_wait_for_each_other() -> None:
    receiver = Filed(told)
    lots = Lots(receiver)
    await asyncio.gather(lots.file(SYSTEM, "CT1", file(1)), lots.file(SYSTEM, "CT2", file(2)))
    assert sorted(receiver.lots) == [["1"], ["2"]]


async def test_what_goes_wrong_is_told_to_all_of_the_lot_and_the_next_is_filed() -> None:
    async def fail(_files: Sequence[Received]) -> list[Arrival]:
        raise NotFound

    receiver = Filed(fail)
    lots = Lots(receiver)
    outcomes = await asyncio.gather(
        *(lots.file(SYSTEM, "CT1", file(number)) for number in range(3)), return_exceptions=True
    )
    assert all(isinstance(outcome, NotFound) for outcome in outcomes)
    receiver._filing = told
    assert (await lots.file(SYSTEM, "CT1", file(1))).refusal is None


async def test_one_that_is_given_up_is_not_filed_later() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(files: Sequence[Received]) -> list[Arrival]:
        begun.set()
        await go_on.wait()
        return await told(files)

    receiver = Filed(wait)
    lots = Lots(receiver)
    first = asyncio.create_task(lots.file(SYSTEM, "CT1", file(1)))
    await begun.wait()
    second = asyncio.create_task(lots.file(SYSTEM, "CT1", file(2)))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    assert (await first).refusal is None
    assert receiver.lots == [["1"]]
