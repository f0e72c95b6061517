"""Finding consults through the actor: the one look-up for pages, sockets and machines."""

import uuid
from typing import Final

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest, Task
from teleconsult.directory.models import HealthcareService, PractitionerRole
from teleconsult.errors import NotFound
from teleconsult.scheduling.models import Appointment

_LOCK: Final = select(ServiceRequest.id).where(ServiceRequest.id == bindparam("consult_id")).with_for_update()


def whole() -> tuple[ORMOption, ...]:
    """What a consult is loaded with: all that its state, a card or its page needs, in a constant number of queries."""
    people = (
        joinedload(Task.owner).joinedload(PractitionerRole.practitioner),
        joinedload(Task.assigned).joinedload(PractitionerRole.practitioner),
    )
    return (
        joinedload(ServiceRequest.patient),
        joinedload(ServiceRequest.requester).joinedload(PractitionerRole.practitioner),
        joinedload(ServiceRequest.requester_organization),
        joinedload(ServiceRequest.service).joinedload(HealthcareService.organization),
        joinedload(ServiceRequest.task).options(*people),
        joinedload(ServiceRequest.appointment).joinedload(Appointment.encounter),
        selectinload(ServiceRequest.tasks).options(*people),
        selectinload(ServiceRequest.notes),
    )


def _whole_for(actor: Actor) -> Select[ServiceRequest]:
    return (
        select(ServiceRequest)
        .where(ServiceRequest.id == bindparam("consult_id"), rows.consults(actor))
        .options(*whole())
        .execution_options(populate_existing=True)
    )


_WHOLE: Final = Kept(_whole_for)


async def consult_for(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, *, lock: bool = False
) -> ServiceRequest:
    """The consult with its patient, people, service, tasks, appointment, encounter and notes.

    Raises NotFound alike for an unknown id and for one this actor may not know of. With `lock` the request
    stays locked until the transaction ends: two people acting at once come one after the other, and the
    second sees what the first did.
    """
    if lock:
        await lock_consult(session, consult_id)
    question, ids = _WHOLE.asked_by(actor)
    consult = await session.scalar(question, {**ids, "consult_id": consult_id})
    if consult is None:
        raise NotFound
    return consult


async def lock_consult(session: AsyncSession, consult_id: uuid.UUID) -> None:
    """Take turns on a consult: everything that changes it, its task, its time or its session locks this one row first.

    A statement of its own, so that the next one reads what was committed while we waited.
    """
    await session.execute(_LOCK, {"consult_id": consult_id})
