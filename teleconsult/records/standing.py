"""What is about to be written and stands in the file already: said before it stands there twice."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.patients.names import fold
from teleconsult.patients.queries import PatientFile
from teleconsult.records.models import RecordEntry, ResourceType
from teleconsult.records.queries import summary
from teleconsult.records.writing import Written, entry_id_of

_TOLD_TWICE: Final = (ResourceType.ALLERGY_INTOLERANCE, ResourceType.MEDICATION_STATEMENT)


async def standing_already(
    session: AsyncSession, actor: Actor, file: PatientFile, *, written: Written, key: uuid.UUID
) -> RecordEntry | None:
    """The current allergy or medicine of the same words, without accents or case, whoever wrote it.

    None for anything else, and for what this very form wrote when it was sent before (`key`, as in `write_entries`).
    """
    if written.resource.get("resourceType") not in _TOLD_TWICE:
        return None
    stands = await summary(session, file)
    own_id, words = entry_id_of(actor, file.patient.id, key=key), fold(written.title)
    known = (*stands.allergies, *stands.medicines)
    alike = (one for one in known if fold(one.title) == words and one.resource_type == written.resource["resourceType"])
    found = next(alike, None)
    return None if found is None or found.id == own_id else found
