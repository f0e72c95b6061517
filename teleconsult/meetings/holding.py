"""Who and what a meeting and its cases keep free: rows that the database makes binding, and compares."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.errors import Invalid
from teleconsult.scheduling.diaries import Needed
from teleconsult.scheduling.hours_models import AppointmentParticipant, BookableResource
from teleconsult.scheduling.models import Appointment


async def keep_free(session: AsyncSession, appointment: Appointment, needed: Needed) -> None:
    """Have the appointment need just these people and things. Inside of `holding.in_turn`."""
    wanted = {*needed.roles, *needed.things}
    held = AppointmentParticipant.appointment_id == appointment.id
    kept = {
        one.practitioner_role_id or one.resource_id: one
        for one in await session.scalars(select(AppointmentParticipant).where(held))
    }
    gone = [row.id for id, row in kept.items() if id not in wanted]
    await session.execute(delete(AppointmentParticipant).where(AppointmentParticipant.id.in_(gone)))
    session.add_all(
        AppointmentParticipant(
            appointment_id=appointment.id,
            practitioner_role_id=id if id in needed.roles else None,
            resource_id=id if id in needed.things else None,
            buffer_minutes=int(needed.buffer(id).total_seconds() // 60),
        )
        for id in wanted - kept.keys()
    )
    await session.flush()


def only(*roles: uuid.UUID) -> Needed:
    """Just these people, whatever their hours."""
    return Needed({}, {}, roles, (), {})


async def things_of_house(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[BookableResource]:
    """Rooms and devices of an establishment, rooms first."""
    found = await session.scalars(
        select(BookableResource)
        .where(BookableResource.organization_id == organization_id, BookableResource.retired_at.is_(None))
        .order_by(BookableResource.kind.desc(), BookableResource.name, BookableResource.id)
        .limit(300)
    )
    return found.all()


async def chosen_things(
    session: AsyncSession, organization_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> Sequence[BookableResource]:
    """Those of them with these ids. Raises Invalid on `things` for one that is not the establishment's."""
    found = [thing for thing in await things_of_house(session, organization_id) if thing.id in ids]
    if len(found) != len(set(ids)):
        raise Invalid({"things": "Choose from the list."})
    return found


async def held_things(session: AsyncSession, appointment_id: uuid.UUID) -> set[uuid.UUID]:
    """The rooms and devices that an appointment keeps."""
    found = await session.scalars(
        select(AppointmentParticipant.resource_id).where(AppointmentParticipant.appointment_id == appointment_id)
    )
    return {id for id in found if id is not None}
