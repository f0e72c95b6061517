"""A CDA document goes into the file of whom it is about, once, and into no other."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.cda.telling import Told
from teleconsult.errors import Invalid
from teleconsult.patients.names import fold_number
from teleconsult.patients.queries import identifiers_of, treated_patient
from teleconsult.records.identifying import Number, known_as
from teleconsult.records.models import RecordEntry, ResourceType


def number_of(told: Told) -> Number | None:
    """The document's own number, as R4 writes it; None where it has none."""
    return (f"urn:oid:{told.number.root}", told.number.extension or told.number.root) if told.number.root else None


async def known_document(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, told: Told
) -> RecordEntry | None:
    """The entry of this document, if it is in a file of the establishment already.

    Raises NotFound and Forbidden as `treated_patient` does, Invalid on field `files` where the document is somebody
    else's, or stands in another patient's file.
    """
    patient = await treated_patient(session, actor, patient_id)
    numbers = frozenset(fold_number(one.value) for one in await identifiers_of(session, patient))
    if not told.is_about(patient, numbers=numbers):
        raise Invalid(
            {"files": "This document is about somebody else: %(name)s, born %(born)s. It was not added."},
            name=f"{told.family.upper()} {told.given}".strip() or "?",
            born=told.birth_date.isoformat() if told.birth_date else "?",
        )
    number = number_of(told)
    found = await known_as(session, actor, kind=ResourceType.DOCUMENT_REFERENCE, number=number) if number else []
    if found and found[0].patient_id != patient.id:
        raise Invalid({"files": "This document stands in another patient's file already."})
    return found[0] if found else None
