"""What thin links need of the images that came, made beforehand: the newest study first, a lot of it at once.

The files are opened in the sandbox, behind everything else on the machine. What is made of a lot stands in one object
a kind. A file that cannot be read is noted once; what was interrupted is made again, and nothing twice.
"""

import asyncio
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.entering import count_anew
from teleconsult.imaging.filming import film_soon, hold_study
from teleconsult.imaging.models import ImagingInstance, ImagingRendition, ImagingSeries, RenditionKind
from teleconsult.imaging.packs import Record, append, has_content
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.renditions import Originals
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.imaging.sandbox.messages import Message
from teleconsult.objects import Objects, new_key

MOST_INSTANCES: Final = 100
"""Of a lot."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""With the instance that makes a pack so large, a lot ends."""
MOST_FRAMES: Final = 6000
LARGEST_PACK: Final = 1024 * 1024 * 1024
"""Of one instance no more is made than that: what a file claims need not be true, nor worth it."""
WORKERS: Final = 2
_SWEPT: Final = "upload-"
"""How folders begin that the server removes after a day, where a process was killed over them."""
_PIXELS_AT_ONCE: Final = 8 * 1024 * 1024
_FRAMES_AT_ONCE: Final = 32
"""Of one question to the sandbox, whose answer is held in memory."""
_SECONDS: Final = 60
"""For one question, on the clock: the workers stand behind everything else."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An instance of which nothing was made yet; sides in pixels."""

    id: uuid.UUID
    study_id: uuid.UUID
    sha256: bytes
    object_key: str
    frames: int
    rows: int
    columns: int

    @property
    def middle(self) -> int:
        """The frame it is recognised by, from 0."""
        return (self.frames + 1) // 2 - 1

    @property
    def step(self) -> int:
        """How many of its frames one question is about."""
        return min(max(_PIXELS_AT_ONCE // max(self.rows * self.columns, 1), 1), _FRAMES_AT_ONCE)


@dataclass(slots=True)
class _Lot:
    """What was made of some instances, in temporary files."""

    packs: dict[RenditionKind, IO[bytes]]
    entries: dict[tuple[uuid.UUID, RenditionKind], bytes] = field(default_factory=dict)
    refusals: dict[uuid.UUID, Refusal] = field(default_factory=dict)
    done: list[Waiting] = field(default_factory=list)

    def add(self, one: Waiting, answer: Message) -> None:
        at = 0
        for kind, told in answer.head.items():
            records = []
            for head, length in told:
                records.append(Record(head, answer.body[at : at + length]))
                at += length
            place = one.id, RenditionKind(kind)
            self.entries[place] = self.entries.get(place, b"") + append(self.packs[place[1]], records)

    @property
    def size(self) -> int:
        """Of the largest pack, in bytes."""
        return max(pack.tell() for pack in self.packs.values())

    def rows_of(self, one: Waiting, keys: dict[RenditionKind, str]) -> Iterator[ImagingRendition]:
        """Of the kinds that could be made; a refusal where not even one picture could."""
        for kind in self.packs:
            entries, refusal = self.entries.get((one.id, kind), b""), ""
            if not has_content(entries):
                if kind is not RenditionKind.PREVIEW or not one.frames:
                    continue
                entries, refusal = b"", self.refusals.get(one.id, Refusal.DAMAGED).value
            yield ImagingRendition(
                id=uuid.uuid4(),
                imaging_instance_id=one.id,
                kind=kind,
                object_key="" if refusal else keys[kind],
                entries=entries,
                refusal=refusal,
                source_sha256=one.sha256,
                created_at=now(),
            )


class Preparer:
    """Makes what thin links need of instances that wait for it."""

    def __init__(self, *, sessions: Sessions, objects: Objects, sandbox: Sandbox, data: Path) -> None:
        """`data` is the folder for copies of files and for packs on their way."""
        self._sessions, self._objects, self._sandbox = sessions, objects, sandbox
        self._originals, self._folder = Originals(objects, data / "cache" / "originals"), data / "tmp"

    async def prepare_lot(self) -> list[uuid.UUID]:
        """The instances that were dealt with: some of the study that came last. Empty where none waits."""
        waiting = await self._newest()
        if not waiting:
            return []
        async with transaction(self._sessions, SYSTEM) as session:
            await count_anew(session, waiting[0].study_id)
        self._folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=_SWEPT, dir=self._folder) as folder,
            ExitStack() as files,
        ):
            kinds = (kind for kind in RenditionKind if kind is not RenditionKind.CINE)
            lot = _Lot({kind: files.enter_context((Path(folder) / kind).open("wb")) for kind in kinds})
            left = iter(waiting)
            try:
                async with asyncio.TaskGroup() as group:
                    for _worker in range(WORKERS):
                        group.create_task(self._fill(lot, left))
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from failed
            await self._keep(lot)
        return [one.id for one in lot.done]

    async def _newest(self) -> list[Waiting]:
        async with transaction(self._sessions, SYSTEM) as session:
            latest = (
                select(ImagingSeries.imaging_study_id)
                .join(ImagingInstance, ImagingInstance.imaging_series_id == ImagingSeries.id)
                .where(ImagingInstance.prepared_at.is_(None))
                .order_by(ImagingInstance.created_at.desc())
                .limit(1)
            )
            study_id = await session.scalar(latest)
            found = await session.execute(
                select(
                    *(ImagingInstance.id, ImagingSeries.imaging_study_id, ImagingInstance.sha256),
                    *(ImagingInstance.object_key, ImagingInstance.frames),
                    *(ImagingInstance.rows, ImagingInstance.columns),
                )
                .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
                .where(ImagingSeries.imaging_study_id == study_id, ImagingInstance.prepared_at.is_(None))
                .order_by(ImagingSeries.number, ImagingSeries.id, ImagingInstance.number)
                .limit(MOST_INSTANCES)
            )
            return [Waiting(*row) for row in found]

    async def _fill(self, lot: _Lot, left: Iterator[Waiting]) -> None:
        for one in left:
            await self._make(lot, one)
            lot.done.append(one)
            if lot.size > MOST_BYTES:
                return

    async def _make(self, lot: _Lot, one: Waiting) -> None:
        try:
            path = await self._originals.path_of(one)
            frames = min(one.frames, MOST_FRAMES)
            for first in range(0, frames, one.step):
                count = min(one.step, frames - first)
                wanted = {"first": first, "count": count, "middle": one.middle}
                lot.add(one, await self._sandbox.ask("made", path, seconds=_SECONDS, **wanted))
                if lot.size > LARGEST_PACK:
                    return
        except Unreadable as error:
            lot.refusals[one.id] = error.refusal
        except (NotFound, LookupError, TypeError, ValueError):  # a file may make a worker say anything; next, please
            lot.refusals[one.id] = Refusal.DAMAGED

    async def _keep(self, lot: _Lot) -> None:
        """Put the packs, then enter them; what is not entered does not stay."""
        keys: dict[RenditionKind, str] = {}
        used: set[str] = set()
        try:
            for kind, pack in lot.packs.items():
                if pack.tell():
                    pack.flush()
                    keys[kind] = new_key("rendition")
                    await self._objects.put(keys[kind], Path(pack.name))
            async with transaction(self._sessions, SYSTEM) as session:
                entered = await self._enter(session, lot, keys)
            used = entered
        finally:
            for key in keys.values():
                if key not in used:
                    await self._objects.delete(key)

    async def _enter(self, session: AsyncSession, lot: _Lot, keys: dict[RenditionKind, str]) -> set[str]:
        waiting = await _still_waiting(session, lot.done)
        rows = [row for one in lot.done if one.id in waiting for row in lot.rows_of(one, keys)]
        session.add_all(rows)
        await session.execute(update(ImagingInstance).where(ImagingInstance.id.in_(waiting)).values(prepared_at=now()))
        await film_soon(session, waiting)
        return {row.object_key for row in rows}


async def _still_waiting(session: AsyncSession, instances: Sequence[Waiting]) -> set[uuid.UUID]:
    """Those that were neither removed nor prepared meanwhile, locked. They are of one study."""
    if not await hold_study(session, instances[0].study_id):
        return set()
    found = await session.scalars(
        select(ImagingInstance.id)
        .where(ImagingInstance.id.in_([one.id for one in instances]), ImagingInstance.prepared_at.is_(None))
        .with_for_update()
    )
    return set(found)
