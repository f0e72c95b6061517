"""Invitations to a team meeting, its changes and cancellation, to its members' calendars by mail (RFC 6047).

As with sessions of two, what is owed stands in the row of the meeting's time: the database counts each change.
Who was a member and is none any more is told that it is off for them.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from procrastinate import JobContext
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.jobs import app, defer
from teleconsult.meetings.models import Meeting, MeetingMember
from teleconsult.messages.choices import choice_of
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.mail import send
from teleconsult.messages.models import Channel
from teleconsult.messages.occasions import Topic
from teleconsult.scheduling.calendar_mails import IS_UNTOLD, NEWS, calendar_mail, owe_each
from teleconsult.scheduling.calendars import Invited, Method
from teleconsult.scheduling.calendars import Meeting as Entry
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.settings import Settings

MOST: Final = 50


@app.periodic(cron="* * * * *")
@app.task(name="tell_calendars_of_meetings", queueing_lock="tell_calendars_of_meetings", pass_context=True)
async def tell_calendars_of_meetings(context: JobContext, timestamp: int) -> None:
    """Every minute: owe a mail to each member of every meeting that changed."""
    del timestamp
    await owe_meeting_mails(context.additional_context["sessions"])


async def owe_meeting_mails(sessions: Sessions) -> int:
    """Defer a job for each mail owed, and note in the same transaction that they are. How many."""
    of_meetings = select(Appointment.id).join(Meeting, Meeting.appointment_id == Appointment.id)
    return await owe_each(sessions, of_meetings, _owe_mails_of, failed="meetings.untold")


async def owe_meeting_mail(
    session: AsyncSession, meeting: Meeting, role_ids: Sequence[uuid.UUID], *, is_off: bool = False
) -> None:
    """Tell these people of a meeting that is as it was for the others: that they are members now, or no longer.

    Part of the act that says so.
    """
    if meeting.appointment.told_sequence is None:
        return  # those who are members are told once it is
    for account in await _accounts(session, role_ids):
        await _owe(session, meeting.id, account.id, is_first=True, is_off=is_off)


async def _owe_mails_of(session: AsyncSession, appointment_id: uuid.UUID) -> int:
    found = (
        await session.execute(
            select(Appointment, Meeting)
            .join(Meeting, Meeting.appointment_id == Appointment.id)
            .where(Appointment.id == appointment_id, IS_UNTOLD)
            .with_for_update(of=Appointment, skip_locked=True)
        )
    ).one_or_none()
    if found is None:
        return 0
    appointment, meeting = found
    was_told, appointment.told_sequence = appointment.told_sequence, appointment.sequence
    if appointment.status is AppointmentStatus.CANCELLED and was_told is None:
        return 0  # nobody ever heard of it
    members = await session.scalars(
        select(MeetingMember.practitioner_role_id).where(MeetingMember.meeting_id == meeting.id).limit(MOST)
    )
    accounts = await _accounts(session, members.all())
    for account in accounts:
        await _owe(session, meeting.id, account.id, is_first=was_told is None)
    return len(accounts)


async def _owe(
    session: AsyncSession, meeting_id: uuid.UUID, account_id: uuid.UUID, *, is_first: bool, is_off: bool = False
) -> None:
    await defer(
        session,
        mail_meeting,
        meeting_id=str(meeting_id),
        account_id=str(account_id),
        is_first=is_first,
        is_off=is_off,
    )


@app.task(name="mail_meeting", pass_context=True, retry=RETRY)
async def mail_meeting(
    context: JobContext, meeting_id: str, account_id: str, is_first: bool, is_off: bool = False
) -> None:
    """Mail how a meeting stands now to one person; nothing where it is over, or they take no such mail now."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        meeting = await session.get_one(
            Meeting, uuid.UUID(meeting_id), options=[joinedload(Meeting.appointment)], populate_existing=True
        )
        account = await session.get(
            Account, uuid.UUID(account_id), options=[joinedload(Account.practitioner)], populate_existing=True
        )
        if account is None or meeting.appointment.ends_at < now() - NEWS or not await _wishes(session, account):
            return
        invited = await _invited(session, account, meeting.organization_id)
    is_over = is_off or meeting.appointment.status is AppointmentStatus.CANCELLED
    method = Method.CANCEL if is_over else Method.REQUEST
    entry = as_entry(meeting, settings)
    await send(settings, calendar_mail(settings, entry, invited, method=method, is_first=is_first))


def as_entry(meeting: Meeting, settings: Settings) -> Entry:
    """A meeting as calendars see it: its title is words of its house, and says nothing of a case."""
    turn = meeting.appointment
    return Entry(
        id=turn.id,
        number=0,
        starts_at=turn.starts_at,
        ends_at=turn.ends_at,
        sequence=turn.sequence,
        changed_at=turn.changed_at,
        link=f"{settings.base_url}/meetings/{meeting.id}",
        is_booked=turn.booked_at is not None,
        is_team=True,
    )


async def _accounts(session: AsyncSession, role_ids: Sequence[uuid.UUID]) -> Sequence[Account]:
    found = await session.scalars(
        select(Account)
        .join(Practitioner, Practitioner.id == Account.practitioner_id)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        .where(PractitionerRole.id.in_(role_ids), PractitionerRole.ended_at.is_(None), Account.disabled_at.is_(None))
        .order_by(Account.id)
    )
    return found.unique().all()


async def _wishes(session: AsyncSession, account: Account) -> bool:
    choice = await choice_of(session, account.id)
    return Channel.EMAIL in choice.channels and Topic.TIMES in choice.topics


async def _invited(session: AsyncSession, account: Account, organization_id: uuid.UUID) -> Invited:
    role = (
        await session.scalars(
            select(PractitionerRole)
            .where(
                PractitionerRole.practitioner_id == account.practitioner_id,
                PractitionerRole.organization_id == organization_id,
            )
            .options(joinedload(PractitionerRole.organization))
            .limit(1)
        )
    ).one()
    return Invited(
        name=account.practitioner.name,
        email=account.email,
        locale=account.locale or role.organization.locale,
        time_zone=role.organization.time_zone,
    )
