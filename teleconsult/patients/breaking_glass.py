"""Opening a file without a care relation, because somebody might come to harm: to read, for an hour, never unseen.

For patients of other establishments of the network. One's own establishment's have the ordinary door (`patients.care`).
"""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload

from teleconsult import audit, jobs
from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound
from teleconsult.events import tell
from teleconsult.patients.elsewhere import Search, look_up
from teleconsult.patients.models import BreakGlass, GlassReason, Patient
from teleconsult.patients.notices import tell_privacy_officers
from teleconsult.patients.queries import standing_opening

OPEN_FOR: Final = timedelta(hours=1)
SHORTEST_REASON: Final = 10
LONGEST_REASON: Final = 1000


async def break_glass(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, search: Search, kind: str, reason: str
) -> BreakGlass:
    """Open the file of a patient whom `search` names; the privacy officers of their establishment are told at once.

    While it is open, opening it again changes nothing. Raises StepUpNeeded, Invalid on `kind` or `reason`, NotFound
    for a patient whom the search does not name and for who may not.
    """
    require(actor, Permission.BREAK_GLASS)
    require_fresh(actor)
    check_reason(kind, reason)
    patient = next((one for one in await look_up(session, search=search) if one.id == patient_id), None)
    if patient is None:
        raise NotFound
    turn = func.hashtextextended(f"break glass {patient.id} {actor.role_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    standing = await standing_opening(session, actor, patient.id)
    if standing is not None:
        return standing
    moment = now()
    opening = BreakGlass(
        id=uuid.uuid4(),
        patient_id=patient.id,
        organization_id=patient.organization_id,
        practitioner_role_id=actor.role_id,
        kind=GlassReason(kind),
        reason=reason.strip(),
        started_at=moment,
        expires_at=moment + OPEN_FOR,
    )
    session.add(opening)
    audit.record(session, actor, "glass-broken", opening, patient_id=patient.id, kind=kind)
    await session.flush()
    await jobs.defer(session, tell_privacy_officers, opening_id=str(opening.id))
    await tell(session, "GlassBroken", opening=opening.id, organization=opening.organization_id)
    return opening


async def end_opening(session: AsyncSession, actor: Actor, *, opening_id: uuid.UUID) -> None:
    """Close the file before the hour is over. Raises NotFound where it is not open by this actor."""
    opening = await session.scalar(
        select(BreakGlass).where(BreakGlass.id == opening_id, rows.openings(actor)).with_for_update()
    )
    if opening is None:
        raise NotFound
    opening.ended_at = now()
    audit.record(session, actor, "glass-closed", opening, patient_id=opening.patient_id)
    await session.flush()
    await tell(session, "AccessChanged", role=actor.role_id)


async def openings_of(session: AsyncSession, actor: Actor) -> list[BreakGlass]:
    """What stands open to the actor, latest first; patients and their establishments are loaded."""
    found = await session.scalars(
        select(BreakGlass)
        .where(rows.openings(actor))
        .order_by(BreakGlass.started_at.desc())
        .options(joinedload(BreakGlass.patient).joinedload(Patient.organization))
    )
    return list(found)


async def opening_about(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> BreakGlass | None:
    """The opening by which the actor may read what belongs to this patient, or to the same person elsewhere."""
    opened, kept = aliased(Patient), aliased(Patient)
    return await session.scalar(
        select(BreakGlass)
        .join(opened, opened.id == BreakGlass.patient_id)
        .join(kept, kept.person_id == opened.person_id)
        .where(kept.id == patient_id, rows.openings(actor))
        .order_by(BreakGlass.expires_at.desc())
        .limit(1)
        .options(joinedload(BreakGlass.patient).joinedload(Patient.organization))
    )


def check_reason(kind: str, reason: str) -> None:
    """Raise Invalid on `kind` or `reason` where they do not say why the file cannot wait."""
    wrong: dict[str, str] = {}
    if kind not in set(GlassReason):
        wrong |= Invalid({"kind": "Choose why the file cannot wait."}).fields
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        wrong |= Invalid({"reason": "Say in your own words why, in 10 to 1,000 characters."}).fields
    if wrong:
        raise Invalid(wrong)
