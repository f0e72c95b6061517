"""The list: who may put what on it, in which order, when; nobody and nothing is booked twice."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from teleconsult.clock import now
from teleconsult.consults.informing import ask_for_information, give_information
from teleconsult.consults.models import ConsultMode, TaskStatus
from teleconsult.consults.modes import change_mode
from teleconsult.consults.queries import consult_for
from teleconsult.consults.redirecting import redirect_consult
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, RoleCode, Specialty
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.meetings.listing import move_case, put_on_list, set_case
from teleconsult.meetings.material import Missing, missing_of
from teleconsult.meetings.planning import cancel_meeting, plan_meeting
from teleconsult.meetings.queries import cases_of, standing_case, whole_meeting
from teleconsult.meetings.running import call_case
from teleconsult.scheduling.booking import propose_time
from tests import consult_steps, meeting_steps
from tests.people import Cast, another_person


@pytest.mark.parametrize("who", ["coordinator", "specialist"])
async def test_a_case_has_its_turn_and_the_times_follow_the_order(cast: Cast, sessions: Sessions, who: str) -> None:
    leads = getattr(cast, who)
    meeting = await meeting_steps.planned(cast, sessions)
    cases = [await meeting_steps.listed(cast, sessions, meeting.id, minutes=minutes) for minutes in (10, 20, 5)]
    async with transaction(sessions, leads) as session:
        await move_case(session, leads, meeting_id=meeting.id, case_id=cases[2].id, to=1)
    async with transaction(sessions, leads) as session:
        await set_case(
            session,
            leads,
            meeting_id=meeting.id,
            case_id=cases[2].id,
            minutes=15,
            presenter_id=cast.rural.role_id,
        )
    async with transaction(sessions, cast.coordinator) as session:
        found = await whole_meeting(session, meeting.id)
        listed = await cases_of(session, found)
        assert [case.id for case in listed] == [cases[2].id, cases[0].id, cases[1].id]
        start = found.appointment.starts_at
        offsets = [(case.appointment.starts_at - start) / timedelta(minutes=1) for case in listed]
        assert offsets == [0, 15, 25]
        missing = await missing_of(session, listed)
        assert Missing.PRESENTER not in missing[cases[2].id]
        assert missing[cases[0].id] == (Missing.IMAGES, Missing.PRESENTER)
        assert listed[0].consult.task is not None
        assert listed[0].consult.task.owner_role_id == cast.specialist.role_id
        assert listed[0].consult.task.status is TaskStatus.ACCEPTED


async def test_who_may_put_what_on_a_list(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    consult = await meeting_steps.for_a_meeting(cast, sessions)
    for person, error in ((cast.specialist, Forbidden), (cast.rural, NotFound), (cast.stranger, NotFound)):
        async with transaction(sessions, person) as session:
            with pytest.raises(error):
                await put_on_list(session, person, meeting_id=meeting.id, consult_id=consult.id)
    case = await meeting_steps.listed(cast, sessions, meeting.id, consult)
    with pytest.raises(Refused):  # twice
        await meeting_steps.listed(cast, sessions, meeting.id, consult)
    by_video = await consult_steps.submitted(cast, sessions)
    with pytest.raises(Refused):
        await meeting_steps.listed(cast, sessions, meeting.id, by_video)
    async with transaction(sessions, cast.rural) as session:  # it goes another way, and comes back
        await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.ADVICE)
    async with transaction(sessions, cast.rural) as session:
        await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.MEETING)
    again = await meeting_steps.listed(cast, sessions, meeting.id, consult)
    assert again.id != case.id


async def test_nobody_sits_in_two_meetings_at_once(cast: Cast, sessions: Sessions) -> None:
    plan = meeting_steps.plan(cast)
    await meeting_steps.planned(cast, sessions, plan)
    with pytest.raises(Invalid):
        await meeting_steps.planned(cast, sessions, replace(plan, starts_at=plan.starts_at + timedelta(minutes=30)))
    async with transaction(sessions, cast.coordinator) as session:
        weekly = await plan_meeting(
            session,
            cast.coordinator,
            service_id=cast.neurology.id,
            plan=replace(plan, starts_at=plan.starts_at + timedelta(hours=2)),
            times=3,
            every=2,
        )
        assert len({meeting.series_id for meeting in weekly}) == 1
    for person in (cast.specialist, cast.rural, cast.stranger):
        async with transaction(sessions, person) as session:
            with pytest.raises(NotFound):
                await plan_meeting(session, person, service_id=cast.neurology.id, plan=plan)


async def test_more_is_asked_for_while_it_stands_on_the_list(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    case = await meeting_steps.listed(cast, sessions, meeting.id)
    async with transaction(sessions, cast.coordinator) as session:
        await ask_for_information(
            session, cast.coordinator, consult_id=case.service_request_id, text="Please send the scan."
        )
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Refused):
            await call_case(session, cast.specialist, meeting_id=meeting.id, case_id=case.id)
    async with transaction(sessions, cast.rural) as session:
        await give_information(session, cast.rural, consult_id=case.service_request_id, text="It is there now.")
    async with transaction(sessions, cast.specialist) as session:
        await call_case(session, cast.specialist, meeting_id=meeting.id, case_id=case.id)
        found = await consult_for(session, cast.specialist, case.service_request_id)
        assert found.task is not None
        assert found.task.status is TaskStatus.IN_PROGRESS


async def test_a_time_that_was_booked_after_it_left_the_meeting_is_left_alone(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    consult = await meeting_steps.for_a_meeting(cast, sessions, accepted=True)
    await meeting_steps.listed(cast, sessions, meeting.id, consult)
    async with transaction(sessions, cast.rural) as session:
        await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.VIDEO)
    async with transaction(sessions, cast.coordinator) as session:
        starts_at = now() + timedelta(days=2)
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at)
    async with transaction(sessions, cast.coordinator) as session:
        await cancel_meeting(session, cast.coordinator, meeting_id=meeting.id, reason="The chair is ill.")
    async with transaction(sessions, cast.rural) as session:
        found = await consult_for(session, cast.rural, consult.id)
        assert found.appointment is not None
        assert found.appointment.starts_at == starts_at


async def another_house(cast: Cast, sessions: Sessions) -> Cast:
    """The cast as the provincial hospital's neurology has it."""
    async with transaction(sessions) as session:
        service = HealthcareService(
            organization_id=cast.organizations["provincial"].id, specialty=Specialty.NEUROLOGY, id=uuid.uuid4()
        )
        session.add(service)
        coordinator = await another_person(session, cast, "provincial", RoleCode.COORDINATOR)
        chair, member = [
            await another_person(session, cast, "provincial", RoleCode.SPECIALIST, specialty)
            for specialty in (Specialty.NEUROLOGY, Specialty.TRAUMA)
        ]
    return replace(cast, neurology=service, coordinator=coordinator, specialist=chair, oncall=member)


async def test_one_that_was_redirected_goes_on_the_list_of_another_house(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    consult = await meeting_steps.for_a_meeting(cast, sessions)
    await meeting_steps.listed(cast, sessions, meeting.id, consult)
    for mode in (ConsultMode.ADVICE, ConsultMode.MEETING):
        async with transaction(sessions, cast.rural) as session:
            await change_mode(session, cast.rural, consult_id=consult.id, mode=mode)
    there = await another_house(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        await redirect_consult(
            session, cast.coordinator, consult_id=consult.id, service_id=there.neurology.id, reason="They know her."
        )
    theirs = await meeting_steps.planned(there, sessions, meeting_steps.plan(there))
    case = await meeting_steps.listed(there, sessions, theirs.id, consult)
    async with transaction(sessions, cast.coordinator) as session:
        with pytest.raises(NotFound):
            await consult_for(session, cast.coordinator, consult.id)
    async with transaction(sessions) as session:
        standing = await standing_case(session, consult.id)
        assert standing is not None
        assert standing.id == case.id
