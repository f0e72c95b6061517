"""Saying that two patients are one person, and taking it back: nothing that was written moves either way."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, Text, Uuid, column, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.patients.earlier import forget_recognition
from teleconsult.patients.links import LinkBasis, PatientLink
from teleconsult.patients.models import Patient

LONGEST: Final = 500
TURN: Final = 7302412
"""As in `migrations.identity_walls`."""
MOST_SHOWN: Final = 50
_COLUMNS: Final = (
    *(column("patient_id", Uuid), column("kind", Text)),
    *(column("added_at", DateTime(timezone=True)), column("author", Text)),
)


@dataclass(frozen=True, slots=True)
class Added:
    """Something written about one side while the link stood: what kind (FHIR resource type), never its words."""

    patient_id: uuid.UUID
    kind: str
    added_at: datetime
    author: str
    """Empty where the patient is another establishment's."""


async def add_link(
    session: AsyncSession,
    actor: Actor,
    *,
    patient_id: uuid.UUID,
    other_id: uuid.UUID,
    basis: LinkBasis,
    evidence: Sequence[str] = (),
    reason: str = "",
) -> PatientLink:
    """Link two patients; who may is asked by whoever calls. Both establishments find it in their log.

    Raises Refused where the same link stands already.
    """
    link = PatientLink(
        patient_id=patient_id,
        other_id=other_id,
        basis=basis,
        evidence=list(evidence),
        reason=reason.strip(),
        linked_at=now(),
        linked_by_id=actor.role_id,
    )
    try:
        async with session.begin_nested():
            session.add(link)
    except IntegrityError as error:
        raise Refused("These two are linked already.") from error
    for side in (patient_id, other_id):
        audit.record(
            session,
            actor,
            "patients-merged" if basis is LinkBasis.MERGE else "patients-linked",
            link,
            patient_id=side,
            basis=basis,
        )
    await session.flush()
    await _follow(session, link)
    return link


async def take_turn(session: AsyncSession) -> None:
    """Wait until no other transaction changes who is whom: what is decided by then still holds when it is written.

    The database's own trigger takes the same turn. Whoever locks a patient's row besides takes it before.
    """
    await session.execute(select(func.pg_advisory_xact_lock(TURN)))


async def undo_link(session: AsyncSession, actor: Actor, *, link_id: uuid.UUID, reason: str) -> PatientLink:
    """Part what was linked: each is again whom they were, unless another link holds them together.

    An unknown patient who was recognised by mistake is unknown again.
    Raises NotFound and Forbidden as `link_for` does, StepUpNeeded for a merge, Invalid without a reason, Refused the
    second time.
    """
    link = await link_for(session, actor, link_id)
    if link.basis is LinkBasis.MERGE:
        require_fresh(actor)
    check_reason(reason)
    await session.refresh(link, with_for_update={"of": PatientLink})
    if link.undone_at is not None:
        raise Refused("This was undone already.")
    link.undone_at, link.undone_by_id, link.undo_reason = now(), actor.role_id, reason.strip()
    for side in (link.patient_id, link.other_id):
        audit.record(
            session,
            actor,
            "merge-undone" if link.basis is LinkBasis.MERGE else "link-undone",
            link,
            patient_id=side,
        )
    await session.flush()
    if link.basis is LinkBasis.RESOLUTION:
        await forget_recognition(session, actor, link.patient_id)
    await _follow(session, link)
    return link


async def link_for(session: AsyncSession, actor: Actor, link_id: uuid.UUID) -> PatientLink:
    """A link of a patient whose identity is the actor's to write. Raises NotFound for any other."""
    link = await session.scalar(
        select(PatientLink)
        .where(PatientLink.id == link_id, rows.patient_links(actor))
        .options(*_WHO)
        .execution_options(populate_existing=True)
    )
    if link is None:
        raise NotFound
    return link


async def links_of(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Sequence[PatientLink]:
    """The links of a patient, those that stand first, then the latest; at most 50."""
    found = await session.scalars(
        select(PatientLink)
        .where(or_(PatientLink.patient_id == patient_id, PatientLink.other_id == patient_id), rows.patient_links(actor))
        .order_by(PatientLink.undone_at.is_not(None), PatientLink.linked_at.desc(), PatientLink.id)
        .limit(MOST_SHOWN)
        .options(*_WHO)
    )
    return found.all()


async def added_since(session: AsyncSession, link: PatientLink) -> list[Added]:
    """What was written about either side while the link stood, the latest first; at most 100."""
    found = await session.execute(select(func.added_since_link(link.id).table_valued(*_COLUMNS)))
    return [Added(**row) for row in found.mappings()]


def check_reason(reason: str) -> None:
    """Raise Invalid on `reason` where nobody could learn from it why it was done."""
    if not 3 <= len(reason.strip()) <= LONGEST:
        raise Invalid({"reason": "Say why, in 3 to 500 characters."})


_WHO: Final = tuple(
    joinedload(who).joinedload(PractitionerRole.practitioner) for who in (PatientLink.linked_by, PatientLink.undone_by)
)


async def _follow(session: AsyncSession, link: PatientLink) -> None:
    """The database gave the sides their person: patients that are loaded learn of it."""
    await session.refresh(link, ["identities"])
    loaded = {row.id: row for row in session.identity_map.values() if isinstance(row, Patient)}
    given = select(Patient.id, Patient.person_id, Patient.updated_at).where(Patient.id.in_(loaded))
    for patient_id, person_id, updated_at in await session.execute(given):
        set_committed_value(loaded[patient_id], "person_id", person_id)
        set_committed_value(loaded[patient_id], "updated_at", updated_at)
