"""One kept message, opened by a person: its segments and fields as they came, numbered as the standard numbers them."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, undefer

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import hl7_messages_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.hl7v2.models import Hl7Message
from teleconsult.hl7v2.reading import Fault, decoded

MOST_SEGMENTS: Final = 200
MOST_FIELDS: Final = 100
"""Of one segment."""
LONGEST_SHOWN: Final = 400
"""Characters of one field; a document sent within one is not for reading here."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that holds something: `PID-3`, and its text with all separators."""

    place: str
    text: str
    length: int
    """Of all of it, in characters."""

    @property
    def is_cut(self) -> bool:
        """Whether there is more of it."""
        return self.length > len(self.text)


@dataclass(frozen=True, slots=True)
class Line:
    """One segment."""

    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """What is shown of a message."""

    lines: tuple[Line, ...]
    is_cut: bool
    """Whether there are more segments, or more fields of one."""


async def open_message(session: AsyncSession, actor: Actor, *, message_id: uuid.UUID) -> Hl7Message:
    """A message of the actor's establishment with its content; that it was read is kept.

    Raises NotFound for any other's, and for who administers nothing.
    """
    require(actor, Permission.ADMINISTRATION)
    message: Hl7Message | None = await session.scalar(
        select(Hl7Message)
        .where(Hl7Message.id == message_id, hl7_messages_of_house(actor))
        .options(joinedload(Hl7Message.sender), undefer(Hl7Message.content))
        .execution_options(populate_existing=True)
    )
    if message is None:
        raise NotFound
    audit.record(session, actor, "hl7-message-read", message)
    return message


def text_of(content: bytes) -> Text:
    """The message's segments, one after the other, as far as a person reads; escapes stand as they came."""
    try:
        text = decoded(content)
    except Fault:  # it names a character set that is not its own
        text = content.decode("iso8859-1")
    segments = [line for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r") if line.strip()]
    separator = segments[0][3:4] if segments else ""
    lines = [_line(segment, separator) for segment in segments[:MOST_SEGMENTS]]
    is_cut = len(segments) > MOST_SEGMENTS or any(
        segment.count(separator or "|") > MOST_FIELDS for segment in segments[:MOST_SEGMENTS]
    )
    return Text(tuple(lines), is_cut)


def _line(segment: str, separator: str) -> Line:
    name, *rest = segment.split(separator or "|")
    numbered = _of_header(rest, separator) if name == "MSH" else enumerate(rest[:MOST_FIELDS], start=1)
    return Line(
        name[:LONGEST_SHOWN],
        tuple(Field(f"{name}-{at}", text[:LONGEST_SHOWN], len(text)) for at, text in numbered if text),
    )


def _of_header(rest: list[str], separator: str) -> Iterator[tuple[int, str]]:
    """MSH-1 is the separator itself (HL7 v2.5.1 §2.14.9.1)."""
    yield 1, separator
    yield from enumerate(rest[:MOST_FIELDS], start=2)
