"""Templates and phrases: a specialist's own, and those of all specialists of their establishment."""

import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import access, audit
from teleconsult.access import Permission, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import Specialty
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.notes.content import SECTIONS, clean_sections
from teleconsult.notes.writing_models import NotePhrase, NoteTemplate

MOST: Final = 300
"""Of each kind that one has at hand."""
NAME_LIMIT: Final = 80
TEXT_LIMIT: Final = 2_000
SHORTCUT: Final = re.compile(r"[^\W_][\w-]{0,19}")


@dataclass(frozen=True, slots=True)
class TemplateText:
    """What a template says, as typed. Without a specialty it is for every request."""

    name: str
    specialty: Specialty | None
    sections: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PhraseText:
    """What a phrase says, as typed."""

    shortcut: str
    text: str


async def templates_at_hand(
    session: AsyncSession, actor: Actor, *, specialty: str | None = None
) -> Sequence[NoteTemplate]:
    """Those the actor may use, by name; of one `specialty` and those for every request where it is given."""
    query = select(NoteTemplate).where(rows.note_templates(actor))
    if specialty is not None:
        query = query.where((NoteTemplate.specialty == specialty) | NoteTemplate.specialty.is_(None))
    return (await session.scalars(query.order_by(func.lower(NoteTemplate.name), NoteTemplate.id).limit(MOST))).all()


async def phrases_at_hand(session: AsyncSession, actor: Actor) -> Sequence[NotePhrase]:
    """Those the actor may use, by shortcut; one's own before that of the establishment with the same."""
    return (
        await session.scalars(
            select(NotePhrase)
            .where(rows.note_phrases(actor))
            .order_by(NotePhrase.shortcut, NotePhrase.practitioner_role_id.nulls_last())
            .limit(MOST)
        )
    ).all()


async def template_for(session: AsyncSession, actor: Actor, template_id: uuid.UUID) -> NoteTemplate:
    """One the actor may use and change. Raises NotFound."""
    found = await session.scalar(
        select(NoteTemplate).where(NoteTemplate.id == template_id, rows.note_templates(actor)).with_for_update()
    )
    if found is None:
        raise NotFound
    return found


async def phrase_for(session: AsyncSession, actor: Actor, phrase_id: uuid.UUID) -> NotePhrase:
    """One the actor may use and change. Raises NotFound."""
    found = await session.scalar(
        select(NotePhrase).where(NotePhrase.id == phrase_id, rows.note_phrases(actor)).with_for_update()
    )
    if found is None:
        raise NotFound
    return found


async def add_template(session: AsyncSession, actor: Actor, *, written: TemplateText, is_shared: bool) -> NoteTemplate:
    """Keep a new template, for all specialists of the establishment where `is_shared`.

    Raises NotFound for who writes no notes, Invalid on `name` and on the sections, Refused where there are too many.
    """
    name, sections = _clean_template(written)
    house, owner = await _whose(session, actor, NoteTemplate, is_shared=is_shared)
    template = NoteTemplate(
        id=uuid.uuid4(),
        organization_id=house,
        practitioner_role_id=owner,
        specialty=written.specialty,
        name=name,
        sections=sections,
        updated_at=now(),
    )
    session.add(template)
    audit.record(session, actor, "note-template-saved", template)
    await session.flush()
    return template


async def change_template(
    session: AsyncSession, actor: Actor, *, template_id: uuid.UUID, written: TemplateText
) -> NoteTemplate:
    """Let it say something else. Raises NotFound, and Invalid as `add_template` does."""
    template = await template_for(session, actor, template_id)
    template.name, template.sections = _clean_template(written)
    template.specialty, template.updated_at = written.specialty, now()
    audit.record(session, actor, "note-template-saved", template)
    await session.flush()
    return template


async def remove_template(session: AsyncSession, actor: Actor, *, template_id: uuid.UUID) -> None:
    """Throw it away; notes that were begun with it keep their words. Raises NotFound."""
    template = await template_for(session, actor, template_id)
    audit.record(session, actor, "note-template-removed", template)
    await session.delete(template)
    await session.flush()


async def add_phrase(session: AsyncSession, actor: Actor, *, written: PhraseText, is_shared: bool) -> NotePhrase:
    """Keep a new phrase. Raises as `add_template` does, Invalid on `shortcut` also where there is one like it."""
    shortcut, text = _clean_phrase(written)
    house, owner = await _whose(session, actor, NotePhrase, is_shared=is_shared)
    phrase = NotePhrase(
        id=uuid.uuid4(),
        organization_id=house,
        practitioner_role_id=owner,
        shortcut=shortcut,
        text=text,
        updated_at=now(),
    )
    await _refuse_taken(session, phrase)
    session.add(phrase)
    audit.record(session, actor, "note-phrase-saved", phrase)
    await session.flush()
    return phrase


async def change_phrase(
    session: AsyncSession, actor: Actor, *, phrase_id: uuid.UUID, written: PhraseText
) -> NotePhrase:
    """Let it say something else. Raises NotFound, and Invalid as `add_phrase` does."""
    phrase = await phrase_for(session, actor, phrase_id)
    shortcut, text = _clean_phrase(written)
    await _refuse_taken(session, phrase, shortcut)
    phrase.shortcut, phrase.text, phrase.updated_at = shortcut, text, now()
    audit.record(session, actor, "note-phrase-saved", phrase)
    await session.flush()
    return phrase


async def remove_phrase(session: AsyncSession, actor: Actor, *, phrase_id: uuid.UUID) -> None:
    """Throw it away. Raises NotFound."""
    phrase = await phrase_for(session, actor, phrase_id)
    audit.record(session, actor, "note-phrase-removed", phrase)
    await session.delete(phrase)
    await session.flush()


def put_below(written: str, more: str) -> str:
    """The words and, on lines of their own below, `more`: nothing that stands there is lost, or said twice."""
    more = more.strip()
    if not more or more in written:
        return written
    return f"{written.rstrip()}\n{more}" if written.strip() else more


async def _whose(
    session: AsyncSession, actor: Actor, table: type[NoteTemplate] | type[NotePhrase], *, is_shared: bool
) -> tuple[uuid.UUID, uuid.UUID | None]:
    """The establishment it is kept at, and the role it is of."""
    access.require(actor, Permission.NOTE_WRITE)
    assert actor.organization_id is not None
    at_hand = rows.note_templates(actor) if table is NoteTemplate else rows.note_phrases(actor)
    count = await session.scalar(select(func.count()).select_from(table).where(at_hand))
    if (count or 0) >= MOST:
        raise Refused("There are too many already. Remove some first.")
    return actor.organization_id, None if is_shared else actor.role_id


async def _refuse_taken(session: AsyncSession, phrase: NotePhrase, shortcut: str | None = None) -> None:
    """Two at the same moment meet at the database's index, which lets one through."""
    other = await session.scalar(
        select(NotePhrase.id).where(
            NotePhrase.organization_id == phrase.organization_id,
            NotePhrase.practitioner_role_id.is_not_distinct_from(phrase.practitioner_role_id),
            NotePhrase.shortcut == (shortcut or phrase.shortcut),
            NotePhrase.id != phrase.id,
        )
    )
    if other is not None:
        raise Invalid({"shortcut": "There is a phrase with this shortcut already."})


def _clean_template(written: TemplateText) -> tuple[str, dict[str, str]]:
    wrong: dict[str, str] = {}
    name = _plain(written.name)
    if not 0 < len(name) <= NAME_LIMIT:
        wrong["name"] = "Give it a name of up to 80 characters."
    sections = dict.fromkeys(SECTIONS, "")
    try:
        sections = clean_sections(written.sections)
    except Invalid as error:
        wrong |= error.fields
    else:
        if not any(text.strip() for text in sections.values()):
            wrong["opinion"] = "Write something in one section at least."
    if wrong:
        raise Invalid(wrong)
    return name, sections


def _clean_phrase(written: PhraseText) -> tuple[str, str]:
    wrong: dict[str, str] = {}
    shortcut = _plain(written.shortcut).removeprefix(".").lower()
    if not SHORTCUT.fullmatch(shortcut):
        wrong["shortcut"] = "Use up to 20 letters and digits, without spaces."
    text = clean_sections({"opinion": written.text[: TEXT_LIMIT + 1]})["opinion"].strip()
    if not 0 < len(text) <= TEXT_LIMIT:
        wrong["text"] = "Write up to 2,000 characters."
    if wrong:
        raise Invalid(wrong)
    return shortcut, text


def _plain(text: str) -> str:
    """One line, without what cannot be seen."""
    one_line = " ".join(unicodedata.normalize("NFC", text[:400]).split())
    return "".join(letter for letter in one_line if unicodedata.category(letter)[0] != "C")
