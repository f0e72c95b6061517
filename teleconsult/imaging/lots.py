"""What one sender brings at the same time, by whatever connections, is filed together in one transaction."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from teleconsult.accounts.actor import Actor
from teleconsult.imaging.actions import Instance, Outcome

MOST: Final = 200
"""Instances of one transaction, unless one share alone has more."""

Settled = asyncio.Future[None]
"""Done when the disk holds the objects of a share, or failed."""
Take = Callable[[Actor, Sequence[Instance], Collection[Settled]], Awaitable[list[Outcome]]]
Forget = Callable[[uuid.UUID | None, Sequence[str]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Share:
    """What one request or association brings now."""

    actor: Actor
    instances: Sequence[Instance]
    settled: Settled
    future: asyncio.Future[list[Outcome]]


@dataclass(slots=True)
class _Turn:
    """One establishment's: what waits, and the task that files it."""

    waiting: list[_Share] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Lots:
    """One establishment's images are filed one lot after the other, each with all that waits by then.

    Nobody waits for a lot to fill. `take` files instances in one transaction, committed once all their objects are
    settled. `forget` is given an establishment and the keys of objects that were not used: of every share, and all
    where it failed or was given up. It deletes only what no row names: a transaction that failed may have been
    committed, its answer lost, and the share that is then filed again finds itself.
    """

    def __init__(self, take: Take, forget: Forget) -> None:
        self._take, self._forget = take, forget
        self._turns: defaultdict[uuid.UUID | None, _Turn] = defaultdict(_Turn)

    async def file(self, actor: Actor, instances: Sequence[Instance], settled: Settled) -> list[Outcome]:
        """What became of each, once that is committed. Raises as `take`.

        Given up before its turn, nothing of it stays; given up later, it is filed all the same.
        """
        turn = self._turns[actor.organization_id]
        share = _Share(actor, instances, settled, asyncio.get_running_loop().create_future())
        turn.waiting.append(share)
        if turn.task is None or turn.task.done():
            turn.task = asyncio.create_task(self._work(turn))
        try:
            return await asyncio.shield(share.future)
        except asyncio.CancelledError:
            if share in turn.waiting:
                turn.waiting.remove(share)
                await self._let_go(share)
            raise

    async def _work(self, turn: _Turn) -> None:
        while turn.waiting:
            lot = [turn.waiting.pop(0)]
            room = MOST - len(lot[0].instances)
            while turn.waiting and turn.waiting[0].actor == lot[0].actor and len(turn.waiting[0].instances) <= room:
                room -= len(turn.waiting[0].instances)
                lot.append(turn.waiting.pop(0))
            await self._file(lot)

    async def _file(self, lot: Sequence[_Share]) -> None:
        """File a lot. Where that fails, each share by itself: one must not spoil the others'."""
        instances = [instance for share in lot for instance in share.instances]
        try:
            outcomes = iter(await self._take(lot[0].actor, instances, {share.settled for share in lot}))
        except Exception as error:
            if len(lot) > 1:
                for share in lot:
                    await self._file([share])
                return
            await self._let_go(lot[0])
            _tell(lot[0], error)
            return
        except BaseException:  # the process is ending
            for share in lot:
                await self._let_go(share)
                _tell(share, ConnectionAbortedError())
            raise
        for share in lot:
            own = [next(outcomes) for _instance in share.instances]
            await self._let_go(share, used={outcome.object_key for outcome in own})
            if not share.future.done():
                share.future.set_result(own)

    async def _let_go(self, share: _Share, *, used: Collection[str | None] = ()) -> None:
        unused = [one.object_key for one in share.instances if one.object_key not in used]
        if unused:
            await asyncio.wait({share.settled})
            await self._forget(share.actor.organization_id, unused)


def _tell(share: _Share, error: Exception) -> None:
    if not share.future.done():
        share.future.set_exception(error)
        share.future.exception()  # whoever gave up does not ask
