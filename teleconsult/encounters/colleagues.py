"""How somebody who was invited to a session comes into its room: as a colleague whom one of the two lets in.

They have a guest's pass of their own: no name of the patient, no papers. What they are to see they are shown in the
call. The same person has the same pass, on whichever device they came last.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.one_time import new_token, token_hash
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import act_as
from teleconsult.directory.models import HealthcareService, Organization, RoleCode, Specialty
from teleconsult.emergencies.models import Emergency, EmergencyPage
from teleconsult.encounters.guest_room import session_goes_on
from teleconsult.encounters.guests import AFTER_BOOKED_TIME, require_place
from teleconsult.encounters.models import Encounter, EncounterParticipant, GuestKind, GuestPass
from teleconsult.errors import NotFound, Refused
from teleconsult.events import tell
from teleconsult.scheduling.hours_models import AppointmentParticipant
from teleconsult.scheduling.models import Appointment, AppointmentStatus

MOST: Final = 100
STANDING: Final = (AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED)


@dataclass(frozen=True, slots=True)
class InvitedSession:
    """A session somebody is invited to, as much of it as they are told."""

    id: uuid.UUID
    """Of the appointment: the consult is not theirs."""
    number: int
    starts_at: datetime
    ends_at: datetime
    specialty: Specialty
    house: str
    asking: str
    """The establishment that asks."""


async def invited_sessions(
    session: AsyncSession, actor: Actor, *, start: datetime, end: datetime
) -> Sequence[InvitedSession]:
    """The sessions between two moments that the actor is invited to, in order. Raises NotFound."""
    require(actor, Permission.AGENDA)
    await act_as(session, SYSTEM)  # what is told is told of a consult that is not theirs
    asking = select(Organization.name).where(Organization.id == ServiceRequest.requester_organization_id)
    found = await session.execute(
        select(
            *(Appointment.id, ServiceRequest.number, Appointment.starts_at, Appointment.ends_at),
            *(HealthcareService.specialty, Organization.name, asking.correlate(ServiceRequest).scalar_subquery()),
        )
        .join(AppointmentParticipant, AppointmentParticipant.appointment_id == Appointment.id)
        .join(ServiceRequest, ServiceRequest.id == Appointment.service_request_id)
        .join(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
        .join(Organization, Organization.id == HealthcareService.organization_id)
        .where(
            AppointmentParticipant.practitioner_role_id == actor.role_id,
            AppointmentParticipant.invited_sequence.is_not(None),
            Appointment.status.in_(STANDING),
            Appointment.starts_at >= start,
            Appointment.starts_at < end,
        )
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(MOST)
    )
    sessions = [InvitedSession(*row) for row in found]
    await act_as(session, actor)
    return sessions


async def pass_for_colleague(session: AsyncSession, actor: Actor, *, appointment_id: uuid.UUID) -> str:
    """The token of the actor's own pass into the room of a session they are invited to: the one before opens no more.

    A coordinator who was rung for an emergency is invited to its session once a specialist has answered: one of the two
    lets them in, as any colleague. Raises NotFound for who is not invited, Refused once the session is over, and where
    the room is full.
    """
    require(actor, Permission.AGENDA)
    await act_as(session, SYSTEM)
    row = (
        await session.execute(
            select(Appointment, Encounter, ServiceRequest.patient_id)
            .join(Encounter, Encounter.appointment_id == Appointment.id)
            .join(ServiceRequest, ServiceRequest.id == Appointment.service_request_id)
            .where(Appointment.id == appointment_id, or_(_is_invited(actor), _was_rung(actor)))
            .with_for_update(of=Encounter)
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    appointment, encounter, patient_id = row
    if not await session.scalar(
        select(session_goes_on())
        .select_from(Encounter)
        .join(Appointment, Appointment.id == Encounter.appointment_id)
        .where(Encounter.id == encounter.id)
    ):
        raise Refused("The room of this session is closed.")
    token, pass_id = new_token(), _pass_id(encounter.id, actor.role_id)
    expires_at = max(appointment.starts_at, now()) + AFTER_BOOKED_TIME
    kept = await session.get(GuestPass, pass_id, populate_existing=True)
    if kept is None:
        await require_place(session, encounter.id)
        kept = GuestPass(
            id=pass_id,
            encounter_id=encounter.id,
            patient_id=patient_id,
            kind=GuestKind.COLLEAGUE,
            name=actor.name,
            created_by_id=appointment.specialist_role_id,
            created_at=now(),
            token_hash=token_hash(token),
            expires_at=expires_at,
        )
        session.add(kept)
        await session.flush()
        session.add(EncounterParticipant(encounter_id=encounter.id, guest_pass_id=kept.id))
    elif kept.revoked_at is not None:
        raise Refused("You were taken off this session. Telephone who holds it.")
    if kept.expires_at <= now():  # invited anew, or the time was moved: one of the two lets them in again
        kept.admitted_at = None
    kept.token_hash, kept.browser_hash, kept.opened_at, kept.expires_at = token_hash(token), None, None, expires_at
    record(session, actor, "colleague-came", kept, patient_id=patient_id, consult=encounter.service_request_id)
    await tell(session, "GuestChanged", consult=encounter.service_request_id, guest=kept.id)
    await session.flush()
    await act_as(session, actor)
    return token


def _is_invited(actor: Actor) -> ColumnElement[bool]:
    return exists().where(
        AppointmentParticipant.appointment_id == Appointment.id,
        AppointmentParticipant.practitioner_role_id == actor.role_id,
        AppointmentParticipant.invited_sequence.is_not(None),
    )


def _was_rung(actor: Actor) -> ColumnElement[bool]:
    """Of the session of an emergency that a specialist has answered: whether this coordinator was rung for it."""
    if actor.role is not RoleCode.COORDINATOR:
        return false()
    return and_(
        Appointment.specialist_role_id.is_not(None),
        exists().where(
            Emergency.service_request_id == Appointment.service_request_id,
            EmergencyPage.emergency_id == Emergency.id,
            EmergencyPage.practitioner_role_id == actor.role_id,
            ServiceRequest.id == Emergency.service_request_id,
            ServiceRequest.service_id == EmergencyPage.service_id,  # the next hospital has coordinators of its own
        ),
    )


async def room_to_come_to(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> uuid.UUID | None:
    """The appointment whose room a coordinator may come to the door of: they were rung for it, and it goes on."""
    if actor.role is not RoleCode.COORDINATOR or consult.appointment is None:
        return None
    return await session.scalar(
        select(Appointment.id)
        .join(Encounter, Encounter.appointment_id == Appointment.id)
        .where(Appointment.id == consult.appointment.id, _was_rung(actor), session_goes_on())
    )


async def end_passes(session: AsyncSession, actor: Actor, roles: Sequence[uuid.UUID]) -> None:
    """Who works here no longer goes out of every room they came to as a colleague. Part of the act that ends it."""
    await act_as(session, SYSTEM)  # whoever administers sees no session
    stands = GuestPass.kind == GuestKind.COLLEAGUE, GuestPass.revoked_at.is_(None), GuestPass.expires_at > now()
    rooms = (await session.scalars(select(GuestPass.encounter_id).where(*stands).distinct())).all()
    mine = [_pass_id(encounter_id, role_id) for encounter_id in rooms for role_id in roles]
    out = await session.execute(
        update(GuestPass)
        .where(GuestPass.id.in_(mine), GuestPass.encounter_id == Encounter.id)
        .values(expires_at=now())
        .returning(GuestPass.id, Encounter.service_request_id)
    )
    for pass_id, consult_id in out.all():
        await tell(session, "GuestChanged", consult=consult_id, guest=pass_id)
    await act_as(session, actor)


async def shut_out(session: AsyncSession, actor: Actor, appointment_id: uuid.UUID, roles: Sequence[uuid.UUID]) -> None:
    """The passes of people who are invited to this time no longer run out now; who is in the room goes out.

    Part of the act that says so, by whoever arranges: they sit in no room.
    """
    if not roles:
        return
    await act_as(session, SYSTEM)
    encounter = await session.scalar(select(Encounter).where(Encounter.appointment_id == appointment_id))
    if encounter is not None:
        mine = [_pass_id(encounter.id, role_id) for role_id in roles]
        out = await session.scalars(
            update(GuestPass)
            .where(GuestPass.id.in_(mine), GuestPass.expires_at > now())
            .values(expires_at=now())
            .returning(GuestPass.id)
        )
        for pass_id in out.all():
            await tell(session, "GuestChanged", consult=encounter.service_request_id, guest=pass_id)
    await act_as(session, actor)


def _pass_id(encounter_id: uuid.UUID, role_id: uuid.UUID | None) -> uuid.UUID:
    """The same for the same person, on whichever device they come."""
    return uuid.uuid5(encounter_id, str(role_id))
