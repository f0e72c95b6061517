"""Members get a meeting into their calendars, its changes, and its end; nobody gets anything twice."""

from dataclasses import replace
from datetime import timedelta

import icalendar
from sqlalchemy import select, text

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.meetings.mails import as_entry, owe_meeting_mails
from teleconsult.meetings.planning import cancel_meeting, change_meeting
from teleconsult.meetings.queries import whole_meeting
from teleconsult.messages.models import Notice
from teleconsult.messages.reminding import remind
from teleconsult.scheduling.calendar_mails import owe_calendar_mails
from teleconsult.scheduling.calendars import Invited, Method, invitation, letter
from teleconsult.scheduling.models import Appointment
from teleconsult.settings import Settings
from tests import meeting_steps
from tests.people import Cast


async def owed(sessions: Sessions) -> list[tuple[bool, bool]]:
    """The mails that wait, whether each is the first, and whether it takes somebody off."""
    async with sessions() as session:
        found = await session.execute(
            text("select args from procrastinate_jobs where task_name = 'mail_meeting' order by id")
        )
        return [(row.args["is_first"], row.args["is_off"]) for row in found]


async def test_each_change_is_mailed_once_to_each_member(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    meeting = await meeting_steps.planned(cast, sessions)
    await meeting_steps.listed(cast, sessions, meeting.id)
    assert await owe_meeting_mails(sessions) == 2
    assert await owe_meeting_mails(sessions) == 0
    assert await owe_calendar_mails(sessions) == 1  # who asked, for her case; its chair has the meeting
    later = replace(meeting_steps.plan(cast), starts_at=now().replace(second=0, microsecond=0) + timedelta(hours=30))
    async with transaction(sessions, cast.coordinator) as session:
        await change_meeting(session, cast.coordinator, meeting_id=meeting.id, plan=later)
    async with transaction(sessions, cast.coordinator) as session:
        moved = await whole_meeting(session, meeting.id)
        assert moved.appointment.sequence == 1
        [turn] = await session.scalars(select(Appointment).where(Appointment.service_request_id.is_not(None)))
        assert turn.starts_at == later.starts_at  # the case moved along
    assert await owe_meeting_mails(sessions) == 2
    entry = as_entry(moved, settings)
    invited = Invited("Dr Paul Girard", "paul@example.test", "fr", "America/Toronto")
    event = icalendar.Calendar.from_ical(
        invitation(entry, invited, method=Method.REQUEST, organizer="noreply@example.test")
    ).events[0]
    assert (event["summary"], event["sequence"]) == ("Réunion de concertation", 1)
    assert str(event["url"]).endswith(f"/meetings/{meeting.id}")
    assert "annulée" in letter(entry, invited, method=Method.CANCEL, is_first=False).subject
    async with transaction(sessions, cast.coordinator) as session:
        await cancel_meeting(session, cast.coordinator, meeting_id=meeting.id, reason="The chair is ill.")
    assert await owe_meeting_mails(sessions) == 2
    assert await owed(sessions) == [(True, False), (True, False), *[(False, False)] * 4]


async def test_members_are_reminded_once_and_who_asked_of_her_own_case(cast: Cast, sessions: Sessions) -> None:
    starts_at = now().replace(second=0, microsecond=0) + timedelta(minutes=90)
    meeting = await meeting_steps.planned(cast, sessions, meeting_steps.plan(cast, starts_at=starts_at))
    for _ in range(2):
        await meeting_steps.listed(cast, sessions, meeting.id)
    await remind(sessions, starts_at - timedelta(minutes=9))
    async with sessions() as session:
        told = list(await session.scalars(select(Notice.practitioner_role_id)))
    assert told.count(cast.oncall.role_id) == 1
    assert told.count(cast.specialist.role_id) == 1
    assert told.count(cast.rural.role_id) == 2
