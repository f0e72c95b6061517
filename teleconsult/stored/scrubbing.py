"""Read stored objects at a bounded pace, and hold each against its row: rot is found before the object is needed.

Where the reading stands is a file in the data folder, which all workers share; one of them reads at a time.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import obstore

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.objects import Objects
from teleconsult.stored.sources import SOURCES, Named, Source, is_named, named_after

PACE: Final = 8 * 1024 * 1024
"""Bytes a second, on average: a disk that others read from hardly notices."""
AT_ONCE: Final = 50
MOST_TOLD: Final = 100
FILE: Final = "scrub.json"
MISSING, CHANGED = "missing", "changed"


@dataclass(slots=True)
class Damage:
    """An object that is not what its row says."""

    source: str
    row_id: str
    key: str
    fault: str
    found_at: str


@dataclass(slots=True)
class Round:
    """One reading of everything: how far it is, what it read, and what was found since everything was read before."""

    began_at: str = ""
    finished_at: str = ""
    place: int = 0
    after: str = ""
    objects: int = 0
    size: int = 0
    damaged: int = 0
    found: list[Damage] = field(default_factory=list)
    """Of this round, a hundred at the most."""
    before: list[Damage] = field(default_factory=list)
    """Of the round before: it stands until that place was read again."""
    read_before: str = ""
    """When everything was read for the last time."""

    @property
    def standing(self) -> list[Damage]:
        """What is damaged as far as we know."""
        names = [source.name for source in SOURCES]
        unread = [
            one
            for one in self.before
            if (names.index(one.source), one.row_id) > (self.place, self.after) and not self.finished_at
        ]
        return [*self.found, *unread]


def read_round(data: Path) -> Round:
    """What the last turn left; a new one where there is none, or it cannot be read."""
    try:
        told = json.loads((data / FILE).read_bytes())
        found, before = ([Damage(**one) for one in told.pop(name)] for name in ("found", "before"))
        return Round(**told, found=found, before=before)
    except (OSError, ValueError, TypeError, KeyError):
        return Round()


async def scrub(
    sessions: Sessions, objects: Objects, data: Path, *, pace: int = PACE, seconds: float | None = None
) -> Round:
    """Go on where the last turn stopped, for so many seconds, or to the end of the round; a finished one begins anew.

    Each damaged object is in the audit log once a round. Does nothing while somebody else is at it.
    """
    with _alone(data) as is_free:
        state = read_round(data)
        if not is_free:
            return state
        if state.finished_at or not state.began_at:
            state = Round(began_at=now().isoformat(), before=state.found, read_before=state.finished_at)
        _keep(data, state)
        end = time.monotonic() + seconds if seconds is not None else None
        pacing = _Pacing(pace)
        while state.place < len(SOURCES) and (end is None or time.monotonic() < end):
            await _turn(sessions, objects, state, pacing, end)
            _keep(data, state)
        if state.place == len(SOURCES):
            state.finished_at = now().isoformat()
            _keep(data, state)
        return state


async def scrub_when_due(sessions: Sessions, objects: Objects, data: Path, *, seconds: float, rest: timedelta) -> Round:
    """The same, but for a round that ended less than `rest` ago."""
    state = read_round(data)
    if state.finished_at and now() - datetime.fromisoformat(state.finished_at) < rest:
        return state
    return await scrub(sessions, objects, data, seconds=seconds)


async def _turn(sessions: Sessions, objects: Objects, state: Round, pacing: "_Pacing", end: float | None) -> None:
    source = SOURCES[state.place]
    async with transaction(sessions, SYSTEM) as session:
        rows = await named_after(session, source, uuid.UUID(state.after) if state.after else None, AT_ONCE)
    for named in rows:
        if end is not None and time.monotonic() >= end:
            return
        fault, size = await look(objects, named)
        if fault:
            await _tell(sessions, source, named, fault, state)
        state.objects, state.size, state.after = state.objects + 1, state.size + size, str(named.row_id)
        await pacing.wait(size)
    if len(rows) < AT_ONCE:
        state.place, state.after = state.place + 1, ""


async def look(objects: Objects, named: Named) -> tuple[str, int]:
    """What is wrong with an object (nothing, where it is as its row says), and how many bytes were read."""
    if named.sha256 is None:
        size = await objects.size_of(named.key)
        if size is None:
            return MISSING, 0
        return (CHANGED if named.size is not None and size != named.size else ""), 0
    digest, size = hashlib.sha256(), 0
    try:
        async for piece in objects.stream(named.key):
            await asyncio.to_thread(digest.update, piece)
            size += len(piece)
    except NotFound:
        return MISSING, size
    except obstore.exceptions.BaseError:
        if objects.path_of(named.key) is None:
            raise  # the store is away: that says nothing of the object
        return CHANGED, size  # a disk that says itself that it cannot read
    return (CHANGED if digest.digest() != named.sha256 else ""), size


async def _tell(sessions: Sessions, source: Source, named: Named, fault: str, state: Round) -> None:
    async with transaction(sessions, SYSTEM) as session:
        if not await is_named(session, source, named):
            return  # erased, or made anew, while we looked
        audit.record(
            session,
            SYSTEM,
            "object-damaged",
            outcome="failure",
            source=source.name,
            row=named.row_id,
            fault=fault,
        )
    state.damaged += 1
    if len(state.found) < MOST_TOLD:
        state.found.append(Damage(source.name, str(named.row_id), named.key, fault, now().isoformat()))


class _Pacing:
    """No more than so many bytes a second, over all that was read."""

    def __init__(self, pace: int) -> None:
        self._pace, self._size, self._began = pace, 0, time.monotonic()

    async def wait(self, size: int) -> None:
        """After so many more bytes."""
        self._size += size
        ahead = self._size / self._pace - (time.monotonic() - self._began)
        if ahead > 0:
            await asyncio.sleep(ahead)


@contextmanager
def _alone(data: Path) -> Iterator[bool]:
    with (data / f".{FILE}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _keep(data: Path, state: Round) -> None:
    part = data / f".{FILE}.part"
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    part.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
    part.replace(data / FILE)
