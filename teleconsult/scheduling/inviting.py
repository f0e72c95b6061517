"""Further people of a session: who may be asked to it, who is, and who of them hears that they are no longer.

They are booked like the two whose session it is, and find it in their agenda and their calendar: when it is and its
consult's number, nothing of what was asked. Into the room they come as colleagues whom one of the two lets in.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import Organization, Practitioner, PractitionerRole, RoleCode
from teleconsult.errors import Invalid
from teleconsult.scheduling.hours_models import AppointmentParticipant

MOST: Final = 4
"""As many as a room has places for beside the two."""
ASKED: Final = (RoleCode.SPECIALIST, RoleCode.DOCTOR, RoleCode.NURSE)
MOST_SHOWN: Final = 300


async def invitable(session: AsyncSession, consult: ServiceRequest) -> Sequence[PractitionerRole]:
    """Who may be asked to a session of the consult: carers of both houses and of those they share files with.

    By establishment and name; person and establishment are loaded, and the consult is whole.
    """
    found = await session.scalars(
        _roles(consult)
        .order_by(Organization.name, Practitioner.family, Practitioner.given, PractitionerRole.id)
        .limit(MOST_SHOWN)
    )
    return found.all()


async def asked_people(
    session: AsyncSession, consult: ServiceRequest, people: Collection[uuid.UUID]
) -> Sequence[PractitionerRole]:
    """The same, of these roles only. Raises Invalid on `people` for one that may not be asked, and for too many."""
    wanted = set(people)
    if len(wanted) > MOST:
        raise Invalid({"people": "No more than four further people find room in a session."})
    if not wanted:
        return ()
    found = (await session.scalars(_roles(consult).where(PractitionerRole.id.in_(wanted)))).all()
    if {role.id for role in found} != wanted:
        raise Invalid({"people": "Choose from the list."})
    return found


async def invited_to(session: AsyncSession, consult: ServiceRequest) -> list[uuid.UUID]:
    """The roles invited to the consult's time, if there is one, as far as they may still be asked."""
    if consult.appointment is None:
        return []
    held = select(AppointmentParticipant.practitioner_role_id).where(
        AppointmentParticipant.appointment_id == consult.appointment.id,
        AppointmentParticipant.invited_sequence.is_not(None),
    )
    return [role.id for role in await session.scalars(_roles(consult).where(PractitionerRole.id.in_(held)))]


async def names_of_invited(session: AsyncSession, consult: ServiceRequest) -> list[str]:
    """Who is invited to the consult's time, for its page."""
    if consult.appointment is None or consult.service is None:
        return []
    return [role.practitioner.name for role in await asked_people(session, consult, await invited_to(session, consult))]


def _roles(consult: ServiceRequest) -> Select[PractitionerRole]:
    assert consult.service is not None, "what is scheduled was submitted"
    owner = consult.task.owner if consult.task else None
    taken = {consult.requester.practitioner_id} | ({owner.practitioner_id} if owner else set())
    return (
        select(PractitionerRole)
        .join(PractitionerRole.practitioner)
        .join(PractitionerRole.organization)
        .where(
            PractitionerRole.code.in_(ASKED),
            PractitionerRole.ended_at.is_(None),
            PractitionerRole.practitioner_id.not_in(taken),
            _works_together((consult.service.organization, consult.requester_organization)),
        )
        .options(contains_eager(PractitionerRole.practitioner), contains_eager(PractitionerRole.organization))
    )


def _works_together(houses: Sequence[Organization]) -> ColumnElement[bool]:
    networks = {house.sharing_network for house in houses} - {None}
    return or_(Organization.id.in_([house.id for house in houses]), Organization.sharing_network.in_(networks))
