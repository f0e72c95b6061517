"""What members see of the cases, and until when: by the filters, and by the database alone."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode
from teleconsult.consults.modes import change_mode
from teleconsult.consults.queries import consult_for
from teleconsult.db import SET_ACTING, Sessions, transaction
from teleconsult.encounters.actions import say
from teleconsult.errors import NotFound
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.meetings.listing import take_off
from teleconsult.meetings.models import MeetingCase
from teleconsult.meetings.planning import change_meeting
from teleconsult.scheduling.models import Appointment
from tests import meeting_steps
from tests.people import Cast, another_neurologist

TABLES = ("service_request", "task", "excerpt_item", "encounter", "chat_message", "meeting", "meeting_case")


async def found(sessions: Sessions, actor: Actor) -> dict[str, int]:
    """How much of each table the database itself shows to somebody."""
    counts = {}
    async with sessions() as session:
        await session.execute(SET_ACTING, {"acting": actor.acting})
        for table in TABLES:
            counts[table] = (await session.execute(text(f"select count(*) from {table}"))).scalar_one()
    return counts


async def is_seen(sessions: Sessions, actor: Actor, case: MeetingCase) -> bool:
    """Whether the filters show it."""
    async with transaction(sessions, actor) as session:
        try:
            await consult_for(session, actor, case.service_request_id)
            await excerpt_for(session, actor, case.service_request_id)
        except NotFound:
            return False
        return True


NOTHING = dict.fromkeys(TABLES, 0)


async def test_members_see_the_cases_and_nobody_else_does(cast: Cast, sessions: Sessions) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    assert not (await found(sessions, cast.oncall))["service_request"]
    case = await meeting_steps.listed(cast, sessions, meeting.id)
    assert await is_seen(sessions, cast.oncall, case)
    assert (await found(sessions, cast.oncall))["excerpt_item"] == 1
    await meeting_steps.called(cast, sessions, case, cast.specialist, cast.oncall)
    async with transaction(sessions, cast.oncall) as session:
        await say(session, cast.oncall, consult_id=case.service_request_id, message_id=case.id, text="Thrombectomy?")
    assert await found(sessions, cast.oncall) == dict.fromkeys(TABLES, 1)
    for person in (cast.stranger, cast.colleague, cast.nurse, cast.admin, cast.operator):
        assert await found(sessions, person) == NOTHING
    assert (await found(sessions, cast.rural)) == dict.fromkeys(TABLES, 1) | {"meeting": 0}


@pytest.mark.parametrize("how", ["taken off", "another mode", "no member", "long over"])
async def test_no_longer(cast: Cast, sessions: Sessions, how: str) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    case = await meeting_steps.listed(cast, sessions, meeting.id)
    assert await is_seen(sessions, cast.oncall, case)
    match how:
        case "taken off":
            async with transaction(sessions, cast.coordinator) as session:
                await take_off(session, cast.coordinator, meeting_id=meeting.id, case_id=case.id, reason="By mistake.")
        case "another mode":
            async with transaction(sessions, cast.rural) as session:
                await change_mode(session, cast.rural, consult_id=case.service_request_id, mode=ConsultMode.VIDEO)
        case "no member":
            async with transaction(sessions) as session:
                second = await another_neurologist(session, cast)
            people = (cast.specialist.role_id, second.role_id)
            plan = meeting_steps.plan(cast, members=people, quorum_specialties=())
            async with transaction(sessions, cast.coordinator) as session:
                await change_meeting(session, cast.coordinator, meeting_id=meeting.id, plan=plan)
            assert await is_seen(sessions, second, case)
        case _:
            async with transaction(sessions) as session:
                time = Appointment.id == meeting.appointment_id
                starts_at = now() - timedelta(days=9)
                await session.execute(
                    update(Appointment).where(time).values(starts_at=starts_at, ends_at=starts_at + timedelta(hours=1))
                )
    assert not await is_seen(sessions, cast.oncall, case)
    assert not (await found(sessions, cast.oncall))["service_request"]
