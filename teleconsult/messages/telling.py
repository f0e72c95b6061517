"""What happened to a consult becomes news for people: owed in the act's own transaction, written within moments.

A row for each person in the role that has a part in the consult. Open pages hear that there is something new; who has
not looked after a while is reached by their own channels (`messages.sending`).
"""

import uuid
from datetime import datetime, timedelta
from typing import Final

from procrastinate import JobContext
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.events import tell
from teleconsult.jobs import app, defer
from teleconsult.messages.audience import Person, audience
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.models import Notice
from teleconsult.messages.occasions import OCCASIONS, Occasion, Topic
from teleconsult.messages.sending import owe_sending
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment

SAME_NEWS: Final = timedelta(minutes=10)
"""The same of the same consult, within this time and not read yet, is said once."""


async def owe_news(
    session: AsyncSession,
    occasion: str,
    *,
    consult_id: uuid.UUID,
    specialist_role_id: uuid.UUID | None,
    by: uuid.UUID | None,
) -> None:
    """Owe both sides the news, but for the role that acted. What is no occasion is only told to open pages."""
    if occasion not in OCCASIONS:
        return
    await defer(
        session,
        tell_people,
        occasion=occasion,
        consult_id=str(consult_id),
        specialist_role_id=str(specialist_role_id) if specialist_role_id else None,
        by=str(by) if by else None,
        occurrence=str(uuid.uuid4()),
        happened_at=now().isoformat(),
    )


@app.task(name="tell_people", pass_context=True, retry=RETRY)
async def tell_people(
    context: JobContext,
    *,
    occasion: str,
    consult_id: str,
    specialist_role_id: str | None,
    by: str | None,
    occurrence: str,
    happened_at: str,
) -> None:
    """Write the news of one occurrence for everybody it is told to, however often the job runs."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        consult = await session.get(ServiceRequest, uuid.UUID(consult_id))
        if consult is None:  # a draft that was erased
            return
        starts_at = await _time_of(session, consult) if "%(time)s" in OCCASIONS[occasion].words["en"] else None
        told = await audience(
            session,
            consult,
            OCCASIONS[occasion].told,
            specialist_role_id=uuid.UUID(specialist_role_id) if specialist_role_id else None,
            but=uuid.UUID(by) if by else None,
        )
        for person in told:
            await add_notice(
                session,
                person,
                occasion,
                consult_id=consult.id,
                occurrence=uuid.UUID(occurrence),
                happened_at=datetime.fromisoformat(happened_at),
                starts_at=starts_at,
            )


async def _time_of(session: AsyncSession, consult: ServiceRequest) -> datetime | None:
    """Of the session as it is planned by now."""
    found: datetime | None = await session.scalar(
        select(Appointment.starts_at).where(
            Appointment.service_request_id == consult.id, Appointment.status.not_in(LOST_APPOINTMENTS)
        )
    )
    return found


async def add_notice(
    session: AsyncSession,
    person: Person,
    occasion: str,
    *,
    consult_id: uuid.UUID,
    occurrence: uuid.UUID,
    happened_at: datetime,
    starts_at: datetime | None = None,
    number: int | None = None,
) -> uuid.UUID | None:
    """Show it to the person, and owe the sending of what is not only shown: the notice's id, None where it is told.

    `number` is the consult's, for who does not see the consult: they are told all the same.
    """
    kind = OCCASIONS[occasion]
    is_own_news = starts_at is not None or kind.topic is Topic.URGENT
    if not is_own_news and await _says_so_already(session, person, occasion, consult_id, happened_at):
        return None
    added: uuid.UUID | None = await session.scalar(
        insert(Notice)
        .values(
            id=uuid.uuid4(),
            practitioner_role_id=person.role.id,
            service_request_id=consult_id,
            occasion=occasion,
            occurrence=occurrence,
            happened_at=happened_at,
            starts_at=starts_at,
            number=number,
            sent_at=happened_at if kind.is_quiet else None,
        )
        .on_conflict_do_nothing(index_elements=["practitioner_role_id", "occurrence"])
        .returning(Notice.id)
    )
    if added is None:
        return None
    await tell(session, "NoticeAdded", role=person.role.id)
    if not kind.is_quiet:
        await owe_sending(session, person.role.id, at_once=_cannot_wait(kind))
    return added


def _cannot_wait(kind: Occasion) -> bool:
    return kind.topic in (Topic.URGENT, Topic.REMINDERS)


async def _says_so_already(
    session: AsyncSession, person: Person, occasion: str, consult_id: uuid.UUID, happened_at: datetime
) -> bool:
    same = await session.scalar(
        update(Notice)
        .where(
            Notice.practitioner_role_id == person.role.id,
            Notice.service_request_id == consult_id,
            Notice.occasion == occasion,
            Notice.read_at.is_(None),
            Notice.happened_at > happened_at - SAME_NEWS,
        )
        .values(happened_at=happened_at)
        .returning(Notice.id)
    )
    return same is not None
