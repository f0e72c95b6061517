"""What several associations of one sender bring at the same time is filed together."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from teleconsult.accounts.actor import Actor
from teleconsult.imaging.receiving import Arrival, Received, Receiver

LOT: Final = 50


@dataclass(slots=True)
class _Turn:
    """One sender's: files that wait, and who files them."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[tuple[Received, asyncio.Future[Arrival]]] = field(default_factory=list)


class Lots:
    """Whoever's turn it is files everything that waits by then. Nobody waits for a lot to fill."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._turns: defaultdict[Hashable, _Turn] = defaultdict(_Turn)

    async def file(self, actor: Actor, sender: Hashable, file: Received) -> Arrival:
        """What became of the file, once that is committed. Raises as `receive_arrived`."""
        turn = self._turns[sender]
        future: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        mine = file, future
        turn.waiting.append(mine)
        try:
            async with turn.lock:
                while not future.done():
                    lot, turn.waiting = turn.waiting[:LOT], turn.waiting[LOT:]
                    await self._file(actor, lot)
        finally:
            if mine in turn.waiting:  # given up before its turn
                turn.waiting.remove(mine)
        return future.result()

    async def _file(self, actor: Actor, lot: list[tuple[Received, asyncio.Future[Arrival]]]) -> None:
        """File a lot; what goes wrong goes wrong for all of it. One that was given up meanwhile is nobody's loss."""
        try:
            arrivals = await self._receiver.receive_arrived(actor, files=[file for file, _future in lot])
        except BaseException as error:
            for _file, future in lot:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else ConnectionAbortedError())
                    future.exception()  # whoever gave up does not ask
            raise
        for (_file, future), arrival in zip(lot, arrivals, strict=True):
            if not future.done():
                future.set_result(arrival)
