"""Who leads a meeting changes: what is still to come and nobody had accepted is for who leads it then."""

import pytest

from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Forbidden, Invalid, NotFound
from teleconsult.meetings.leading import hand_lead
from teleconsult.meetings.models import MeetingCase
from teleconsult.meetings.planning import change_meeting
from teleconsult.meetings.running import next_case
from tests import meeting_steps
from tests.people import Cast


async def owner(cast: Cast, sessions: Sessions, case: MeetingCase) -> object:
    """Who is to conclude it."""
    async with transaction(sessions, cast.rural) as session:
        consult = await consult_for(session, cast.rural, case.service_request_id)
        assert consult.task is not None
        assert consult.appointment is not None
        assert consult.appointment.specialist_role_id == consult.task.owner_role_id
        return consult.task.owner_role_id


async def test_another_member_goes_on_in_the_middle_of_it(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    first = await meeting_steps.listed(cast, sessions, meeting.id)
    second = await meeting_steps.listed(cast, sessions, meeting.id)
    own = await meeting_steps.for_a_meeting(cast, sessions, accepted=True)
    third = await meeting_steps.listed(cast, sessions, meeting.id, own)
    await meeting_steps.called(cast, sessions, first, cast.specialist, cast.oncall)
    led, other = cast.specialist.role_id, cast.oncall.role_id
    assert other is not None
    async with transaction(sessions, cast.oncall) as session:
        with pytest.raises(Forbidden):
            await hand_lead(session, cast.oncall, meeting_id=meeting.id, role_id=other)
    async with transaction(sessions, cast.stranger) as session:
        with pytest.raises(NotFound):
            await hand_lead(session, cast.stranger, meeting_id=meeting.id, role_id=other)
    async with transaction(sessions, cast.coordinator) as session:
        assert cast.rural.role_id is not None
        with pytest.raises(Invalid):
            await hand_lead(session, cast.coordinator, meeting_id=meeting.id, role_id=cast.rural.role_id)
        await hand_lead(session, cast.coordinator, meeting_id=meeting.id, role_id=other)
    assert [await owner(cast, sessions, case) for case in (first, second, third)] == [led, other, led]
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Forbidden):
            await next_case(session, cast.specialist, meeting_id=meeting.id, after=first.id)
    async with transaction(sessions, cast.oncall) as session:
        case = await next_case(session, cast.oncall, meeting_id=meeting.id, after=first.id)
        assert case is not None
        assert case.id == second.id
    parts = []
    for person in (cast.oncall, cast.specialist):
        async with transaction(sessions, person) as session:
            parts.append((await encounter_for(session, person, second.service_request_id)).mine.part)
    assert parts == ["specialist", "member"]


async def test_who_leads_it_is_changed_with_the_plan(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    case = await meeting_steps.listed(cast, sessions, meeting.id)
    assert cast.oncall.role_id is not None
    plan = meeting_steps.plan(cast, chair=cast.oncall.role_id)
    async with transaction(sessions, cast.coordinator) as session:
        await change_meeting(session, cast.coordinator, meeting_id=meeting.id, plan=plan)
    assert await owner(cast, sessions, case) == cast.oncall.role_id
