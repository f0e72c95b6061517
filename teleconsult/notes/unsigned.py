"""Notes that wait for a signature: who has to sign is reminded after a day and after three; others see how many.

Who was asked to sign what its author signed already is reminded in the same way (`remind_co_signers`).
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.models import UNSIGNED, ConsultMode, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.db import Sessions, transaction
from teleconsult.jobs import app
from teleconsult.messages.audience import audience, person_in
from teleconsult.messages.meeting_occasions import CO_SIGNATURE
from teleconsult.messages.occasions import OCCASIONS, UNSIGNED_NOTE
from teleconsult.messages.telling import add_notice
from teleconsult.notes.co_signing_models import WAITS_FOR, NoteCoSignature
from teleconsult.notes.models import Composition, CompositionStatus, NoteMark

DAY: Final = timedelta(hours=24)
LEADS: Final = (timedelta(hours=72), DAY)
"""After how long the author is reminded, the longest first."""
AT_ONCE: Final = 500
Remind = Callable[[AsyncSession, uuid.UUID, datetime], Awaitable[int]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many notes wait, and how many of them for longer than a day and than three."""

    total: int
    a_day: int
    three_days: int


def _waits() -> ColumnElement[bool]:
    """The session is over, or the advice was promised in writing; `Task.modified_at` says since when."""
    return and_(
        ServiceRequest.status == RequestStatus.ACTIVE,
        Task.status == TaskStatus.IN_PROGRESS,
        or_(Task.business_status == UNSIGNED, ServiceRequest.mode == ConsultMode.ADVICE),
        ~ServiceRequest.notes.any(NoteMark.status != CompositionStatus.PRELIMINARY),
    )


async def unsigned_counts(session: AsyncSession, actor: Actor) -> Waiting:
    """Of the consults that exist for the actor: numbers alone, nothing of what is written."""
    moment = now()
    since = Task.modified_at
    total, a_day, three_days = (
        await session.execute(
            select(
                func.count(),
                func.count().filter(since <= moment - LEADS[1]),
                func.count().filter(since <= moment - LEADS[0]),
            )
            .select_from(ServiceRequest)
            .join(Task, Task.service_request_id == ServiceRequest.id)
            .where(_waits(), rows.consults(actor))
        )
    ).one()
    return Waiting(total, a_day, three_days)


@app.periodic(cron="7 * * * *")
@app.task(name="remind_of_unsigned_notes", queueing_lock="remind_of_unsigned_notes", pass_context=True)
async def remind_of_unsigned_notes(context: JobContext, timestamp: int) -> None:
    """Every hour."""
    sessions: Sessions = context.additional_context["sessions"]
    reminded = await remind_authors(sessions, now()) + await remind_co_signers(sessions, now())
    if reminded:
        log.info("notes.reminded", people=reminded, due=timestamp)


async def remind_authors(sessions: Sessions, moment: datetime) -> int:
    """Tell each specialist whose note has waited for a day, and for three: how many were told.

    Whatever was missed while nothing ran is made up for by one reminder.
    """
    return await _remind_each(sessions, await _overdue(sessions, moment), _remind_of, moment, of="task")


async def remind_co_signers(sessions: Sessions, moment: datetime) -> int:
    """Tell each member whose signature a conclusion has waited for a day, and for three: how many were told."""
    return await _remind_each(sessions, await _asked_long_ago(sessions, moment), _remind_member, moment, of="asked")


async def _remind_each(
    sessions: Sessions, ids: Sequence[uuid.UUID], remind: Remind, moment: datetime, *, of: str
) -> int:
    """Each in a transaction of its own: one that fails keeps nobody else from being told."""
    told = 0
    for one in ids:
        try:
            async with transaction(sessions, SYSTEM) as session:
                told += await remind(session, one, moment)
        except Exception:
            log.exception("notes.not_reminded", **{of: str(one)})
    return told


async def _asked_long_ago(sessions: Sessions, moment: datetime) -> Sequence[uuid.UUID]:
    async with transaction(sessions, SYSTEM) as session:
        return (
            await session.scalars(
                select(NoteCoSignature.id)
                .where(
                    NoteCoSignature.signed_at.is_(None),
                    NoteCoSignature.asked_at.between(moment - WAITS_FOR, moment - DAY),
                    func.note_stands(NoteCoSignature.composition_id),
                )
                .order_by(NoteCoSignature.asked_at)
                .limit(AT_ONCE)
            )
        ).all()


async def _remind_member(session: AsyncSession, asked_id: uuid.UUID, moment: datetime) -> int:
    asked = await session.get_one(NoteCoSignature, asked_id)
    person = await person_in(session, asked.practitioner_role_id) if asked.waits(moment) else None
    if person is None:
        return 0
    lead = next(lead for lead in LEADS if asked.asked_at <= moment - lead)
    note = await session.get_one(Composition, asked.composition_id)
    consult = await session.get_one(ServiceRequest, note.service_request_id)
    added = await add_notice(
        session,
        person,
        CO_SIGNATURE,
        consult_id=consult.id,
        occurrence=uuid.uuid5(asked.id, f"unsigned {lead}"),
        happened_at=moment,
        number=consult.number,
    )
    return int(added is not None)


async def _overdue(sessions: Sessions, moment: datetime) -> Sequence[uuid.UUID]:
    async with transaction(sessions, SYSTEM) as session:
        return (
            await session.scalars(
                select(Task.id)
                .join(ServiceRequest, ServiceRequest.id == Task.service_request_id)
                .where(_waits(), Task.modified_at <= moment - DAY)
                .order_by(Task.modified_at)
                .limit(AT_ONCE)
            )
        ).all()


async def _remind_of(session: AsyncSession, task_id: uuid.UUID, moment: datetime) -> int:
    task = await session.get_one(Task, task_id)
    if task.status is not TaskStatus.IN_PROGRESS or task.owner_role_id is None:
        return 0
    lead = next(lead for lead in LEADS if task.modified_at <= moment - lead)
    consult = await session.get_one(ServiceRequest, task.service_request_id)
    people = await audience(
        session, consult, OCCASIONS[UNSIGNED_NOTE].told, specialist_role_id=task.owner_role_id, but=None
    )
    told = 0
    for person in people:
        added = await add_notice(
            session,
            person,
            UNSIGNED_NOTE,
            consult_id=consult.id,
            occurrence=uuid.uuid5(task.id, f"unsigned {task.modified_at.isoformat()} {lead}"),
            happened_at=moment,
        )
        told += added is not None
    return told
