"""Writing the note: who begins it, who sees it, two tabs at once, what cannot be kept."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.answering import accept_consult, decline_consult
from teleconsult.consults.queries import consult_for
from teleconsult.consults.redirecting import redirect_consult
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from teleconsult.notes.content import SECTIONS
from teleconsult.notes.drafting import open_note, save_draft
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import note_for
from tests import consult_steps, note_steps
from tests.people import Cast, another_neurologist


async def test_the_specialist_who_accepted_begins_it_once(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    notes = []
    for _ in range(2):
        async with transaction(sessions) as session:
            notes.append(await open_note(session, cast.specialist, consult_id=consult.id))
    assert notes[0].id == notes[1].id
    assert notes[0].status is CompositionStatus.PRELIMINARY
    assert notes[0].sections == dict.fromkeys(SECTIONS, "")
    async with sessions() as session:
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "note-drafted")))
    assert [event.patient_id for event in events] == [cast.patient.id]


async def test_nobody_else_begins_it(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    for actor, error in (
        (cast.rural, Forbidden),
        (cast.coordinator, Forbidden),
        (cast.oncall, NotFound),
        (cast.colleague, NotFound),
        (cast.stranger, NotFound),
    ):
        async with transaction(sessions) as session:
            with pytest.raises(error):
                await open_note(session, actor, consult_id=consult.id)


@pytest.mark.parametrize("lost", ["declined", "redirected", "redirected by the desk"])
async def test_who_takes_it_over_writes_their_own(cast: Cast, sessions: Sessions, lost: str) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        left = await open_note(session, cast.specialist, consult_id=consult.id)
    actor, then = (cast.coordinator if lost == "redirected by the desk" else cast.specialist), cast.oncall
    async with transaction(sessions) as session:
        if lost == "declined":
            then = await another_neurologist(session, cast)
    async with transaction(sessions, actor) as session:
        if lost == "declined":
            await decline_consult(session, actor, consult_id=consult.id, reason="On leave")
        else:
            await redirect_consult(
                session, actor, consult_id=consult.id, service_id=cast.trauma.id, reason="A fracture"
            )
    async with transaction(sessions, then) as session:
        await accept_consult(session, then, consult_id=consult.id)
        mine = await open_note(session, then, consult_id=consult.id)
        assert (mine.author_role_id, mine.id == left.id) == (then.role_id, False)
        assert state_of(await consult_for(session, then, consult.id)) is ConsultState.ACCEPTED
        with pytest.raises(NotFound):
            await note_for(session, then, left.id)
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(NotFound):
            await save_draft(session, cast.specialist, note_id=left.id, version=1, sections={"plan": "Mine"})


async def test_who_gets_it_back_finds_their_words(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    opened = []
    async with transaction(sessions, cast.specialist) as session:
        opened.append((await open_note(session, cast.specialist, consult_id=consult.id)).id)
        await decline_consult(session, cast.specialist, consult_id=consult.id, reason="On leave")
    async with transaction(sessions, cast.specialist) as session:
        await accept_consult(session, cast.specialist, consult_id=consult.id)
        opened.append((await open_note(session, cast.specialist, consult_id=consult.id)).id)
    assert opened[0] == opened[1]


async def test_not_before_the_consult_is_accepted_nor_after_it_is_cancelled(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises((Refused, Forbidden)):
            await open_note(session, cast.specialist, consult_id=consult.id)
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="Transferred")
    async with transaction(sessions) as session:
        with pytest.raises((Refused, NotFound, Forbidden)):
            await open_note(session, cast.specialist, consult_id=consult.id)


async def test_a_save_keeps_the_other_sections(cast: Cast, sessions: Sessions) -> None:
    draft = await note_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        note = await save_draft(
            session, cast.specialist, note_id=draft.note.id, version=2, sections={"plan": "Rest\r\nWater\0"}
        )
    assert note.version == 3
    assert note.sections == dict.fromkeys(SECTIONS, "") | {"opinion": note_steps.OPINION, "plan": "Rest\nWater"}


async def test_a_second_tab_notices_and_nothing_is_lost(cast: Cast, sessions: Sessions) -> None:
    draft = await note_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Conflict):
            await save_draft(
                session, cast.specialist, note_id=draft.note.id, version=1, sections={"opinion": "Other words"}
            )
    async with transaction(sessions) as session:  # the same words again are no conflict: an answer was lost on the way
        note = await save_draft(
            session, cast.specialist, note_id=draft.note.id, version=1, sections={"opinion": note_steps.OPINION}
        )
    assert (note.version, note.sections["opinion"]) == (2, note_steps.OPINION)


async def test_a_draft_exists_for_its_author_alone(cast: Cast, sessions: Sessions) -> None:
    draft = await note_steps.drafted(cast, sessions)
    for actor in (cast.rural, cast.colleague, cast.coordinator, cast.oncall, cast.admin, cast.stranger):
        async with transaction(sessions) as session:
            with pytest.raises(NotFound):
                await note_for(session, actor, draft.note.id)
        async with transaction(sessions) as session:
            with pytest.raises(NotFound):
                await save_draft(session, actor, note_id=draft.note.id, version=2, sections={"opinion": "Mine now"})
    async with sessions() as session:
        assert (await session.get_one(Composition, draft.note.id)).sections["opinion"] == note_steps.OPINION


async def test_what_cannot_be_kept_is_named(cast: Cast, sessions: Sessions) -> None:
    draft = await note_steps.drafted(cast, sessions)
    for sections in ({"opinion": "x" * 10_001}, {"secret": "x"}):
        async with transaction(sessions) as session:
            with pytest.raises(Invalid):
                await save_draft(session, cast.specialist, note_id=draft.note.id, version=2, sections=sections)
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await save_draft(session, cast.specialist, note_id=uuid.uuid4(), version=1, sections={})
