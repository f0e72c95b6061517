"""How the sessions of an establishment went, over weeks: numbers alone, of no patient and of nobody in particular."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Float, Select, SQLColumnExpression, and_, case, cast, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import act_as, plan_anew
from teleconsult.directory.models import HealthcareService, Organization, PractitionerRole
from teleconsult.encounters.call_models import CallSummary
from teleconsult.encounters.link_models import LinkCheck, LinkVerdict
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.scheduling.models import Appointment, AppointmentStatus

PERIODS: Final = (7, 30, 90, 365)
"""Days that can be looked back."""
MOST_SITES: Final = 20
MOST_PARTNERS: Final = 100
HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all sessions of the period. Shares are 0 to 1, None where there is nothing to share."""

    held: int
    missed: int
    no_requester: int
    no_specialist: int
    summed: int
    """Sessions whose course is known."""
    median_seconds: float | None
    video: float | None
    pictures: float | None
    sound: float | None
    interruptions_an_hour: float | None


@dataclass(frozen=True, slots=True)
class Site:
    """How the links of one establishment did."""

    name: str
    sessions: int
    weak: float | None
    interruptions_an_hour: float | None
    loss: float | None
    round_trip: float | None


@dataclass(frozen=True, slots=True)
class Foretold:
    """What became of links of which a check had said this much, in sides of sessions."""

    verdict: LinkVerdict
    video: int
    pictures: int
    sound: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the page shows."""

    totals: Totals
    sites: Sequence[Site]
    foretold: Sequence[Foretold]
    partners: Sequence[tuple[uuid.UUID, str]]
    """The establishments there were sessions with, to choose one of."""


async def overview(session: AsyncSession, actor: Actor, *, days: int, partner_id: uuid.UUID | None = None) -> Overview:
    """Of sessions booked for the last so many days that the actor's establishment asked for or answered.

    Raises NotFound for who has no part in it.
    """
    require(actor, Permission.SESSIONS_OVERVIEW)
    assert actor.organization_id is not None, "the permission is an establishment's"
    moment = now()
    since = moment - timedelta(days=days)
    among = _among(actor.organization_id, since, moment)
    chosen = and_(among, _side_of(partner_id)) if partner_id is not None else among
    await plan_anew(session)
    await act_as(session, SYSTEM)  # only numbers come back: those who see them may see no session
    try:
        return Overview(
            totals=await _totals(session, chosen),
            sites=[Site(*row) for row in await session.execute(_sites(chosen))],
            foretold=[Foretold(*row) for row in await session.execute(_foretold(chosen))],
            partners=[(row.id, row.name) for row in await session.execute(_partners(actor.organization_id, among))],
        )
    finally:
        await act_as(session, actor)


def _among(house: uuid.UUID, since: datetime, until: datetime) -> ColumnElement[bool]:
    is_over = or_(Appointment.starts_at < until, Appointment.status == AppointmentStatus.FULFILLED)  # held early, too
    return and_(Appointment.starts_at >= since, is_over, _side_of(house))


def _side_of(house: uuid.UUID) -> ColumnElement[bool]:
    return or_(ServiceRequest.requester_organization_id == house, HealthcareService.organization_id == house)


def _sessions(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Appointment)
        .join(ServiceRequest, ServiceRequest.id == Appointment.service_request_id)
        .join(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
    )


def _sides(*columns: Any) -> Select[Any]:
    return (
        _sessions(*columns)
        .join(Encounter, Encounter.appointment_id == Appointment.id)
        .join(CallSummary, CallSummary.encounter_id == Encounter.id)
    )


async def _totals(session: AsyncSession, chosen: ColumnElement[bool]) -> Totals:
    missed = Appointment.status == AppointmentStatus.NOSHOW
    counts = (
        await session.execute(
            _sessions(
                func.count().filter(Appointment.status == AppointmentStatus.FULFILLED),
                func.count().filter(missed),
                func.count().filter(missed, Appointment.status_reason == "no-requester"),
                func.count().filter(missed, Appointment.status_reason == "no-specialist"),
            ).where(chosen)
        )
    ).one()
    measured = CallSummary.video_seconds + CallSummary.picture_seconds + CallSummary.sound_seconds
    a_session = (
        _sides(
            func.max(CallSummary.seconds).label("seconds"),
            func.sum(CallSummary.seconds).label("both"),
            func.sum(CallSummary.interruptions).label("interruptions"),
            func.sum(CallSummary.video_seconds).label("video"),
            func.sum(CallSummary.picture_seconds).label("pictures"),
            func.sum(CallSummary.sound_seconds).label("sound"),
            func.sum(measured).label("measured"),
        )
        .where(chosen, Appointment.status == AppointmentStatus.FULFILLED)
        .group_by(Encounter.id)
        .subquery()
    )
    course = (
        await session.execute(
            select(
                func.count(),
                func.percentile_cont(0.5).within_group(a_session.c.seconds),
                _share(a_session.c.video, a_session.c.measured),
                _share(a_session.c.pictures, a_session.c.measured),
                _share(a_session.c.sound, a_session.c.measured),
                _share(a_session.c.interruptions * HOUR, a_session.c.both),
            )
        )
    ).one()
    return Totals(*counts, *course)


def _sites(chosen: ColumnElement[bool]) -> Select[Any]:
    weak = _share(CallSummary.weak_seconds, CallSummary.seconds)
    return (
        _sides(
            Organization.name,
            func.count(),
            weak,
            _share(CallSummary.interruptions * HOUR, CallSummary.seconds),
            func.avg(cast(CallSummary.loss, Float) / 1000),
            func.percentile_cont(0.5).within_group(CallSummary.round_trip),
        )
        .join(EncounterParticipant, EncounterParticipant.id == CallSummary.participant_id)
        .join(PractitionerRole, PractitionerRole.id == EncounterParticipant.practitioner_role_id)
        .join(Organization, Organization.id == PractitionerRole.organization_id)
        .where(chosen)
        .group_by(Organization.id)
        .order_by(weak.desc().nulls_last(), Organization.name)
        .limit(MOST_SITES)
    )


def _foretold(chosen: ColumnElement[bool]) -> Select[Any]:
    """By the last check before the session began; what became of it is what was sent for longest."""
    newest = (
        select(LinkCheck.verdict)
        .where(LinkCheck.participant_id == CallSummary.participant_id, LinkCheck.checked_at <= Encounter.started_at)
        .order_by(LinkCheck.checked_at.desc())
        .limit(1)
        .lateral()
    )
    longest = func.greatest(CallSummary.video_seconds, CallSummary.picture_seconds, CallSummary.sound_seconds)
    became = case(
        (CallSummary.video_seconds == longest, "video"),
        (CallSummary.picture_seconds == longest, "pictures"),
        else_="sound",
    )
    rank = case({verdict: place for place, verdict in enumerate(LinkVerdict)}, value=newest.c.verdict)
    return (
        _sides(newest.c.verdict, *(func.count().filter(became == word) for word in ("video", "pictures", "sound")))
        .join(newest, literal(True))
        .where(chosen, longest > 0)
        .group_by(newest.c.verdict)
        .order_by(rank)
    )


def _partners(house: uuid.UUID, among: ColumnElement[bool]) -> Select[Any]:
    return (
        _sessions(Organization.id, Organization.name)
        .join(
            Organization,
            or_(
                Organization.id == ServiceRequest.requester_organization_id,
                Organization.id == HealthcareService.organization_id,
            ),
        )
        .where(among, Organization.id != house)
        .distinct()
        .order_by(Organization.name)
        .limit(MOST_PARTNERS)
    )


def _share(part: SQLColumnExpression[Any], whole: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    return cast(func.sum(part), Float) / func.nullif(func.sum(whole), 0)
