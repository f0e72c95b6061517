"""The other end of a check of somebody's link: takes what their browser sends, and gives its sound back.

The browser reckons by itself what its uplink carries, from when each packet arrived; the sound that comes back tells it
of the way down.
"""

import asyncio
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from signaling.media.forwarder import BadOffer, Forwarder, LineState, Wanted
from signaling.media.offering import read_offer

__all__ = ["BadOffer", "Full", "Probes"]

LIFE: Final = 20.0
"""Seconds a connection is kept at the most."""
MOST: Final = 20
"""Connections of one process at a time."""
MOST_EACH: Final = 5
"""Of one person: every way through is tried, one after the other. A newer one takes the place of the oldest."""


class Full(Exception):
    """So many are being checked that one more would be measured wrong."""


@dataclass(frozen=True, slots=True)
class _Probe:
    whose: Hashable
    forwarder: Forwarder
    end: asyncio.TimerHandle


class Probes:
    """Those of one process."""

    def __init__(
        self, *, life: float = LIFE, most: int = MOST, make_forwarder: Callable[..., Forwarder] = Forwarder
    ) -> None:
        self._life, self._most, self._make_forwarder = life, most, make_forwarder
        self._probes: dict[uuid.UUID, _Probe] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many there are now."""
        return len(self._probes)

    async def answer(self, offer: str, *, whose: Hashable) -> str:
        """Our answer to an offer (SDP), and a connection that waits for it. Raises BadOffer and Full."""
        wanted = [one for one in read_offer(offer).sections.values() if not one.is_up and one.kind == "audio"]
        mine = [pid for pid, probe in self._probes.items() if probe.whose == whose]
        if len(mine) >= MOST_EACH:
            self._end(mine[0])
        elif len(self._probes) >= self._most:
            raise Full
        pid = uuid.uuid4()
        forwarder = self._make_forwarder(line_changed=self._line_changed)
        end = asyncio.get_running_loop().call_later(self._life, self._end, pid)
        self._probes[pid] = _Probe(whose, forwarder, end)
        try:
            return await forwarder.offer(pid, offer, {one.mid: Wanted(pid, "audio") for one in wanted})
        except BaseException:
            self._end(pid)
            raise

    async def close(self) -> None:
        """End all of them."""
        for pid in list(self._probes):
            self._end(pid)
        if self._closing:
            await asyncio.wait(self._closing)

    def _line_changed(self, pid: uuid.UUID, state: LineState) -> None:
        if state is not LineState.CONNECTED:
            self._end(pid)

    def _end(self, pid: uuid.UUID) -> None:
        probe = self._probes.pop(pid, None)
        if probe is not None:
            probe.end.cancel()
            task = asyncio.create_task(probe.forwarder.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
