"""Invitations, changes and cancellations to the calendars of both sides, by mail (RFC 6047).

What is owed stands in the row: the database counts each change of a booked time (`sequence`), whatever verb made it,
and `told_sequence` is what the calendars were told last. Each minute the difference becomes mails.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from email.message import EmailMessage
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.jobs import app, defer
from teleconsult.messages.choices import choice_of
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.mail import compose, send
from teleconsult.messages.models import Channel
from teleconsult.messages.occasions import Topic
from teleconsult.scheduling.calendars import Invited, Meeting, Method, invitation, letter
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.scheduling.telling import OneOfSession, invited_in, people_of, tell_invited
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
    """Defer a job for each mail owed for sessions, and note in the same transaction that they are. How many."""
    of_sessions = (
        select(Appointment.id)
        .join(ServiceRequest, ServiceRequest.id == Appointment.service_request_id)
        .where(or_(ServiceRequest.mode != ConsultMode.EMERGENCY, _is_taken_back()))
    )
    return await owe_each(sessions, of_sessions, _owe_mails_of, failed="calendars.untold")


def _is_taken_back() -> ColumnElement[bool]:
    """A time that calendars were told of, and that was given up: its request may have become an emergency."""
    return and_(Appointment.status == AppointmentStatus.CANCELLED, Appointment.told_sequence.is_not(None))


async def owe_each(
    sessions: Sessions,
    times: Select[uuid.UUID],
    owe: Callable[[AsyncSession, uuid.UUID], Awaitable[int]],
    *,
    failed: str,
) -> int:
    """Have `owe` defer the mails of each of these booked times (ids of appointments) that changed. How many mails.

    Each in a transaction of its own: who joins that session meanwhile does not wait for the others, and one that
    fails is logged under the name `failed` and keeps none of them.
    """
    async with transaction(sessions, SYSTEM) as session:
        untold = (
            await session.scalars(
                times.where(Appointment.booked_at.is_not(None), IS_UNTOLD, Appointment.ends_at > now() - NEWS)
                .order_by(Appointment.ends_at)
                .limit(AT_ONCE)
            )
        ).all()
    owed = 0
    for appointment_id in untold:
        try:
            async with transaction(sessions, SYSTEM) as session:
                owed += await owe(session, appointment_id)
        except Exception:
            log.exception(failed, appointment=str(appointment_id))
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
    people = await people_of(session, appointment)
    await tell_invited(session, appointment, [one for one in people if one.is_invited])
    wishing = [one for one in people if await _wishes_mails(session, one.account)]
    for one in wishing:
        is_first = was_told is None or (one.since is not None and one.since > was_told)
        await _owe(session, appointment, one, is_first=is_first)
    return len(wishing)


async def owe_invitations(session: AsyncSession, appointment: Appointment, roles: Collection[uuid.UUID]) -> None:
    """Tell further people who were added to a booked time that stays as it is; the others hear nothing."""
    await _owe_words(session, appointment, roles, is_off=False)


async def owe_withdrawals(session: AsyncSession, appointment: Appointment, roles: Collection[uuid.UUID]) -> None:
    """Tell further people that they are asked no longer to a time their calendars were told of."""
    if appointment.told_sequence is not None:
        await _owe_words(session, appointment, roles, is_off=True)


async def _owe_words(
    session: AsyncSession, appointment: Appointment, roles: Collection[uuid.UUID], *, is_off: bool
) -> None:
    """Who arranges sees nobody's account: the system looks for it."""
    if roles:
        named = [str(role_id) for role_id in roles]
        await defer(session, tell_some, appointment_id=str(appointment.id), role_ids=named, is_off=is_off)


@app.task(name="tell_some_calendars", pass_context=True, retry=RETRY)
async def tell_some(context: JobContext, appointment_id: str, role_ids: list[str], is_off: bool) -> None:
    """Say to further people that they are asked to a booked time, or no longer: on screen, and owe the mails."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        appointment = await session.get_one(Appointment, uuid.UUID(appointment_id))
        people = await invited_in(session, [uuid.UUID(role_id) for role_id in role_ids])
        await tell_invited(session, appointment, people, is_off=is_off)
        for one in people:
            if await _wishes_mails(session, one.account):
                await _owe(session, appointment, one, is_first=not is_off, is_off=is_off)


async def _owe(
    session: AsyncSession, appointment: Appointment, one: OneOfSession, *, is_first: bool = False, is_off: bool = False
) -> None:
    await defer(
        session,
        mail_calendar,
        appointment_id=str(appointment.id),
        account_id=str(one.account.id),
        is_first=is_first,
        role_id=str(one.role.id) if one.is_invited else None,
        is_off=is_off,
    )


@app.task(name="mail_calendar", pass_context=True, retry=RETRY)
async def mail_calendar(
    context: JobContext,
    *,
    appointment_id: str,
    account_id: str,
    is_first: bool = True,
    role_id: str | None = None,
    is_off: bool = False,
) -> None:
    """Mail how an appointment stands now to one person; nothing where it is over, or they take no such mail now.

    `is_first`: their calendar was told nothing of it yet, however often it was moved before. `role_id` is of a further
    person; `is_off`: they are asked to it no longer.
    """
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        appointment = await session.get_one(Appointment, uuid.UUID(appointment_id))
        people = await invited_in(session, [uuid.UUID(role_id)]) if role_id else await people_of(session, appointment)
        found = next((one for one in people if str(one.account.id) == account_id), None)
        if found is None or appointment.ends_at < now() - NEWS or not await _wishes_mails(session, found.account):
            return
        number = (await session.get_one(ServiceRequest, appointment.service_request_id)).number
    is_off = is_off or appointment.status is AppointmentStatus.CANCELLED
    method = Method.CANCEL if is_off else Method.REQUEST
    meeting = meeting_of(appointment, number, settings, is_invited=found.is_invited)
    await send(settings, calendar_mail(settings, meeting, _invited(found), method=method, is_first=is_first))


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


def meeting_of(appointment: Appointment, number: int, settings: Settings, *, is_invited: bool = False) -> Meeting:
    """An appointment as calendars see it. Further people come to it by their agenda: the consult is not theirs."""
    page = "agenda" if is_invited else f"consults/{appointment.service_request_id}"
    return Meeting(
        id=appointment.id,
        number=number,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        sequence=appointment.sequence,
        changed_at=appointment.changed_at,
        link=f"{settings.base_url}/{page}",
        is_booked=appointment.booked_at is not None,
    )


async def _wishes_mails(session: AsyncSession, account: Account) -> bool:
    choice = await choice_of(session, account.id)
    return Channel.EMAIL in choice.channels and Topic.TIMES in choice.topics


def _invited(one: OneOfSession) -> Invited:
    return Invited(
        name=one.account.practitioner.name,
        email=one.account.email,
        locale=one.account.locale or one.role.organization.locale,
        time_zone=one.role.organization.time_zone,
    )
