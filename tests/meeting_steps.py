"""Team meetings brought to a state, for tests that begin there. Each step commits in a transaction of its own."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.consults.modes import change_mode
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter
from teleconsult.meetings.listing import put_on_list
from teleconsult.meetings.models import Meeting, MeetingCase
from teleconsult.meetings.planning import Plan, plan_meeting
from teleconsult.meetings.running import call_case
from tests import consult_steps
from tests.people import Cast


def plan(cast: Cast, *, starts_at: datetime | None = None, **changes: object) -> Plan:
    """Neurology's meeting in half an hour: the neurologist leads, the trauma surgeon sits in; both have to be there."""
    assert cast.specialist.role_id is not None
    assert cast.oncall.role_id is not None
    made = Plan(
        title="Stroke board",
        starts_at=starts_at or now().replace(second=0, microsecond=0) + timedelta(minutes=30),
        minutes=60,
        chair=cast.specialist.role_id,
        members=(cast.specialist.role_id, cast.oncall.role_id),
        place="Room B 214",
        quorum_members=2,
        quorum_specialties=("trauma",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def planned(cast: Cast, sessions: Sessions, of: Plan | None = None) -> Meeting:
    """Planned by the coordinator."""
    async with transaction(sessions, cast.coordinator) as session:
        [meeting] = await plan_meeting(session, cast.coordinator, service_id=cast.neurology.id, plan=of or plan(cast))
    return meeting


async def for_a_meeting(cast: Cast, sessions: Sessions, *, accepted: bool = False) -> ServiceRequest:
    """A consult of the rural doctor's that is to be discussed by a team."""
    steps = consult_steps.accepted if accepted else consult_steps.submitted
    consult = await steps(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        return await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.MEETING)


async def listed(
    cast: Cast, sessions: Sessions, meeting_id: uuid.UUID, consult: ServiceRequest | None = None, minutes: int = 10
) -> MeetingCase:
    """Put on the list by the coordinator."""
    consult = consult or await for_a_meeting(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        return await put_on_list(
            session, cast.coordinator, meeting_id=meeting_id, consult_id=consult.id, minutes=minutes
        )


async def called(cast: Cast, sessions: Sessions, case: MeetingCase, *there: Actor) -> None:
    """Called by the chair; those named have entered its room."""
    async with transaction(sessions, cast.specialist) as session:
        await call_case(session, cast.specialist, meeting_id=case.meeting_id, case_id=case.id)
    for person in there:
        async with transaction(sessions, person) as session:
            await arrive_encounter(session, person, consult_id=case.service_request_id)
