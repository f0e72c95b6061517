"""One patient registered twice at one establishment: the second is read as the first, and nothing is moved."""

import uuid
from collections.abc import Collection, Mapping

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.errors import Invalid, Refused
from teleconsult.patients.linking import add_link, check_reason, take_turn
from teleconsult.patients.links import LinkBasis, PatientLink
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import patient_for, patient_to_identify


async def merge_patients(
    session: AsyncSession, actor: Actor, *, merged_id: uuid.UUID, kept_id: uuid.UUID, reason: str
) -> PatientLink:
    """Read `merged_id` as `kept_id` from now on; `undo_link` takes it back.

    Raises StepUpNeeded, NotFound and Forbidden as `patient_to_identify` does, Invalid, Refused where one of them was
    merged before.
    """
    merged = await patient_to_identify(session, actor, merged_id)
    kept = await patient_for(session, actor, kept_id)
    require_fresh(actor)
    check_reason(reason)
    if merged.is_temporary or kept.is_temporary:
        raise Refused("Nobody knows yet who this is. Say who it is first.")
    return await add_merge(session, actor, merged_id=merged.id, kept_id=kept.id, reason=reason)


async def add_merge(
    session: AsyncSession, actor: Actor, *, merged_id: uuid.UUID, kept_id: uuid.UUID, reason: str
) -> PatientLink:
    """The same; who may is asked by whoever calls. Raises Invalid for one and the same patient, Refused as above."""
    if merged_id == kept_id:
        raise Invalid({"kept_id": "Choose another patient."})
    await take_turn(session)
    standing = await merges_of(session, (merged_id, kept_id))
    if merged_id in standing:
        raise Refused("This patient was merged into another one already.")
    if kept_id in standing:
        raise Refused("That patient was merged into another one. Choose the one that is kept.")
    return await add_link(session, actor, patient_id=merged_id, other_id=kept_id, basis=LinkBasis.MERGE, reason=reason)


async def merges_of(session: AsyncSession, patient_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, uuid.UUID]:
    """Which of these patients were merged, and into whom."""
    found = await session.execute(
        select(PatientLink.patient_id, PatientLink.other_id).where(
            PatientLink.patient_id.in_(patient_ids),
            PatientLink.basis == LinkBasis.MERGE,
            PatientLink.undone_at.is_(None),
        )
    )
    return dict(found.all())


async def merges_around(session: AsyncSession, patient_ids: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """The merges these patients have a part in, each as who was merged and who is kept."""
    standing = select(PatientLink.patient_id, PatientLink.other_id, PatientLink.linked_at).where(
        PatientLink.basis == LinkBasis.MERGE, PatientLink.undone_at.is_(None)
    )
    sides = (standing.where(side.in_(patient_ids)) for side in (PatientLink.patient_id, PatientLink.other_id))
    found = await session.execute(union(*sides))  # each side by its own index
    return [(merged, kept) for merged, kept, _moment in sorted(found, key=lambda row: (row.linked_at, row.patient_id))]


async def merged_into(
    session: AsyncSession, actor: Actor, patient_ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, Patient]:
    """The patients of the house that these were merged into, by the merged one's id."""
    merges = await merges_of(session, patient_ids)
    kept = {
        patient.id: patient
        for patient in await session.scalars(
            select(Patient).where(Patient.id.in_(set(merges.values())), rows.patients_of_house(actor))
        )
    }
    return {merged: kept[kept_id] for merged, kept_id in merges.items() if kept_id in kept}
