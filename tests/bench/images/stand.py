"""Where both archives stand, empty and ready, and how much is asked of them."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import text

from teleconsult.access import Purpose
from teleconsult.db import transaction
from teleconsult.patients.models import Patient
from tests.bench.images.measuring import Side
from tests.bench.images.orthanc import Orthanc, orthanc
from tests.bench.running import Installation, installation

Act = Callable[[Side, int], Awaitable[float]]
_SETTLED_WITHIN: Final = 600
_DUE: Final = text(
    "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
    " and (scheduled_at is null or scheduled_at <= now())"
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of what is measured; as the goals are set."""

    runs: int = 5
    slices: int = 400
    """Of a study: 210 MB."""
    studies: int = 500
    archive: int = 100_000
    asked: int = 200
    """How often the archive is asked each question."""
    cine_frames: int = 300
    streams: int = 8
    every: int = 1
    """Of the published files, one in so many."""

    @classmethod
    def quick(cls) -> "Sizes":
        """Enough to see that each row works; the ratios mean little."""
        return cls(runs=1, slices=20, studies=40, archive=2000, asked=10, cine_frames=30, streams=2, every=8)


@dataclass(frozen=True, slots=True)
class Stand:
    """Both archives, and a folder for files."""

    running: Installation
    peer: Orthanc
    folder: Path
    sizes: Sizes
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def patient(self) -> Patient:
        """Whose all images are."""
        return self.running.cast.patient

    async def in_turn(self, act: Act, *, runs: int = 0) -> list[float]:
        """The median of what `act(side, run)` tells, of ours and of theirs; who begins changes with every run.

        Run 0 warms up and does not count: there are `runs` after it. What one leaves for later is done before the
        other is asked.
        """
        sides = await self.sides()
        told: dict[str, list[float]] = {side.name: [] for side in sides}
        for run in range((runs or self.sizes.runs) + 1):
            for side in sides if run % 2 == 0 else sides[::-1]:
                told[side.name].append(await act(side, run))
                await self.settled()
        return [statistics.median(told[side.name][1:]) for side in sides]

    async def settled(self) -> None:
        """Wait until no job of ours is left that is due."""
        end = time.monotonic() + _SETTLED_WITHIN
        while time.monotonic() < end:
            async with transaction(self.running.sessions) as session:
                if not await session.scalar(_DUE):
                    return
            await asyncio.sleep(0.1)
        raise TimeoutError("jobs are still at work")

    def number(self) -> int:
        """One that no study, series or instance has yet."""
        return next(self._numbers)

    async def sides(self) -> list[Side]:
        """Ours, with a new token, and Orthanc."""
        bearer = await self.running.bearer(Purpose.IMAGES)
        ours = Side("ours", f"{self.running.site.url}/dicomweb", bearer)
        return [ours, Side("Orthanc", self.peer.dicomweb)]


@asynccontextmanager
async def stand(sizes: Sizes) -> AsyncIterator[Stand]:
    """Both, new."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-bench-") as folder:
        async with installation() as running:
            with orthanc(Path(folder) / "orthanc") as peer:
                yield Stand(running, peer, Path(folder), sizes)
