"""What a reader looks for in a file, and the FHIR R4 resource types each kind holds."""

from enum import StrEnum
from typing import Final

from teleconsult.records.models import ResourceType


class EntryKind(StrEnum):
    """What a reader looks for in a file."""

    ENCOUNTERS = "encounters"
    PROBLEMS = "problems"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    LABORATORY = "laboratory"
    DOCUMENTS = "documents"
    IMAGING = "imaging"
    NOTES = "notes"


TYPES_OF: Final = {
    EntryKind.ENCOUNTERS: (ResourceType.ENCOUNTER, ResourceType.PROCEDURE),
    EntryKind.PROBLEMS: (ResourceType.CONDITION, ResourceType.FAMILY_MEMBER_HISTORY),
    EntryKind.MEDICINES: (
        ResourceType.MEDICATION_STATEMENT,
        ResourceType.MEDICATION_REQUEST,
        ResourceType.MEDICATION_ADMINISTRATION,
        ResourceType.IMMUNIZATION,
    ),
    EntryKind.ALLERGIES: (ResourceType.ALLERGY_INTOLERANCE,),
    EntryKind.LABORATORY: (ResourceType.OBSERVATION, ResourceType.DIAGNOSTIC_REPORT),
    EntryKind.DOCUMENTS: (ResourceType.DOCUMENT_REFERENCE,),
    EntryKind.IMAGING: (ResourceType.IMAGING_STUDY,),
    EntryKind.NOTES: (ResourceType.COMPOSITION,),
}
KIND_OF: Final = {kind_of: kind for kind, types in TYPES_OF.items() for kind_of in types}
"""What is listed; the rest is kept for other systems."""
UNLISTED: Final = tuple(kept for kept in ResourceType if kept not in KIND_OF)
