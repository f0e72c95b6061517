"""Invitations, changes and cancellations to the calendars of both sides, by mail (RFC 6047).

What is owed stands in the row: the database counts each change of a booked time (`sequence`), whatever verb made it,
and `told_sequence` is what the calendars were told last. Each minute the difference becomes mails.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.jobs import app, defer
from teleconsult.messages.choices import choice_of
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.mail import compose, send
from teleconsult.messages.models import Channel
from teleconsult.messages.occasions import Topic
from teleconsult.scheduling.calendars import Invited, Meeting, Method, invitation, letter
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.settings import Settings

FILE_NAME: Final = "invite.ics"
NEWS: Final = timedelta(hours=1)
"""Of a session that is over for longer no calendar is told any more."""
AT_ONCE: Final = 100
IS_UNTOLD: Final = Appointment.told_sequence.is_distinct_from(Appointment.sequence)

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="tell_calendars", queueing_lock="tell_calendars", pass_context=True)
async def tell_calendars(context: JobContext, timestamp: int) -> None:
    """Every minute: owe a mail to each side of every booked time that changed."""
    del timestamp
    await owe_calendar_mails(context.additional_context["sessions"])


async def owe_calendar_mails(sessions: Sessions) -> int:
    """Defer a job for each mail owed, and note in the same transaction that they are. How many.

    Each booked time in a transaction of its own: who joins that session meanwhile does not wait for the others.
    """
    async with transaction(sessions, SYSTEM) as session:
        untold = (
            await session.scalars(
                select(Appointment.id)
                .join(ServiceRequest, ServiceRequest.id == Appointment.service_request_id)
                .where(
                    Appointment.booked_at.is_not(None),
                    IS_UNTOLD,
                    Appointment.ends_at > now() - NEWS,
                    ServiceRequest.mode != ConsultMode.EMERGENCY,
                )
                .order_by(Appointment.ends_at)
                .limit(AT_ONCE)
            )
        ).all()
    owed = 0
    for appointment_id in untold:
        try:
            async with transaction(sessions, SYSTEM) as session:
                owed += await _owe_mails_of(session, appointment_id)
        except Exception:
            log.exception("calendars.untold", appointment=str(appointment_id))
    return owed


async def _owe_mails_of(session: AsyncSession, appointment_id: uuid.UUID) -> int:
    """None where it was told meanwhile, or is being changed: then a minute later."""
    appointment = await session.scalar(
        select(Appointment).where(Appointment.id == appointment_id, IS_UNTOLD).with_for_update(skip_locked=True)
    )
    if appointment is None:
        return 0
    was_told, appointment.told_sequence = appointment.told_sequence, appointment.sequence
    if appointment.status is AppointmentStatus.CANCELLED and was_told is None:
        return 0  # nobody ever heard of it
    accounts = await _accounts(session, appointment)
    for account in accounts:
        await defer(
            session,
            mail_calendar,
            appointment_id=str(appointment.id),
            account_id=str(account.id),
            is_first=was_told is None,
        )
    return len(accounts)


@app.task(name="mail_calendar", pass_context=True, retry=RETRY)
async def mail_calendar(context: JobContext, appointment_id: str, account_id: str, is_first: bool = True) -> None:
    """Mail how an appointment stands now to one person; nothing where it is over, or they take no such mail now.

    `is_first`: their calendar was told nothing of it yet, however often it was moved before.
    """
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        appointment = await session.get_one(Appointment, uuid.UUID(appointment_id))
        found = [one for one in await _accounts(session, appointment) if str(one.id) == account_id]
        if not found or appointment.ends_at < now() - NEWS:
            return
        consult = await session.get_one(ServiceRequest, appointment.service_request_id)
        invited = await _invited(session, found[0], consult, appointment)
    is_off = appointment.status is AppointmentStatus.CANCELLED
    method = Method.CANCEL if is_off else Method.REQUEST
    meeting = meeting_of(appointment, consult.number, settings)
    await send(settings, calendar_mail(settings, meeting, invited, method=method, is_first=is_first))


def calendar_mail(
    settings: Settings, meeting: Meeting, invited: Invited, *, method: Method, is_first: bool
) -> EmailMessage:
    """The mail: words for people, and the same for their calendar, within and as a file.

    Gmail and Apple Mail read the part within the alternative, Outlook either; a webmail that knows neither offers the
    file. The method stands in the part's type too (RFC 6047 §2.4). Raises ValueError for an address no mail can go to.
    """
    message = compose(settings, letter(meeting, invited, method=method, is_first=is_first), to=invited.email)
    text = invitation(meeting, invited, method=method, organizer=settings.mail_from)
    message.add_alternative(
        text.decode(), subtype="calendar", charset="utf-8", cte="base64", params={"method": method.value}
    )
    message.add_attachment(
        text, maintype="application", subtype="ics", filename=FILE_NAME, params={"method": method.value}
    )
    return message


def meeting_of(appointment: Appointment, number: int, settings: Settings) -> Meeting:
    """An appointment as calendars see it."""
    return Meeting(
        id=appointment.id,
        number=number,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        sequence=appointment.sequence,
        changed_at=appointment.changed_at,
        link=f"{settings.base_url}/consults/{appointment.service_request_id}",
        is_booked=appointment.booked_at is not None,
    )


async def _accounts(session: AsyncSession, appointment: Appointment) -> Sequence[Account]:
    """Who asked and who accepted, as far as they still work here and wish mails of times."""
    consult = await session.get_one(ServiceRequest, appointment.service_request_id)
    found = await session.scalars(
        select(Account)
        .join(Practitioner, Practitioner.id == Account.practitioner_id)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        .where(
            or_(
                PractitionerRole.id == consult.requester_role_id,
                PractitionerRole.id == appointment.specialist_role_id,
            ),
            PractitionerRole.ended_at.is_(None),
            Account.disabled_at.is_(None),
        )
        .options(joinedload(Account.practitioner))
        .order_by(Account.id)
    )
    return [account for account in found.unique() if await _wishes_mails(session, account)]


async def _wishes_mails(session: AsyncSession, account: Account) -> bool:
    choice = await choice_of(session, account.id)
    return Channel.EMAIL in choice.channels and Topic.TIMES in choice.topics


async def _invited(
    session: AsyncSession, account: Account, consult: ServiceRequest, appointment: Appointment
) -> Invited:
    role = await session.scalar(
        select(PractitionerRole)
        .where(
            PractitionerRole.id.in_((consult.requester_role_id, appointment.specialist_role_id)),
            PractitionerRole.practitioner_id == account.practitioner_id,
        )
        .options(joinedload(PractitionerRole.organization))
        .limit(1)
    )
    assert role is not None, "the account was found by it"
    return Invited(
        name=account.practitioner.name,
        email=account.email,
        locale=account.locale or role.organization.locale,
        time_zone=role.organization.time_zone,
    )
