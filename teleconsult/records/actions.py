"""Put an entry into a patient's file."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound
from teleconsult.patients.models import Patient
from teleconsult.records.describing import described
from teleconsult.records.models import Origin, RecordEntry, ResourceType

LARGEST = 256 * 1024
"""Bytes a resource may have as JSON; what is larger belongs into the object store, with a reference here."""
LONGEST_TITLE = 300

_PATIENT_ELEMENT = dict.fromkeys(
    (
        ResourceType.ALLERGY_INTOLERANCE,
        ResourceType.IMMUNIZATION,
        ResourceType.DEVICE,
        ResourceType.FAMILY_MEMBER_HISTORY,
        ResourceType.SUPPLY_DELIVERY,
        ResourceType.CLAIM,
        ResourceType.EXPLANATION_OF_BENEFIT,
    ),
    "patient",
)
"""Where FHIR R4 names the patient other than as `subject`."""


async def file_entry(
    session: AsyncSession,
    actor: Actor,
    *,
    patient_id: uuid.UUID,
    resource: Mapping[str, Any],
    title: str,
    effective_at: datetime,
    author_name: str | None = None,
    author_role_id: uuid.UUID | None = None,
    organization_id: uuid.UUID | None = None,
    source_id: uuid.UUID | None = None,
    origin: Origin = Origin.HAND,
    source: str = "",
    entry_id: uuid.UUID | None = None,
    episode_id: uuid.UUID | None = None,
) -> RecordEntry:
    """Add a FHIR R4 resource to the file of `patient_id`; its `id` and patient are set to the entry's own.

    The caller has looked the patient (or the consult) up through the actor. Author and establishment of origin
    are the actor's where nothing else is said; the patient's establishment when the system files.
    `source_id` is the study or note of ours that the entry stands for, `origin` the door it came by and `source` what
    the sending system is called, `episode_id` the entry of the Encounter it belongs to. `entry_id` is drawn where it
    is not given. `effective_at` must be aware.
    Raises NotFound for an unknown patient, Invalid for a resource that no file can hold.
    """
    patient = await session.get(Patient, patient_id)
    if patient is None:
        raise NotFound
    kind = checked(resource, title, effective_at)
    entry = RecordEntry(
        id=entry_id or uuid.uuid4(),
        patient_id=patient_id,
        organization_id=organization_id or actor.organization_id or patient.organization_id,
        resource_type=kind,
        effective_at=effective_at,
        recorded_at=now(),
        author_name=actor.name if author_name is None else author_name,
        author_role_id=author_role_id or (actor.role_id if author_name is None else None),
        title=title.strip(),
        source_id=source_id,
        origin=origin,
        source=source,
        episode_id=episode_id,
    )
    entry.resource = own_resource(entry, resource)
    describe(entry)
    session.add(entry)
    await session.flush()
    audit.record(session, actor, "entry-filed", entry, patient_id=patient_id, resource_type=kind.value)
    return entry


def own_resource(entry: RecordEntry, resource: Mapping[str, Any]) -> dict[str, Any]:
    """The resource under the entry's own id and patient, whatever it said before."""
    reference = {"reference": f"Patient/{entry.patient_id}"}
    return {**resource, "id": str(entry.id), patient_element(entry.resource_type): reference}


def patient_element(kind: ResourceType) -> str:
    """Where a resource of this kind names its patient."""
    return _PATIENT_ELEMENT.get(kind, "subject")


def describe(entry: RecordEntry) -> None:
    """Bring the columns by which the entry is found up to what its resource says."""
    read = described(entry.resource, title=entry.title)
    entry.category, entry.code_system, entry.code = read.category, read.code_system, read.code
    entry.value, entry.unit, entry.ended_at, entry.searched = read.value, read.unit, read.ended_at, read.searched


def checked(resource: Mapping[str, Any], title: str, effective_at: datetime) -> ResourceType:
    """What kind of entry it is. Raises Invalid for a resource or a title that no file can hold."""
    if effective_at.tzinfo is None:
        raise ValueError("effective_at must be aware")
    if not title.strip() or len(title) > LONGEST_TITLE:
        raise Invalid({"title": "Give the entry a title of at most 300 characters."})
    try:
        kind = ResourceType(resource.get("resourceType", ""))
        written = json.dumps(dict(resource), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid({"resource": "This is not a resource that a patient file can hold."}) from error
    if len(written) > LARGEST:
        raise Invalid({"resource": "This entry is too large for the file."})
    if b"\\u0000" in written or "\0" in title:
        raise Invalid({"resource": "This is not a resource that a patient file can hold."})
    return kind
