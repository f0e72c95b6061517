"""What a sender brings by several connections at once is filed together, and each is told what became of its own."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from unittest.mock import create_autospec

import pytest

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.errors import NotFound
from teleconsult.imaging.actions import Instance, Outcome
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.lots import MOST, Lots, Settled
from teleconsult.imaging.refusals import Refusal

HERE = replace(SYSTEM, organization_id=uuid.UUID(int=1), name="CT1")
NEXT_DOOR = replace(HERE, name="CT2")
ELSEWHERE = replace(HERE, organization_id=uuid.UUID(int=2))
HEADER = create_autospec(InstanceHeader, instance=True)


class Filing:
    """Remembers which lots came by, and does with each what the test says."""

    def __init__(self, filing: Callable[[Sequence[Instance]], Awaitable[list[Outcome]]]) -> None:
        self.lots: list[list[str]] = []
        self.forgotten: list[str] = []
        self.filing = filing
        self.settled: list[Settled] = []
        self.is_disk_slow = False
        self.filed = Lots(self.take, self.forget)

    async def take(self, _actor: Actor, instances: Sequence[Instance], settled: Collection[Settled]) -> list[Outcome]:
        self.lots.append([instance.name for instance in instances])
        outcomes = await self.filing(instances)
        await asyncio.gather(*settled)
        return outcomes

    async def forget(self, _house: uuid.UUID | None, keys: Sequence[str]) -> None:
        self.forgotten += keys

    async def file(self, *numbers: int, actor: Actor = HERE) -> list[Outcome]:
        settled: Settled = asyncio.get_running_loop().create_future()
        self.settled.append(settled)
        if not self.is_disk_slow:
            settled.set_result(None)
        return await self.filed.file(actor, [instance(number) for number in numbers], settled)


def instance(number: int) -> Instance:
    return Instance(str(number), HEADER, 1, b"", f"key {number}")


async def told(instances: Sequence[Instance]) -> list[Outcome]:
    """The odd ones are stored."""
    await asyncio.sleep(0.01)
    return [
        Outcome(one.name, None, one.object_key) if int(one.name) % 2 else Outcome(one.name, Refusal.DAMAGED)
        for one in instances
    ]


async def test_they_are_filed_together_while_one_is_at_it() -> None:
    here = Filing(told)
    outcomes = await asyncio.gather(*(here.file(number) for number in range(MOST + 5)))
    assert [one.refusal is None for (one,) in outcomes] == [bool(number % 2) for number in range(MOST + 5)]
    assert [len(lot) for lot in here.lots] == [MOST, 5]
    assert set(here.forgotten) == {f"key {number}" for number in range(0, MOST + 5, 2)}, "what was not used"


async def test_a_lot_is_of_one_sender_and_establishments_do_not_wait_for_each_other() -> None:
    here = Filing(told)
    await asyncio.gather(*(here.file(1), here.file(2, 4), here.file(3, actor=NEXT_DOOR), here.file(5, actor=ELSEWHERE)))
    assert here.lots == [["1", "2", "4"], ["5"], ["3"]]


async def test_one_that_cannot_be_filed_does_not_spoil_the_others() -> None:
    async def fail_for_two(instances: Sequence[Instance]) -> list[Outcome]:
        if "2" in [one.name for one in instances]:
            raise NotFound
        return await told(instances)

    here = Filing(fail_for_two)
    first, second, third = await asyncio.gather(here.file(1), here.file(2), here.file(3), return_exceptions=True)
    assert isinstance(second, NotFound)
    assert [one[0].refusal for one in (first, third) if isinstance(one, list)] == [None, None]
    assert here.forgotten == ["key 2"]
    assert (await here.file(5))[0].refusal is None


async def test_one_that_is_given_up_is_not_filed_later_and_nothing_of_it_stays() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(instances: Sequence[Instance]) -> list[Outcome]:
        begun.set()
        await go_on.wait()
        return await told(instances)

    here = Filing(wait)
    first = asyncio.create_task(here.file(1))
    await begun.wait()
    second = asyncio.create_task(here.file(3))
    await asyncio.sleep(0)
    for task in (first, second):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    go_on.set()
    assert (await here.file(5))[0].refusal is None
    assert here.lots == [["1"], ["5"]]
    assert here.forgotten == ["key 3"], "the first was being filed: it stays"


async def test_what_the_disk_does_not_hold_is_filed_for_nobody_and_the_others_are() -> None:
    here = Filing(told)
    here.is_disk_slow = True
    tasks = [asyncio.create_task(here.file(number)) for number in (1, 3, 5)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in tasks), "nobody is told before the disk holds theirs"
    for settled, error in zip(here.settled, (None, OSError(), None), strict=True):
        settled.set_exception(error) if error else settled.set_result(None)
    first, second, third = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(second, OSError)
    assert [one[0].object_key for one in (first, third) if isinstance(one, list)] == ["key 1", "key 5"]
    assert here.forgotten == ["key 3"]
