"""Checks of devices and link before a session: kept for the one who made it, shown to those who plan it."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.encounters.guest_room import seat_of_guest
from teleconsult.encounters.link_figures import Devices, Figures
from teleconsult.encounters.link_models import LinkCheck, LinkVerdict
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.encounters.queries import OVER, WITH_ROOM, encounter_for
from teleconsult.errors import Refused, TooMany
from teleconsult.events import tell
from teleconsult.scheduling.models import Appointment

GOOD_FOR: Final = timedelta(hours=24)
"""How long a session opens as its check said: links change from day to day."""
WINDOW: Final = timedelta(hours=1)
MOST: Final = 20
"""Checks one participant may have kept within an hour."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One of the two whose session it is, and the newest check of theirs."""

    name: str
    is_specialist: bool
    role_id: uuid.UUID
    check: LinkCheck | None


@dataclass(frozen=True, slots=True)
class OwnSeat:
    """Whose check it would be: their seat in the session."""

    participant_id: uuid.UUID
    consult_id: uuid.UUID
    patient_id: uuid.UUID
    starts_at: datetime


async def own_seat(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> OwnSeat:
    """The actor's seat in the session of a consult, from its booking on, guests' too, let in or not.

    Raises NotFound for who takes no part in it, Refused once its room is closed.
    """
    if actor.guest_pass_id is not None:
        appointment, kept, participant = await seat_of_guest(session, actor, consult_id=consult_id)
        return OwnSeat(participant.id, consult_id, kept.patient_id, appointment.starts_at)
    live = await encounter_for(session, actor, consult_id)
    if not live.is_open:
        raise Refused("The room of this consult is closed.")
    return OwnSeat(live.mine.participant.id, consult_id, live.patient_id, live.appointment.starts_at)


async def keep_link_check(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    figures: Figures,
    devices: Devices,
    verdict: LinkVerdict,
) -> LinkCheck:
    """Keep what a participant's check found, and what it means for the session (`signaling.verdicts`).

    Raises NotFound and Refused as `own_seat` does, TooMany after twenty within an hour.
    """
    seat = await own_seat(session, actor, consult_id)
    lately = select(func.count()).where(
        LinkCheck.participant_id == seat.participant_id, LinkCheck.checked_at > now() - WINDOW
    )
    if (await session.scalar(lately) or 0) >= MOST:
        raise TooMany("This link was checked many times. Wait an hour.", retry_after=int(WINDOW.total_seconds()))
    check = LinkCheck(
        id=uuid.uuid4(),
        participant_id=seat.participant_id,
        checked_at=now(),
        verdict=verdict,
        round_trip=_whole(figures.round_trip),
        jitter=_whole(figures.jitter),
        loss=figures.loss,
        uplink=_whole(figures.uplink),
        downlink=_whole(figures.downlink),
        ways=[way.value for way in figures.ways],
        blocked_ways=[way.value for way in figures.blocked_ways],
        has_camera=devices.camera,
        has_microphone=devices.microphone,
        has_speaker=devices.speaker,
    )
    session.add(check)
    record(
        session,
        actor,
        "link-checked",
        check,
        patient_id=seat.patient_id,
        consult=str(consult_id),
        verdict=verdict.value,
    )
    await tell(session, "EncounterLinkChecked", consult=consult_id)
    await session.flush()
    return check


async def newest_check(session: AsyncSession, participant_id: uuid.UUID) -> LinkCheck | None:
    """A participant's newest check, however old; None for who never checked."""
    found: LinkCheck | None = await session.scalar(
        select(LinkCheck)
        .where(LinkCheck.participant_id == participant_id)
        .order_by(LinkCheck.checked_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return found


async def check_in_force(session: AsyncSession, participant_id: uuid.UUID) -> LinkCheck | None:
    """The newest, while the session opens as it says; None where there is none of the last 24 hours."""
    check = await newest_check(session, participant_id)
    return check if check is not None and check.checked_at > now() - GOOD_FOR else None


async def checks_of(
    session: AsyncSession, actor: Actor, consult_ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, list[Checked]]:
    """For each consult with a session to come, its two sides, the asking one first, and how their links were.

    One query for a whole list. Consults whose session does not exist for the actor, or is over, are not in it.
    """
    if not consult_ids:
        return {}
    question, ids = _CHECKS.asked_by(actor)
    found = await session.execute(question, {**ids, "consult_ids": consult_ids})
    sides: dict[uuid.UUID, list[Checked]] = {}
    for consult_id, specialist_role_id, role_id, practitioner, newest_of_seat in found:
        side = Checked(practitioner.name, role_id == specialist_role_id, role_id, newest_of_seat)
        sides.setdefault(consult_id, []).append(side)
    for both in sides.values():
        both.sort(key=lambda side: side.is_specialist)
    return sides


def _checks_for(actor: Actor) -> Select[Any]:
    seat, check = aliased(EncounterParticipant), aliased(LinkCheck)
    newest = (
        select(check)
        .where(check.participant_id == seat.id)
        .order_by(check.checked_at.desc())
        .limit(1)
        .lateral("newest")
    )
    return (
        select(Encounter.service_request_id, Appointment.specialist_role_id, PractitionerRole.id, Practitioner)
        .add_columns(aliased(LinkCheck, newest))
        .select_from(Encounter)
        .join(ServiceRequest, ServiceRequest.id == Encounter.service_request_id)
        .join(Appointment, Appointment.id == Encounter.appointment_id)
        .join(seat, seat.encounter_id == Encounter.id)
        .join(PractitionerRole, PractitionerRole.id == seat.practitioner_role_id)
        .join(Practitioner, Practitioner.id == PractitionerRole.practitioner_id)
        .outerjoin(newest, newest.c.participant_id == seat.id)
        .where(
            Encounter.service_request_id.in_(bindparam("consult_ids", expanding=True, type_=UUID(as_uuid=True))),
            rows.consults(actor),
            Encounter.status.not_in(OVER),
            Encounter.ended_at.is_(None),
            Appointment.status.in_(WITH_ROOM),
        )
        .execution_options(populate_existing=True)
    )


_CHECKS: Final = Kept(_checks_for)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
