"""Processes that read images and print notes outlive the test that began them: starting one costs more than most tests.

Real ones, of the product: only their end waits for the end of all tests. Whatever was at work when its test let go of
it ends as it always does.
"""

import asyncio
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import pytest

from teleconsult.documents.press import Press
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.imaging.sandbox.pool import _Worker

MOST: Final = 2
"""Idle workers of one kind; each holds some 80 MB."""

_start, _close = Sandbox._start, Sandbox.close
_begin, _end = Press.__init__, Press.close


class KeptProcesses:
    """What lies idle between two tests."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._workers: dict[tuple[int, float, int], list[_Worker]] = defaultdict(list)
        self._printing: list[ProcessPoolExecutor] = []

    def lend(self, patch: pytest.MonkeyPatch) -> None:
        """From now on every sandbox and every press begins with what another one left."""
        kept = self

        async def start(sandbox: Sandbox) -> _Worker:
            idle = kept._like(sandbox)
            while idle:
                if (worker := idle.pop()).is_alive:
                    return worker
            return await _start(sandbox)

        async def close(sandbox: Sandbox) -> None:
            idle = kept._like(sandbox)
            while not sandbox._idle.empty() and len(idle) < MOST:
                worker = sandbox._idle.get_nowait()
                if worker is not None and worker.is_alive:
                    idle.append(worker)
            await _close(sandbox)

        def begin(press: Press) -> None:
            _begin(press)
            if kept._printing:
                press._pool = kept._printing.pop()

        def end(press: Press) -> None:
            pool = press._pool
            if pool is not None and not kept._printing and not pool._broken and not pool._pending_work_items:
                kept._printing.append(pool)
                press._pool = None
            _end(press)

        patch.setattr(Sandbox, "_start", start)
        patch.setattr(Sandbox, "close", close)
        patch.setattr(Press, "__init__", begin)
        patch.setattr(Press, "close", end)

    async def end(self) -> None:
        """End them all."""
        for worker in (worker for idle in self._workers.values() for worker in idle):
            await worker.end()
        for pool in self._printing:
            pool.shutdown(wait=False)

    def _like(self, sandbox: Sandbox) -> list[_Worker]:
        """Those with the same limits; none for a sandbox of another event loop, whose pipes they could not read."""
        if asyncio.get_running_loop() is not self._loop:
            return []
        return self._workers[sandbox._memory, sandbox._seconds, sandbox._niceness]


def of_its_own(patch: pytest.MonkeyPatch) -> None:
    """Let a test see a process start, and end with who began it."""
    patch.setattr(Sandbox, "_start", _start)
    patch.setattr(Sandbox, "close", _close)
    patch.setattr(Press, "__init__", _begin)
    patch.setattr(Press, "close", _end)
