"""Waiting for what comes by itself: no longer than it takes, and long before it is given up, for machines are slow."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy import text

from teleconsult.db import Sessions

PATIENCE: Final = 30.0  # seconds


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    """Whether it comes true within half a minute: what is done after everyone has been told, or by another process."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return True
        await asyncio.sleep(0.02)
    return False


async def is_one_held_up(sessions: Sessions) -> bool:
    """Whether somebody at the database waits for what another transaction holds."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with sessions() as session:
        return bool(await session.scalar(text(waiting)))
