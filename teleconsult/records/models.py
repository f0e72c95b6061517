"""The patient file: clinical entries, each a FHIR R4 resource with its origin and author."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Organization
from teleconsult.patients.models import Patient


class ResourceType(StrEnum):
    """The FHIR R4 resource types a file is made of."""

    ENCOUNTER = "Encounter"
    CONDITION = "Condition"
    ALLERGY_INTOLERANCE = "AllergyIntolerance"
    MEDICATION_STATEMENT = "MedicationStatement"
    OBSERVATION = "Observation"
    IMMUNIZATION = "Immunization"
    PROCEDURE = "Procedure"
    DIAGNOSTIC_REPORT = "DiagnosticReport"
    DOCUMENT_REFERENCE = "DocumentReference"
    IMAGING_STUDY = "ImagingStudy"
    COMPOSITION = "Composition"


class EntryStatus(StrEnum):
    """Whether an entry stands. A wrong one stays visible, marked."""

    CURRENT = "current"
    ENTERED_IN_ERROR = "entered-in-error"


class RecordEntry(Base):
    """One entry of a patient's file. `title` is what a list shows; `resource` is the entry itself."""

    __tablename__ = "record_entry"
    __table_args__ = (
        Index("ix_record_entry_timeline", "patient_id", "effective_at", "id"),
        Index("ix_record_entry_kind", "patient_id", "resource_type", "effective_at", "id"),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    resource_type: Mapped[ResourceType]
    status: Mapped[EntryStatus] = mapped_column(default=EntryStatus.CURRENT)
    version: Mapped[int] = mapped_column(default=1)
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    author_name: Mapped[str]
    author_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    title: Mapped[str]
    resource: Mapped[dict[str, Any]]
    source_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    """The study or note of ours this entry stands for, where there is one."""

    patient: Mapped[Patient] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")
