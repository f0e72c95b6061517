"""The patient file: clinical entries, each a FHIR R4 resource with its origin and author."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Computed, ForeignKey, Index, UniqueConstraint, literal
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Organization
from teleconsult.patients.models import Patient


class ResourceType(StrEnum):
    """The FHIR R4 resource types a file is made of; those after COMPOSITION are kept for other systems, not listed."""

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
    MEDICATION_REQUEST = "MedicationRequest"
    MEDICATION_ADMINISTRATION = "MedicationAdministration"
    FAMILY_MEMBER_HISTORY = "FamilyMemberHistory"
    CARE_PLAN = "CarePlan"
    CARE_TEAM = "CareTeam"
    GOAL = "Goal"
    DEVICE = "Device"
    SPECIMEN = "Specimen"
    SUPPLY_DELIVERY = "SupplyDelivery"
    PROVENANCE = "Provenance"
    CLAIM = "Claim"
    EXPLANATION_OF_BENEFIT = "ExplanationOfBenefit"


class EntryStatus(StrEnum):
    """Whether an entry stands. A wrong one stays visible, marked."""

    CURRENT = "current"
    ENTERED_IN_ERROR = "entered-in-error"


class Origin(StrEnum):
    """By which door an entry came into the file."""

    HAND = "hand"
    CONSULT = "consult"
    FHIR = "fhir"
    HL7 = "hl7v2"
    CDA = "cda"
    IMPORT = "import"
    DICOM = "dicom"


class RecordEntry(Base):
    """One entry of a patient's file. `title` is what a list shows; `resource` is the entry itself."""

    __tablename__ = "record_entry"
    __table_args__ = (
        Index("ix_record_entry_timeline", "patient_id", "effective_at", "id"),
        Index("ix_record_entry_kind", "patient_id", "resource_type", "effective_at", "id"),
        Index("ix_record_entry_measures", "patient_id", "code", "effective_at", postgresql_where="code <> ''"),
        Index("ix_record_entry_organization", "patient_id", "organization_id"),
        Index("ix_record_entry_episode", "episode_id", postgresql_where="episode_id is not null"),
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
    origin: Mapped[Origin] = mapped_column(default=Origin.HAND, server_default=Origin.HAND.value)
    source: Mapped[str] = mapped_column(default="", server_default="")
    """What the sending system is called; empty for what was written here."""
    status_reason: Mapped[str] = mapped_column(default="", server_default="")
    """Why it was entered in error, in the words of who said so."""
    ended_at: Mapped[datetime | None]
    """The end of the period that `effective_at` begins; None for a moment, or for what goes on."""
    episode_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("record_entry.id"))
    """The entry of the Encounter it belongs to."""
    category: Mapped[str] = mapped_column(default="", server_default="")
    """The code of the resource's first category: `laboratory`, `vital-signs`…"""
    code_system: Mapped[str] = mapped_column(default="", server_default="")
    code: Mapped[str] = mapped_column(default="", server_default="")
    """Its first coding: a value is followed over time by it."""
    value: Mapped[float | None]
    unit: Mapped[str] = mapped_column(default="", server_default="")
    """`valueQuantity` of an Observation, to be drawn; the resource itself holds it exactly."""
    searched: Mapped[str] = mapped_column(default="", server_default="", deferred=True)
    """Its words without accents or case (`patients.names.fold`), for the search in full text."""
    words: Mapped[str] = mapped_column(
        TSVECTOR, Computed("to_tsvector('simple'::regconfig, searched)", persisted=True), deferred=True
    )

    patient: Mapped[Patient] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")


HAS_CODE: Final = RecordEntry.code != literal("", literal_execute=True)
"""As `ix_record_entry_measures` has it: a plan for all values uses the index only where the empty code stands in the
question itself."""


class RecordVersion(Base):
    """What an entry said before it was changed. The database writes it by itself: nothing is overwritten.

    The growth of a study that is being received leaves none.
    """

    __tablename__ = "record_version"
    __table_args__ = (UniqueConstraint("record_entry_id", "version"),)

    record_entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("record_entry.id"))
    version: Mapped[int]
    status: Mapped[EntryStatus]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    author_name: Mapped[str]
    author_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    title: Mapped[str]
    resource: Mapped[dict[str, Any]]


class RecordIdentifier(Base):
    """A number by which another system knows an entry: what is sent twice is found again (R4 Identifier)."""

    __tablename__ = "record_identifier"
    __table_args__ = (
        UniqueConstraint("record_entry_id", "system", "value"),
        Index(None, "organization_id", "value", "system"),
    )

    record_entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("record_entry.id"))
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """Whose entry it is: numbers of two establishments never meet."""
    system: Mapped[str]
    value: Mapped[str]
