"""Every column that names an object, and what its row knows of the bytes."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import cast, func, select, union_all
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from teleconsult.encounters.models import ChatMessage
from teleconsult.encounters.recording_models import RecordingFile
from teleconsult.imaging.models import ImagingInstance, ImagingRendition
from teleconsult.notes.evidence_models import NoteEvidence
from teleconsult.notes.models import Composition
from teleconsult.received.models import ReceivedMessage
from teleconsult.records.documents import key_of
from teleconsult.records.models import RecordEntry

Column = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A column of keys; with the columns that hold SHA-256 and size in bytes of each object, where there are such."""

    key: Column
    sha256: Column | None = None
    size: Column | None = None

    @property
    def name(self) -> str:
        """Table and column."""
        return f"{self.key.class_.__tablename__}.{self.key.key}"

    @property
    def id(self) -> Column:
        """The row's."""
        column: Column = self.key.class_.id
        return column


SOURCES: Final = (
    Source(Composition.pdf_object_key, Composition.pdf_sha256),
    Source(Composition.bundle_object_key, Composition.bundle_sha256),
    Source(NoteEvidence.object_key, NoteEvidence.sha256, NoteEvidence.size),
    Source(ImagingInstance.object_key, ImagingInstance.sha256, ImagingInstance.size),
    Source(RecordingFile.object_key, RecordingFile.sha256),
    Source(ChatMessage.file_key, None, ChatMessage.file_size),
    Source(ChatMessage.preview_key),
    Source(ReceivedMessage.object_key),
    Source(ImagingRendition.object_key),
)
"""In the order in which they are read: what cannot be made again comes first."""
PASSING: Final = frozenset({"composition.shown_object_key", "mailbox_import.object_key"})
"""Named, and gone by itself: what the author of a draft was shown last, and a file of addresses once it was read."""
_WITHIN: Final = cast("$[*].object_key", JSONPATH)
"""Where a received message names the documents it came with."""


@dataclass(frozen=True, slots=True)
class Named:
    """An object as its row names it."""

    row_id: uuid.UUID
    key: str
    sha256: bytes | None
    size: int | None


async def named_after(session: AsyncSession, source: Source, after: uuid.UUID | None, most: int) -> Sequence[Named]:
    """The next rows of a source that name an object, by their ids."""
    columns = [source.id.label("row_id"), source.key.label("key")]
    told = (("sha256", source.sha256), ("size", source.size))
    columns += [column.label(name) for name, column in told if column is not None]
    query = select(*columns).where(source.key.is_not(None), source.key != "").order_by(source.id).limit(most)
    rows = await session.execute(query.where(source.id > after) if after else query)
    return [Named(row.row_id, row.key, getattr(row, "sha256", None), getattr(row, "size", None)) for row in rows]


async def is_named(session: AsyncSession, source: Source, named: Named) -> bool:
    """Whether the row still names it, with the same hash."""
    query = select(source.key).where(source.id == named.row_id, source.key == named.key)
    if source.sha256 is not None:
        query = query.where(source.sha256 == named.sha256)
    return await session.scalar(query) is not None


async def keys_named(session: AsyncSession, keys: Collection[str]) -> set[str]:
    """Those of `keys`, a few hundred, that any row names."""
    wanted = list(keys)
    queries = [select(source.key).where(source.key.in_(wanted)) for source in SOURCES]
    found = set((await session.scalars(union_all(*queries))).all())
    inner = (await session.scalars(select(func.jsonb_path_query(ReceivedMessage.documents, _WITHIN)))).all()
    found |= {key for key in inner if key in keys}
    entries = {key: uuid.UUID(key.split("/")[-1][:32]) for key in wanted if key.startswith("documents/")}
    there = set((await session.scalars(select(RecordEntry.id).where(RecordEntry.id.in_(entries.values())))).all())
    return found | {key for key, entry in entries.items() if entry in there and key.startswith(key_of(entry))}
