"""What of a file may go into an excerpt, and what usually does."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import Actor
from teleconsult.patients.queries import file_of
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType

MOST_SHOWN: Final = 200


async def choosable_entries(session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID) -> Sequence[RecordEntry]:
    """The newest 200 standing entries of the file as the actor may read it, over all linked establishments.

    Raises NotFound or Forbidden where the file is not open to them.
    """
    file = await file_of(session, actor, patient_id)
    return (await session.scalars(_standing(file.patient_ids).limit(MOST_SHOWN))).all()


async def chosen_entries(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, entry_ids: Collection[uuid.UUID]
) -> Sequence[RecordEntry]:
    """Those of `entry_ids` that stand in the file as the actor may read it, newest first. Raises as above."""
    file = await file_of(session, actor, patient_id)
    return (await session.scalars(_standing(file.patient_ids).where(RecordEntry.id.in_(entry_ids)))).all()


def is_usual(entry: RecordEntry) -> bool:
    """Whether an entry is chosen beforehand: active problems, allergies that stand, medicines taken now."""
    resource = entry.resource
    match entry.resource_type:
        case ResourceType.CONDITION:
            return _coded(resource, "clinicalStatus") in {"active", "recurrence", "relapse", ""}
        case ResourceType.ALLERGY_INTOLERANCE:
            return _coded(resource, "clinicalStatus") in {"active", ""}
        case ResourceType.MEDICATION_STATEMENT:
            return resource.get("status") in {"active", "recorded", "intended"}
        case _:
            return False


def _standing(patient_ids: Collection[uuid.UUID]) -> Select[RecordEntry]:
    return (
        select(RecordEntry)
        .where(RecordEntry.patient_id.in_(patient_ids), RecordEntry.status == EntryStatus.CURRENT)
        .order_by(RecordEntry.effective_at.desc(), RecordEntry.id)
        .options(joinedload(RecordEntry.organization))
    )


def _coded(resource: dict[str, Any], element: str) -> str:
    """The first code of a CodeableConcept element (FHIR R4), empty where there is none."""
    codings = resource.get(element, {}).get("coding") or [{}]
    return str(codings[0].get("code", ""))
