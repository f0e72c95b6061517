"""Stays in a booked session that lie in the past, as the room would have kept them."""

import uuid
from datetime import timedelta

from sqlalchemy import select

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.call_models import Attendance, Departure
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.scheduling.models import Appointment


async def moved(sessions: Sessions, consult_id: uuid.UUID, *, ended: int, lasting: int = 30) -> None:
    """The booked time ended so many minutes ago."""
    async with transaction(sessions) as session:
        appointment = (
            await session.scalars(select(Appointment).where(Appointment.service_request_id == consult_id))
        ).one()
        appointment.ends_at = now() - timedelta(minutes=ended)
        appointment.starts_at = appointment.ends_at - timedelta(minutes=lasting)


async def was_there(
    sessions: Sessions,
    consult_id: uuid.UUID,
    who: Actor,
    *,
    came: float,
    went: float | None,
    how: Departure = Departure.LOST,
    seen: float = 0,
) -> None:
    """They came and went so many minutes ago; `went` None: they have not, and were `seen` so many minutes ago."""
    moment = now()
    async with transaction(sessions) as session:
        seat = (
            await session.scalars(
                select(EncounterParticipant)
                .join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
                .where(
                    Encounter.service_request_id == consult_id, EncounterParticipant.practitioner_role_id == who.role_id
                )
            )
        ).one()
        went_at = None if went is None else moment - timedelta(minutes=went)
        session.add(
            Attendance(
                encounter_id=seat.encounter_id,
                participant_id=seat.id,
                came_at=moment - timedelta(minutes=came),
                seen_at=went_at or moment - timedelta(minutes=seen),
                went_at=went_at,
                how=how if went_at else None,
            )
        )
        seat.arrived_at, seat.left_at = moment - timedelta(minutes=came), went_at
