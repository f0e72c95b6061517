"""A meeting is held: one case after the other, each in its own room, with or without quorum, until it is over."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.informing import ask_for_information
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, leave_encounter
from teleconsult.encounters.models import EncounterStatus
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.meetings.jobs import relist
from teleconsult.meetings.listing import pass_to_writing, postpone_case
from teleconsult.meetings.models import CaseStatus, MeetingCase
from teleconsult.meetings.queries import standing_case
from teleconsult.meetings.running import call_case, end_meeting, next_case, note_presence
from teleconsult.notes.content import NoteContent
from teleconsult.notes.drafting import open_note, save_draft
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from tests import meeting_steps, note_steps
from tests.people import Cast


async def state(cast: Cast, sessions: Sessions, case: MeetingCase) -> ConsultState:
    async with transaction(sessions, cast.rural) as session:
        return state_of(await consult_for(session, cast.rural, case.service_request_id))


async def noted(cast: Cast, sessions: Sessions, case: MeetingCase) -> Composition:
    async with transaction(sessions, cast.specialist) as session:
        note = await open_note(session, cast.specialist, consult_id=case.service_request_id)
    async with transaction(sessions, cast.specialist) as session:
        return await save_draft(
            session, cast.specialist, note_id=note.id, version=note.version, sections={"opinion": "Operate."}
        )


async def test_two_cases_are_discussed_in_turn_and_concluded_by_signed_notes(
    cast: Cast, sessions: Sessions, signing: Signing
) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    first = await meeting_steps.listed(cast, sessions, meeting.id)
    second = await meeting_steps.listed(cast, sessions, meeting.id)
    async with transaction(sessions, cast.rural) as session:  # who asked waits in the room of her own case
        await arrive_encounter(session, cast.rural, consult_id=first.service_request_id)
    async with transaction(sessions, cast.oncall) as session:
        with pytest.raises(NotFound):  # not called yet
            await encounter_for(session, cast.oncall, first.service_request_id)
    await meeting_steps.called(cast, sessions, first, cast.specialist, cast.oncall)
    assert await state(cast, sessions, first) is ConsultState.IN_SESSION
    async with transaction(sessions, cast.oncall) as session:
        live = await encounter_for(session, cast.oncall, first.service_request_id)
        assert {seat.part for seat in live.seats} == {"requester", "specialist", "member"}
        assert live.mine.part == "member"
        assert await excerpt_for(session, cast.oncall, first.service_request_id)
        with pytest.raises(NotFound):
            await encounter_for(session, cast.oncall, second.service_request_id)
    async with transaction(sessions, cast.specialist) as session:  # the chair's going ends no case
        await leave_encounter(session, cast.specialist, consult_id=first.service_request_id, reason="left")
    assert await state(cast, sessions, first) is ConsultState.IN_SESSION
    async with transaction(sessions, cast.specialist) as session:
        case = await next_case(session, cast.specialist, meeting_id=meeting.id, after=first.id)
    assert case is not None
    assert case.id == second.id
    async with transaction(sessions, cast.specialist) as session:  # pressed twice, or in another window
        again = await next_case(session, cast.specialist, meeting_id=meeting.id, after=first.id)
        assert again is not None and again.id == second.id
    assert await state(cast, sessions, first) is ConsultState.UNSIGNED
    async with transaction(sessions, cast.oncall) as session:
        await arrive_encounter(session, cast.oncall, consult_id=second.service_request_id)
    async with transaction(sessions, cast.specialist) as session:
        await arrive_encounter(session, cast.specialist, consult_id=second.service_request_id)
    note = await noted(cast, sessions, first)
    signed = await note_steps.sign(signing, cast.specialist, note)
    assert signed.content is not None
    content = NoteContent.from_bytes(signed.content)
    assert content.meeting is not None
    assert content.meeting.has_quorum
    assert {one.name for one in content.meeting.members_present} == {"Dr Nguyễn Thị Minh", "Dr Paul Girard"}
    async with transaction(sessions, cast.specialist) as session:
        assert await next_case(session, cast.specialist, meeting_id=meeting.id, after=second.id) is None
    async with transaction(sessions, cast.specialist) as session:
        over = await end_meeting(session, cast.specialist, meeting_id=meeting.id)
        assert over.ended_at is not None
    await note_steps.sign(signing, cast.specialist, await noted(cast, sessions, second))
    assert await state(cast, sessions, second) in (ConsultState.SIGNED, ConsultState.DELIVERED)
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Refused):
            await call_case(session, cast.specialist, meeting_id=meeting.id, case_id=first.id)
    async with transaction(sessions) as session:
        actions = set(await session.scalars(select(AuditEvent.action)))
        assert {"meeting-planned", "case-listed", "case-called", "case-discussed", "meeting-ended"} <= actions


async def test_without_quorum_a_case_is_postponed_or_passed_on_and_never_concluded(
    cast: Cast, sessions: Sessions, signing: Signing
) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    in_three_days = meeting_steps.plan(cast).starts_at + timedelta(days=3)
    later = await meeting_steps.planned(cast, sessions, meeting_steps.plan(cast, starts_at=in_three_days))
    first = await meeting_steps.listed(cast, sessions, meeting.id)
    second = await meeting_steps.listed(cast, sessions, meeting.id)
    note = await noted(cast, sessions, first)
    with pytest.raises(Refused):  # not discussed
        await note_steps.sign(signing, cast.specialist, note)
    await meeting_steps.called(cast, sessions, first, cast.specialist)
    await meeting_steps.called(cast, sessions, second, cast.specialist)
    with pytest.raises(Refused):  # nobody of trauma was there
        await note_steps.sign(signing, cast.specialist, note)
    async with transaction(sessions, cast.specialist) as session:
        case = await standing_case(session, first.service_request_id)
        assert case is not None
        assert case.has_quorum is False
        await postpone_case(session, cast.specialist, meeting_id=meeting.id, case_id=first.id, reason="No quorum.")
    assert await state(cast, sessions, first) is ConsultState.ACCEPTED
    async with transaction(sessions, SYSTEM) as session:
        again = await relist(session, SYSTEM, case_id=first.id)
        assert again is not None
        assert again.meeting_id == later.id
        assert await relist(session, SYSTEM, case_id=first.id) is None
    assert await state(cast, sessions, first) is ConsultState.SCHEDULED
    async with transaction(sessions, cast.specialist) as session:
        await pass_to_writing(session, cast.specialist, meeting_id=meeting.id, case_id=second.id, reason="No quorum.")
    assert await state(cast, sessions, second) is ConsultState.ADVISING
    async with transaction(sessions) as session:
        consult = await session.get_one(ServiceRequest, second.service_request_id)
        assert consult.mode is ConsultMode.ADVICE
    signed = await note_steps.sign(signing, cast.specialist, await noted(cast, sessions, second))
    assert signed.content is not None
    assert NoteContent.from_bytes(signed.content).meeting is None  # one person's advice


async def test_who_is_seen_in_the_house_counts_and_only_the_chair_leads(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    case = await meeting_steps.listed(cast, sessions, meeting.id)
    for person, error in ((cast.oncall, Forbidden), (cast.stranger, NotFound), (cast.rural, NotFound)):
        async with transaction(sessions, person) as session:
            with pytest.raises(error):
                await call_case(session, person, meeting_id=meeting.id, case_id=case.id)
    assert cast.oncall.role_id is not None
    await meeting_steps.called(cast, sessions, case, cast.specialist)
    async with transaction(sessions, cast.specialist) as session:
        await note_presence(session, cast.specialist, meeting_id=meeting.id, role_ids=frozenset({cast.oncall.role_id}))
    async with transaction(sessions, cast.specialist) as session:
        await end_meeting(session, cast.specialist, meeting_id=meeting.id)
    async with transaction(sessions, cast.specialist) as session:
        found = await standing_case(session, case.service_request_id)
        assert found is not None
        assert found.status is CaseStatus.DISCUSSED
        assert found.has_quorum


async def test_a_case_that_was_not_reached_waits_for_the_next_meeting(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    first = await meeting_steps.listed(cast, sessions, meeting.id)
    second = await meeting_steps.listed(cast, sessions, meeting.id)
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Refused):
            await end_meeting(session, cast.specialist, meeting_id=meeting.id)
    await meeting_steps.called(cast, sessions, first, cast.specialist, cast.oncall)
    async with transaction(sessions, cast.specialist) as session:
        await end_meeting(session, cast.specialist, meeting_id=meeting.id)
    assert await state(cast, sessions, second) is ConsultState.ACCEPTED
    async with transaction(sessions) as session:
        left = await session.get_one(MeetingCase, second.id)
        assert left.status is CaseStatus.POSTPONED
        assert left.reason
    async with transaction(sessions, cast.oncall) as session:  # a member does not lead, then neither
        with pytest.raises(Forbidden):
            await postpone_case(session, cast.oncall, meeting_id=meeting.id, case_id=first.id, reason="No quorum.")
    async with transaction(sessions, cast.oncall) as session:  # off the list, out of sight
        with pytest.raises(NotFound):
            await consult_for(session, cast.oncall, second.service_request_id)
        found = await consult_for(session, cast.oncall, first.service_request_id)
        assert found.appointment is not None
        assert found.appointment.encounter is not None
        assert found.appointment.encounter.status is EncounterStatus.IN_PROGRESS


async def test_a_case_that_waits_for_information_is_passed_over(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    first = await meeting_steps.listed(cast, sessions, meeting.id)
    second = await meeting_steps.listed(cast, sessions, meeting.id)
    async with transaction(sessions, cast.coordinator) as session:
        await ask_for_information(session, cast.coordinator, consult_id=first.service_request_id, text="Which arm?")
    async with transaction(sessions, cast.specialist) as session:
        case = await next_case(session, cast.specialist, meeting_id=meeting.id)
    assert case is not None
    assert case.id == second.id
