"""A request that waits becomes an emergency, and back: the same request, and nothing of it is typed again."""

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.informing import ask_for_information
from teleconsult.consults.models import ConsultMode, RequestPriority, ServiceRequest
from teleconsult.consults.modes import change_mode
from teleconsult.consults.queries import consult_for
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.emergencies.answering import answer_emergency, note_rung
from teleconsult.emergencies.escalating import calm_consult, escalate_consult
from teleconsult.emergencies.models import Emergency
from teleconsult.emergencies.queries import emergency_of, ringing
from teleconsult.emergencies.times import Moment, times_of
from teleconsult.encounters.actions import arrive_encounter
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.figures.reckoning import figures
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps
from tests.emergency_steps import on_duty, pages, pressed, step
from tests.people import Cast

OCCASIONS_OWED = text(
    "select args ->> 'occasion' from procrastinate_jobs where task_name = 'tell_people' and args ->> 'consult_id' = :id"
)


async def escalated(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> Emergency:
    async with transaction(sessions, cast.rural) as session:
        return await escalate_consult(session, cast.rural, consult_id=consult.id)


async def calmed(cast: Cast, sessions: Sessions, consult: ServiceRequest, mode: ConsultMode) -> ServiceRequest:
    async with transaction(sessions, cast.rural) as session:
        return await calm_consult(session, cast.rural, consult_id=consult.id, mode=mode)


async def test_a_booked_request_rings_who_accepted_first_then_who_is_on_duty(cast: Cast, sessions: Sessions) -> None:
    await on_duty(sessions, cast.neurology, cast.specialist)
    consult = await consult_steps.booked(cast, sessions)
    emergency = await escalated(cast, sessions, consult)
    async with transaction(sessions, cast.rural) as session:
        found = await consult_for(session, cast.rural, consult.id)
        assert (state_of(found), found.priority) == (ConsultState.EMERGENCY, RequestPriority.STAT)
        assert (found.number, found.question) == (consult.number, consult.question)
        assert (await encounter_for(session, cast.rural, consult.id)).is_open
        assert consult.appointment is not None
        given_up = select(Appointment.status).where(Appointment.id == consult.appointment.id)
        assert await session.scalar(given_up) is AppointmentStatus.CANCELLED
        assert "ConsultEmergencyRaised" in await session.scalars(OCCASIONS_OWED, {"id": str(consult.id)})
    assert [page.practitioner_role_id for page in await pages(sessions, emergency)] == [cast.specialist.role_id]
    async with transaction(sessions, cast.specialist) as session:
        assert [one.consult.id for one in await ringing(session, cast.specialist)] == [consult.id]
        await answer_emergency(session, cast.specialist, emergency_id=emergency.id)
    async with transaction(sessions, cast.specialist) as session:
        assert state_of(await consult_for(session, cast.specialist, consult.id)) is ConsultState.IN_SESSION
    async with transaction(sessions) as session:
        acts = (await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == consult.id))).all()
        assert acts.count("consult-escalated") == 1


async def test_whoever_accepted_and_does_not_come_is_followed_by_who_is_on_duty(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    emergency = await escalated(cast, sessions, consult)
    await step(sessions, emergency)
    assert [page.practitioner_role_id for page in await pages(sessions, emergency)] == [
        cast.specialist.role_id,
        cast.coordinator.role_id,
    ]


async def test_advice_in_writing_and_what_waits_for_words_become_emergencies(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    asked = replace(consult_steps.request(cast), mode=ConsultMode.ADVICE)
    async with transaction(sessions, cast.rural) as session:
        await submit_request(session, cast.rural, consult_id=draft.id, request=asked)
    async with transaction(sessions, cast.specialist) as session:
        advising = await accept_consult(session, cast.specialist, consult_id=draft.id)
    waiting = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        await ask_for_information(session, cast.coordinator, consult_id=waiting.id, text="Which dose?")
    for consult in (advising, waiting):
        await escalated(cast, sessions, consult)
        async with transaction(sessions, cast.rural) as session:
            assert state_of(await consult_for(session, cast.rural, consult.id)) is ConsultState.EMERGENCY


@pytest.mark.parametrize("mode", [ConsultMode.VIDEO, ConsultMode.ADVICE, ConsultMode.MEETING])
async def test_an_emergency_that_is_none_waits_like_any_request(
    cast: Cast, sessions: Sessions, mode: ConsultMode
) -> None:
    await on_duty(sessions, cast.neurology, cast.specialist)
    consult = await consult_steps.submitted(cast, sessions)
    emergency = await escalated(cast, sessions, consult)
    back = await calmed(cast, sessions, consult, mode)
    assert (state_of(back), back.mode, back.priority) == (ConsultState.SUBMITTED, mode, RequestPriority.URGENT)
    async with transaction(sessions, cast.specialist) as session:
        assert await ringing(session, cast.specialist) == ()
        with pytest.raises(NotFound):
            await encounter_for(session, cast.rural, consult.id)
        with pytest.raises(Refused):
            await answer_emergency(session, cast.specialist, emergency_id=emergency.id)
    async with transaction(sessions, cast.rural) as session:
        assert "ConsultModeChanged" in await session.scalars(OCCASIONS_OWED, {"id": str(consult.id)})


async def test_an_emergency_that_is_one_again_counts_from_the_second_press(cast: Cast, sessions: Sessions) -> None:
    await on_duty(sessions, cast.neurology, cast.specialist)
    consult = await consult_steps.submitted(cast, sessions)
    emergency = await escalated(cast, sessions, consult)
    async with transaction(sessions, cast.specialist) as session:
        (first,) = await ringing(session, cast.specialist)
        await note_rung(session, cast.specialist, page_id=first.page.id)
    async with transaction(sessions, cast.rural) as session:
        await arrive_encounter(session, cast.rural, consult_id=consult.id)
    await calmed(cast, sessions, consult, ConsultMode.VIDEO)
    again = await escalated(cast, sessions, consult)
    assert (again.id, again.round) == (emergency.id, 2)
    assert again.counts_from > emergency.pressed_at == again.pressed_at
    async with transaction(sessions, cast.specialist) as session:
        await answer_emergency(session, cast.specialist, emergency_id=emergency.id)
    for who in (cast.rural, cast.specialist):
        async with transaction(sessions, who) as session:
            await arrive_encounter(session, who, consult_id=consult.id)
    async with transaction(sessions, cast.rural) as session:
        kept = await emergency_of(session, consult.id)
        assert kept is not None
        times = await times_of(session, kept)
    assert [moment for moment, _at in times] == [Moment.PRESSED, Moment.PAGED, Moment.ANSWERED, Moment.ON_VIDEO]
    assert times[0] == (Moment.PRESSED, again.counts_from)
    async with transaction(sessions, cast.coordinator) as session:
        told = (await figures(session, cast.coordinator, days=30, time_zone="America/Toronto")).emergencies
    since_press = (times[2][1] - again.counts_from).total_seconds()
    assert (told.pressed, told.rung, told.taken) == (1, None, pytest.approx(since_press, abs=0.001))


async def test_one_that_was_raised_by_the_button_waits_too(cast: Cast, sessions: Sessions) -> None:
    emergency = await pressed(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        consult = await calm_consult(
            session, cast.rural, consult_id=emergency.service_request_id, mode=ConsultMode.VIDEO
        )
        assert state_of(consult) is ConsultState.SUBMITTED


async def test_who_may_not_and_when_not(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        for somebody in (cast.specialist, cast.coordinator):
            with pytest.raises(Forbidden):
                await escalate_consult(session, somebody, consult_id=consult.id)
        with pytest.raises(NotFound):
            await escalate_consult(session, cast.stranger, consult_id=consult.id)
        with pytest.raises(Refused):
            await calm_consult(session, cast.rural, consult_id=consult.id, mode=ConsultMode.VIDEO)
        draft = await consult_steps.drafted(cast, sessions)
        with pytest.raises(Refused):
            await escalate_consult(session, cast.rural, consult_id=draft.id)
    emergency = await escalated(cast, sessions, consult)
    assert (await escalated(cast, sessions, consult)).id == emergency.id
    assert len(await pages(sessions, emergency)) == 1
    async with transaction(sessions) as session:
        with pytest.raises(Invalid):
            await calm_consult(session, cast.rural, consult_id=consult.id, mode=ConsultMode.EMERGENCY)
        for somebody in (cast.specialist, cast.stranger):
            with pytest.raises((NotFound, Forbidden)):
                await calm_consult(session, somebody, consult_id=consult.id, mode=ConsultMode.VIDEO)
    async with transaction(sessions, cast.specialist) as session:
        await answer_emergency(session, cast.specialist, emergency_id=emergency.id)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await calm_consult(session, cast.rural, consult_id=consult.id, mode=ConsultMode.VIDEO)
        kept = await emergency_of(session, consult.id)
        assert kept is not None and kept.answered_by_id == cast.specialist.role_id


async def test_what_can_be_changed_to_an_emergency_is_not_a_mode_to_choose(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        with pytest.raises(Invalid):
            await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.EMERGENCY)
