"""A person's own calendar feed: an address nobody can guess, which shows when their sessions are and nothing else."""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import NotFound
from teleconsult.meetings.mails import as_entry
from teleconsult.meetings.models import Meeting, MeetingMember
from teleconsult.scheduling.calendar_mails import meeting_of
from teleconsult.scheduling.calendars import Meeting as Entry
from teleconsult.scheduling.calendars import feed
from teleconsult.scheduling.hours_models import AppointmentParticipant, CalendarFeed
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment
from teleconsult.settings import Settings

BACK: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=366)
MOST: Final = 1000
LENGTH: Final = 32
"""Bytes of chance in an address."""


async def own_feed(session: AsyncSession, actor: Actor) -> CalendarFeed | None:
    """The actor's feed, if they have one. Raises NotFound."""
    require(actor, Permission.AGENDA)
    found: CalendarFeed | None = await session.scalar(
        select(CalendarFeed).where(CalendarFeed.account_id == actor.account_id)
    )
    return found


async def renew_feed(session: AsyncSession, actor: Actor) -> str:
    """A new address in place of the one before, which shows nothing any more: its secret part, told this once.

    Raises NotFound.
    """
    token = secrets.token_urlsafe(LENGTH)
    kept = await own_feed(session, actor)
    if kept is not None:
        await session.delete(kept)
        await session.flush()
    assert actor.account_id is not None, "who has an agenda has an account"
    made = CalendarFeed(id=uuid.uuid4(), account_id=actor.account_id, token_hash=_hashed(token), created_at=now())
    session.add(made)
    audit.record(session, actor, "calendar-feed-renewed", made)
    await session.flush()
    return token


async def end_feed(session: AsyncSession, actor: Actor) -> None:
    """The address shows nothing any more. Raises NotFound, also the second time."""
    kept = await own_feed(session, actor)
    if kept is None:
        raise NotFound
    audit.record(session, actor, "calendar-feed-ended", kept)
    await session.delete(kept)
    await session.flush()


async def read_feed(session: AsyncSession, settings: Settings, token: str) -> bytes:
    """The sessions of whose address this is: proposed ones as tentative. Asked by whoever has it, as the system.

    Raises NotFound for an address that is nobody's, or of an account that is closed.
    """
    account = await session.scalar(
        select(Account)
        .join(CalendarFeed, CalendarFeed.account_id == Account.id)
        .where(CalendarFeed.token_hash == _hashed(token), Account.disabled_at.is_(None))
    )
    if account is None:
        raise NotFound
    roles = select(PractitionerRole.id).where(
        PractitionerRole.practitioner_id == account.practitioner_id, PractitionerRole.ended_at.is_(None)
    )
    is_theirs = or_(Appointment.specialist_role_id.in_(roles), ServiceRequest.requester_role_id.in_(roles))
    asked = select(AppointmentParticipant.appointment_id).where(
        AppointmentParticipant.practitioner_role_id.in_(roles), AppointmentParticipant.invited_sequence.is_not(None)
    )
    is_asked = and_(Appointment.id.in_(asked), Appointment.booked_at.is_not(None))
    found = await session.execute(
        select(Appointment, ServiceRequest.number, is_theirs)
        .join(ServiceRequest, ServiceRequest.id == Appointment.service_request_id)
        .where(
            or_(is_theirs, is_asked),
            Appointment.status.not_in(LOST_APPOINTMENTS),
            Appointment.starts_at > now() - BACK,
            Appointment.starts_at < now() + AHEAD,
        )
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(MOST)
    )
    meetings = [
        meeting_of(appointment, number, settings, is_invited=not is_their_own)
        for appointment, number, is_their_own in found
    ]
    return feed([*meetings, *await _team_meetings(session, settings, account)], locale=account.locale or "")


async def _team_meetings(session: AsyncSession, settings: Settings, account: Account) -> list[Entry]:
    found = await session.scalars(
        select(Meeting)
        .join(Meeting.appointment)
        .join(MeetingMember, MeetingMember.meeting_id == Meeting.id)
        .join(PractitionerRole, PractitionerRole.id == MeetingMember.practitioner_role_id)
        .where(
            PractitionerRole.practitioner_id == account.practitioner_id,
            PractitionerRole.ended_at.is_(None),
            Appointment.status.not_in(LOST_APPOINTMENTS),
            Appointment.starts_at > now() - BACK,
            Appointment.starts_at < now() + AHEAD,
        )
        .options(contains_eager(Meeting.appointment))
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(MOST)
    )
    return [as_entry(meeting, settings) for meeting in found]


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
