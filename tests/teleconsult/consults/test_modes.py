"""The same request by video or in writing, and the words that go back and forth meanwhile."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.answering import accept_consult, decline_consult
from teleconsult.consults.conversing import conversation_of, send_message
from teleconsult.consults.models import ConsultMode, ServiceRequest, TaskStatus
from teleconsult.consults.modes import change_mode
from teleconsult.consults.queries import consult_for
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.states import ConsultState, Verb, may, state_of
from teleconsult.consults.worklists import coordinator_board
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.notes.drafting import open_note
from teleconsult.scheduling.booking import propose_time
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps
from tests.people import Cast


async def advising(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """Asked for in writing, and accepted."""
    draft = await consult_steps.drafted(cast, sessions)
    asked = replace(consult_steps.request(cast), mode=ConsultMode.ADVICE)
    async with transaction(sessions, cast.rural) as session:
        await submit_request(session, cast.rural, consult_id=draft.id, request=asked)
    async with transaction(sessions, cast.specialist) as session:
        return await accept_consult(session, cast.specialist, consult_id=draft.id)


async def test_written_advice_needs_no_time(cast: Cast, sessions: Sessions) -> None:
    consult = await advising(cast, sessions)
    assert (state_of(consult), consult.appointment) == (ConsultState.ADVISING, None)
    assert consult.task
    assert consult.task.status is TaskStatus.IN_PROGRESS
    async with transaction(sessions, cast.specialist) as session:
        await open_note(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions, cast.coordinator) as session:
        assert [one.id for one in await coordinator_board(session, cast.coordinator)] == [consult.id]
        with pytest.raises(Forbidden):
            await propose_time(session, cast.specialist, consult_id=consult.id, starts_at=consult.updated_at)
    async with transaction(sessions, cast.specialist) as session:
        await decline_consult(session, cast.specialist, consult_id=consult.id, reason="Away")
    async with transaction(sessions, cast.coordinator) as session:
        back = await consult_for(session, cast.coordinator, consult.id)
        assert state_of(back) is ConsultState.DECLINED
        with pytest.raises(Refused, match="in writing"):
            await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=consult.updated_at)


async def test_the_mode_changes_and_nothing_is_asked_anew(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        written = await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.ADVICE)
        assert state_of(written) is ConsultState.ADVISING
        assert await session.scalar(select(Appointment.status)) is AppointmentStatus.CANCELLED
    for _ in range(2):
        async with transaction(sessions, cast.specialist) as session:
            again = await change_mode(session, cast.specialist, consult_id=consult.id, mode=ConsultMode.VIDEO)
            assert (state_of(again), again.question) == (ConsultState.ACCEPTED, consult.question)
    async with transaction(sessions, cast.coordinator) as session:
        found = await consult_for(session, cast.coordinator, consult.id)
        assert found.appointment is None
        assert may(found, cast.coordinator, Verb.PROPOSE_TIME)
    async with transaction(sessions) as session:
        audited = select(func.count()).where(AuditEvent.action == "mode-changed", AuditEvent.entity_id == consult.id)
        assert await session.scalar(audited) == 2


async def test_who_may_not_change_it_and_to_what(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid):
            await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.EMERGENCY)
        for nobody in (cast.oncall, cast.stranger):
            with pytest.raises(NotFound):
                await change_mode(session, nobody, consult_id=consult.id, mode=ConsultMode.ADVICE)
        draft = await consult_steps.drafted(cast, sessions)
        with pytest.raises(Refused):
            await change_mode(session, cast.rural, consult_id=draft.id, mode=ConsultMode.ADVICE)


async def test_questions_go_back_and_forth(cast: Cast, sessions: Sessions) -> None:
    consult = await advising(cast, sessions)
    for actor, text in ((cast.specialist, "Any fever?"), (cast.rural, "None.")):
        async with transaction(sessions, actor) as session:
            await send_message(session, actor, consult_id=consult.id, text=text)
    async with transaction(sessions, cast.specialist) as session:
        said = await conversation_of(session, cast.specialist, consult)
        assert [one.text for one in said] == ["Any fever?", "None."]
    async with transaction(sessions, cast.coordinator) as session:
        assert await conversation_of(session, cast.coordinator, consult) == []
    async with transaction(sessions) as session:
        with pytest.raises(Forbidden):
            await send_message(session, cast.coordinator, consult_id=consult.id, text="Hello")
        with pytest.raises(NotFound):
            await send_message(session, cast.stranger, consult_id=consult.id, text="Hello")
        with pytest.raises(Invalid):
            await send_message(session, cast.rural, consult_id=consult.id, text="\n")
        audited = select(func.count()).where(AuditEvent.action == "message-sent", AuditEvent.entity_id == consult.id)
        assert await session.scalar(audited) == 2
    waiting = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await send_message(session, cast.rural, consult_id=waiting.id, text="Hello")
