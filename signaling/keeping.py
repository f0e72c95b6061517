"""What is kept of calls while they run: how each line did, and that who sits there is still there.

Gathered in memory and written for all rooms of this process at once, every half a minute and at the end. While the
database is away it waits here, the newest of it.
"""

import asyncio
import contextlib
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

import structlog

from signaling.presence import Sitting
from signaling.protocol_net import Net
from teleconsult.accounts import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.attendance import confirm
from teleconsult.encounters.quality import Sample, keep_samples

EVERY: Final = 30.0
"""Seconds."""
MOST_HELD: Final = 50_000
"""Samples of all participants: what a thousand send in four minutes."""

log = structlog.get_logger(__name__)


class Keeper:
    """Of one process."""

    def __init__(self, sessions: Sessions, *, seated: Callable[[], Iterable[uuid.UUID]]) -> None:
        """`seated` says which participants sit in a room of this process now."""
        self._sessions = sessions
        self._seated = seated
        self._held: list[tuple[uuid.UUID, Sample]] = []

    async def take(self, sitting: Sitting, message: Net) -> None:
        """How somebody's line does now (a `signaling.net.Listener`)."""
        sample = Sample(
            at=now(),
            rung=message.rung,
            why=message.why,
            loss=message.loss,
            concealed=message.concealed,
            round_trip=message.round_trip,
            jitter=message.jitter,
            up=message.up,
            down=message.down,
            uplink=message.uplink,
            silent=message.silent,
            freezes=message.freezes,
        )
        if sitting.seat.participant_id is not None:
            self._held.append((sitting.seat.participant_id, sample))

    @contextlib.asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Write every half a minute inside the block."""
        task = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def write(self) -> None:
        """Write what is held. Where that fails, it is held on to."""
        held, self._held = self._held, []
        seated = list(self._seated())
        if not held and not seated:
            return
        measured: dict[uuid.UUID, list[Sample]] = defaultdict(list)
        for participant_id, sample in held:
            measured[participant_id].append(sample)
        try:
            async with transaction(self._sessions, SYSTEM) as session:
                await keep_samples(session, measured)
                await confirm(session, seated)
        except asyncio.CancelledError:  # the last writing comes after it
            self._hold(held)
            raise
        except Exception as error:
            self._hold(held)
            log.warning("keeping.not_written", error=type(error).__name__, held=len(self._held))

    def _hold(self, held: list[tuple[uuid.UUID, Sample]]) -> None:
        self._held = [*held, *self._held][-MOST_HELD:]

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.write()
