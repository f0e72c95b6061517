"""The wait list: who would take an earlier time is offered the first one that becomes free, in the order they came.

Whatever frees a time, a cancellation, a move, other hours, is found by looking (each minute, and at once after some
acts): no verb has to remember those who wait. An offer is passed on when nobody takes it.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for, lock_consult, whole
from teleconsult.consults.states import ConsultState, Verb, may, require, state_of
from teleconsult.encounters.attendance import Span
from teleconsult.errors import Invalid, Refused
from teleconsult.scheduling.booking import DURATIONS, FURTHEST, book_appointment, propose_time
from teleconsult.scheduling.finding import free_times
from teleconsult.scheduling.hours_models import WaitListEntry, WaitStatus
from teleconsult.scheduling.moving import move_time

PATIENCE: Final = timedelta(hours=4)
"""For so long an offer stands; then the next is asked."""
STANDING: Final = (WaitStatus.WAITING, WaitStatus.OFFERED)
KEEPS_PLACE: Final = (
    ConsultState.ACCEPTED,
    ConsultState.SCHEDULED,
    ConsultState.NO_SHOW,
    ConsultState.AWAITING_INFO,
)
AT_MOST: Final = 200
"""Entries looked at in one go."""


async def waiting_of(session: AsyncSession, consult_id: uuid.UUID) -> WaitListEntry | None:
    """The consult's place on the list, if it waits. The caller has looked the consult up."""
    found: WaitListEntry | None = await session.scalar(
        select(WaitListEntry).where(WaitListEntry.service_request_id == consult_id, WaitListEntry.status.in_(STANDING))
    )
    return found


async def wait_for_earlier(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, wanted_before: datetime, minutes: int = 30
) -> WaitListEntry:
    """Put a consult on the list: a time that becomes free before that moment is offered to it.

    Raises NotFound, Forbidden, Refused where it waits already or nobody has accepted, Invalid.
    """
    consult = await _arranged(session, actor, consult_id)
    if consult.task is None or consult.task.owner is None:
        raise Refused("A consult can wait for an earlier time once a specialist has accepted it.")
    if not now() < wanted_before <= now() + FURTHEST:
        raise Invalid({"before": "Choose a day to come, within a year."})
    if minutes not in DURATIONS:
        raise Invalid({"minutes": "Choose one of the durations in the list."})
    if await waiting_of(session, consult.id) is not None:
        raise Refused("This consult is on the wait list already.")
    assert actor.role_id is not None, "who arranges has a role"
    entry = WaitListEntry(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        minutes=minutes,
        wanted_before=wanted_before,
        created_by_id=actor.role_id,
        created_at=now(),
    )
    session.add(entry)
    audit.record(session, actor, "earlier-time-awaited", consult, patient_id=consult.patient_id)
    await session.flush()
    return entry


async def leave_wait_list(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> None:
    """It waits no longer. Raises NotFound, Forbidden, Refused where it does not wait."""
    consult = await _arranged(session, actor, consult_id)
    (await _standing(session, consult.id)).status = WaitStatus.LEFT
    audit.record(session, actor, "earlier-time-no-longer-awaited", consult, patient_id=consult.patient_id)
    await session.flush()


async def take_offer(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> None:
    """Book what was offered, or move the booked session there.

    Raises NotFound, Forbidden, Refused where nothing is offered, Invalid where somebody was quicker.
    """
    consult = await _arranged(session, actor, consult_id)
    entry = await _standing(session, consult.id)
    if entry.status is not WaitStatus.OFFERED or entry.starts_at is None:
        raise Refused("No time is offered to this consult now.")
    if may(consult, actor, Verb.MOVE_TIME):
        await move_time(session, actor, consult_id=consult.id, starts_at=entry.starts_at, minutes=entry.minutes)
    else:
        await propose_time(session, actor, consult_id=consult.id, starts_at=entry.starts_at, minutes=entry.minutes)
        await book_appointment(session, actor, consult_id=consult.id)
    entry.status = WaitStatus.TAKEN
    await session.flush()


async def pass_on(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> None:
    """Leave what was offered to the next, and wait on. Raises NotFound, Forbidden, Refused where nothing is offered."""
    consult = await _arranged(session, actor, consult_id)
    entry = await _standing(session, consult.id)
    if entry.status is not WaitStatus.OFFERED:
        raise Refused("No time is offered to this consult now.")
    _pass(entry)
    audit.record(session, actor, "earlier-time-passed-on", consult, patient_id=consult.patient_id)
    await session.flush()


async def entries_waiting(session: AsyncSession) -> Sequence[uuid.UUID]:
    """The consults that wait, who came first first; the system's own question."""
    found = await session.scalars(
        select(WaitListEntry.service_request_id)
        .where(WaitListEntry.status.in_(STANDING))
        .order_by(WaitListEntry.created_at, WaitListEntry.id)
        .limit(AT_MOST)
    )
    return found.all()


async def look_for_earlier(session: AsyncSession, *, consult_id: uuid.UUID) -> Span | None:
    """Offer a consult that waits the first free time before the one it has: the system's own act.

    None where there is none, or it waits no longer. What is offered to others of the same specialist is left to them.
    """
    await lock_consult(session, consult_id)
    consult = (
        await session.scalars(
            select(ServiceRequest)
            .where(ServiceRequest.id == consult_id)
            .options(*whole(), selectinload(ServiceRequest.tasks))
            .execution_options(populate_existing=True)
        )
    ).one()
    entry, moment = await waiting_of(session, consult_id), now()
    if entry is None:
        return None
    booked = consult.appointment if state_of(consult) is ConsultState.SCHEDULED else None
    before = min(entry.wanted_before, booked.starts_at) if booked else entry.wanted_before
    if state_of(consult) not in KEEPS_PLACE or before <= moment:
        entry.status = WaitStatus.LEFT
        return None
    if state_of(consult) is ConsultState.AWAITING_INFO:  # it keeps its place, and others what it cannot take now
        entry.status, entry.offered_at, entry.starts_at, entry.ends_at = WaitStatus.WAITING, None, None, None
        return None
    if entry.status is WaitStatus.OFFERED:
        assert entry.offered_at is not None and entry.starts_at is not None, "an offer is whole"
        if moment - entry.offered_at < PATIENCE and entry.starts_at > moment:
            return None
        _pass(entry)
    passed = entry.starts_at
    others = await _offered_to_others(session, consult)
    found = await free_times(session, SYSTEM, consult, minutes=entry.minutes, most=24)
    free = next(
        (
            time
            for time in found.times
            if time.end <= before and time.start != passed and all(not _meet(time, other) for other in others)
        ),
        None,
    )
    if free is None:
        return None
    entry.status, entry.offered_at = WaitStatus.OFFERED, moment
    entry.starts_at, entry.ends_at = free
    audit.record(
        session,
        SYSTEM,
        "earlier-time-offered",
        consult,
        patient_id=consult.patient_id,
        starts_at=free.start.isoformat(),
    )
    await session.flush()
    await tell_consult(session, "ConsultTimeOffered", consult)
    return free


async def _arranged(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> ServiceRequest:
    consult = await consult_for(session, actor, consult_id, lock=True)
    if not may(consult, actor, Verb.MOVE_TIME):
        require(consult, actor, Verb.PROPOSE_TIME)
    return consult


async def _standing(session: AsyncSession, consult_id: uuid.UUID) -> WaitListEntry:
    entry = await waiting_of(session, consult_id)
    if entry is None:
        raise Refused("This consult is not on the wait list.")
    return entry


def _pass(entry: WaitListEntry) -> None:
    """Back to the end of the list: what was passed on is remembered, so as not to come again at once."""
    entry.status, entry.created_at = WaitStatus.WAITING, now()


async def _offered_to_others(session: AsyncSession, consult: ServiceRequest) -> list[Span]:
    found = await session.execute(
        select(WaitListEntry.starts_at, WaitListEntry.ends_at).where(
            WaitListEntry.status == WaitStatus.OFFERED, WaitListEntry.service_request_id != consult.id
        )
    )
    return [Span(starts_at, ends_at) for starts_at, ends_at in found if starts_at is not None and ends_at is not None]


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
