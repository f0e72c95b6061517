"""Earlier words of a draft: when they are kept, how deep, for whom, taken back, and gone with the signature."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, NotFound, Refused
from teleconsult.notes.drafting import save_draft, take_back
from teleconsult.notes.earlier import MOST_KEPT, earlier_words
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from teleconsult.notes.writing_models import NoteDraftVersion
from tests import note_steps
from tests.note_steps import Drafted
from tests.people import Cast


async def test_of_one_stretch_of_writing_one_is_kept_and_of_words_taken_away_each(
    cast: Cast, sessions: Sessions
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    written = note_steps.OPINION
    async with transaction(sessions, cast.specialist) as session:
        for version, more in enumerate((" One.", " One. Two.", " One. Two. Three."), start=2):
            await _save(session, cast, draft, version, opinion=written + more)
        await _save(session, cast, draft, 5, opinion="Gone")
        kept = [(one.version, one.sections["opinion"]) for one in await _earlier(session, cast, draft)]
    assert kept == [(5, f"{written} One. Two. Three."), (2, written)]
    async with transaction(sessions) as session:  # a minute later
        await session.execute(
            text("update note_draft_version set written_at = :then"), {"then": now() - timedelta(minutes=1)}
        )
    async with transaction(sessions, cast.specialist) as session:
        await _save(session, cast, draft, 6, opinion="Gone on")
        latest, *_rest = await _earlier(session, cast, draft)
        assert latest.sections["opinion"] == "Gone"


async def test_no_more_than_forty_are_kept(cast: Cast, sessions: Sessions) -> None:
    draft = await note_steps.drafted(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        for version in range(2, MOST_KEPT + 6):
            await save_draft(
                session,
                cast.specialist,
                note_id=draft.note.id,
                version=version,
                sections={"plan": str(version)},
                is_turn=True,
            )
        kept = await _earlier(session, cast, draft)
    assert [one.version for one in kept] == list(range(MOST_KEPT + 5, 5, -1))


async def test_words_are_taken_back_and_those_that_stood_there_are_kept(cast: Cast, sessions: Sessions) -> None:
    draft = await note_steps.drafted(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        await _save(session, cast, draft, 2, opinion="New", plan="Rest")
        with pytest.raises(NotFound):
            await take_back(session, cast.specialist, note_id=draft.note.id, earlier=7, version=3)
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Conflict):
            await take_back(session, cast.specialist, note_id=draft.note.id, earlier=2, version=2)
    async with transaction(sessions, cast.specialist) as session:
        note = await take_back(session, cast.specialist, note_id=draft.note.id, earlier=2, version=3)
        assert (note.sections["opinion"], note.sections["plan"], note.version) == (note_steps.OPINION, "", 4)
        assert [one.sections["opinion"] for one in await _earlier(session, cast, draft)] == ["New", note_steps.OPINION]


async def test_nobody_but_the_author_looks_at_them(cast: Cast, sessions: Sessions) -> None:
    draft = await note_steps.drafted(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        await _save(session, cast, draft, 2, opinion="New")
    for actor in (cast.rural, cast.colleague, cast.coordinator, cast.oncall, cast.admin, cast.stranger):
        async with transaction(sessions, actor) as session:
            with pytest.raises(NotFound):
                await earlier_words(session, actor, note_id=draft.note.id)
            with pytest.raises(NotFound):
                await take_back(session, actor, note_id=draft.note.id, earlier=2, version=3)
            # The database's own wall, with no condition of ours.
            for table in ("note_draft_version", "composition"):
                assert await session.scalar(text(f"select count(*) from {table}")) == 0, (actor.name, table)


async def test_they_go_with_the_signature(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    async with transaction(signing.sessions, cast.specialist) as session:
        note = await _save(session, cast, draft, 2, opinion="Signed words")
        assert await session.scalar(select(func.count()).select_from(NoteDraftVersion)) == 1
    await note_steps.sign(signing, cast.specialist, note)
    async with transaction(signing.sessions, cast.specialist) as session:
        assert await session.scalar(select(func.count()).select_from(NoteDraftVersion)) == 0
        with pytest.raises((NotFound, Refused)):
            await take_back(session, cast.specialist, note_id=note.id, earlier=2, version=note.version)


async def _save(session: AsyncSession, cast: Cast, draft: Drafted, version: int, **sections: str) -> Composition:
    return await save_draft(session, cast.specialist, note_id=draft.note.id, version=version, sections=sections)


async def _earlier(session: AsyncSession, cast: Cast, draft: Drafted) -> Sequence[NoteDraftVersion]:
    return await earlier_words(session, cast.specialist, note_id=draft.note.id)
