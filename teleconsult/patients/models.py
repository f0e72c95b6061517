"""Patients as each establishment knows them, and the person that links them (FHIR R4 Patient, Person)."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Computed, FetchedValue, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Organization, PractitionerRole

NAME_WORDS = (
    "to_tsvector('simple'::regconfig, "
    "(((family_folded || ' '::text) || given_folded) || ' '::text) || used_name_folded)"
)
"""SQL: each word of a folded name, to be found by its beginning and in any order."""

LOCAL_NUMBER_END = "substring(local_number from '0*([0-9]+)$')"
"""SQL: the digits a file number ends on."""


class AdministrativeGender(StrEnum):
    """FHIR R4 administrative-gender."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


class IdentifierStatus(StrEnum):
    """How far a number is trusted."""

    UNVERIFIED = "unverified"
    QUALIFIED = "qualified"
    """Checked against its authority or a document, together with the strict traits."""
    WITHDRAWN = "withdrawn"


class Person(Base):
    """The human being behind one or more local patients; holds nothing but the link."""

    __tablename__ = "person"

    created_at: Mapped[datetime]


class Patient(Base):
    """A patient of one establishment, under that establishment's own number."""

    __tablename__ = "patient"
    __table_args__ = (
        UniqueConstraint("organization_id", "local_number"),
        Index(
            "ix_patient_names",
            "organization_id",
            "family_folded",
            "given_folded",
            postgresql_ops={"family_folded": "text_pattern_ops", "given_folded": "text_pattern_ops"},
        ),
        Index(None, "organization_id", "birth_date"),
        Index(
            None,
            "organization_id",
            "estimated_birth_year",
            postgresql_where=text("estimated_birth_year is not null"),
        ),
        Index(None, "organization_id", "local_number_end"),
        Index("ix_patient_name_words", text(NAME_WORDS), postgresql_using="gin"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    """Who this is: the links that stand decide it (`patients.links`)."""
    own_person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True, server_default=FetchedValue())
    """Who this is while no link stands: by the database, the person it was registered as."""
    local_number: Mapped[str]
    local_number_end: Mapped[str | None] = mapped_column(Computed(LOCAL_NUMBER_END, persisted=True))
    """The digits it ends on, without noughts before: what people say of AL-01348. By the database, to be searched."""
    family: Mapped[str]
    given: Mapped[str]
    family_folded: Mapped[str]
    given_folded: Mapped[str]
    """Names without accents or case, for search."""
    used_name: Mapped[str] = mapped_column(default="", server_default="")
    """The family name somebody goes by, where it is not that of birth."""
    used_name_folded: Mapped[str] = mapped_column(default="", server_default="")
    birth_date: Mapped[date | None]
    birth_place: Mapped[str] = mapped_column(default="", server_default="")
    """Where it is known as a code: that of INSEE, for the French national number."""
    gender: Mapped[AdministrativeGender]
    phone: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    is_temporary: Mapped[bool] = mapped_column(default=False)
    """True while nobody knows who this is; the name is then ours, not theirs."""
    estimated_birth_year: Mapped[int | None]
    """What the look of an unknown person says; the year of birth where the day is not known."""
    found_where: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))

    organization: Mapped[Organization] = relationship(lazy="raise")

    @property
    def name(self) -> str:
        """FAMILY Given, as files are headed."""
        return f"{self.family.upper()} {self.given}".strip()

    @property
    def birth_year(self) -> int | None:
        """The year of birth where it is all that is known; never a guess from somebody's look."""
        return None if self.birth_date or self.is_temporary else self.estimated_birth_year


class PatientIdentifier(Base):
    """A number some authority gave the patient (national id, insurance, another hospital's number)."""

    __tablename__ = "patient_identifier"
    __table_args__ = (UniqueConstraint("patient_id", "system", "value"), Index(None, "value", "system"))

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    system: Mapped[str]
    value: Mapped[str]
    type: Mapped[str] = mapped_column(default="", server_default="")
    """HL7 table 0203: `NI`, `JHN`, `MR`…"""
    status: Mapped[IdentifierStatus] = mapped_column(
        default=IdentifierStatus.UNVERIFIED, server_default=IdentifierStatus.UNVERIFIED.value
    )
    source: Mapped[str] = mapped_column(default="", server_default="")
    """Where it was learnt: what was shown, or the system that sent it; empty for what was typed."""
    issued_on: Mapped[date | None]
    recorded_at: Mapped[datetime]


class IdentityChange(Base):
    """What the patient was called before: nothing of an identity is lost when it is resolved or corrected."""

    __tablename__ = "identity_change"

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    before: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    source: Mapped[str] = mapped_column(default="", server_default="")
    """Which system said so, where nobody did here."""

    @property
    def name(self) -> str:
        """FAMILY Given, as `Patient.name`."""
        return f"{self.before['family'].upper()} {self.before['given']}".strip()


class CareRelation(Base):
    """A professional who treats the patient says so once; only then does the file open (FHIR R4 CareTeam)."""

    __tablename__ = "care_relation"
    __table_args__ = (
        Index(
            "uq_care_relation_open",
            "patient_id",
            "practitioner_role_id",
            unique=True,
            postgresql_where="ended_at is null",
        ),
        Index(None, "practitioner_role_id", "started_at"),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    reason: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    patient: Mapped[Patient] = relationship(lazy="raise")
    role: Mapped[PractitionerRole] = relationship(lazy="raise")


class GlassReason(StrEnum):
    """Why a file had to be opened without a care relation."""

    DANGER = "danger"
    TRANSFER = "transfer"
    UNREACHABLE = "unreachable"
    OTHER = "other"


class BreakGlass(Base):
    """A file opened without a care relation, because someone might come to harm: to read, for an hour, never unseen."""

    __tablename__ = "break_glass"
    __table_args__ = (
        Index(None, "practitioner_role_id", "patient_id", "expires_at"),
        Index(None, "organization_id", "started_at"),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """Whose patient it is: its privacy officers are told and review."""
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    kind: Mapped[GlassReason]
    reason: Mapped[str]
    """In their own words."""
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    notified_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    is_justified: Mapped[bool | None]
    """What the privacy officer decided; None until then."""
    review: Mapped[str] = mapped_column(default="")

    patient: Mapped[Patient] = relationship(lazy="raise")
    role: Mapped[PractitionerRole] = relationship(lazy="raise", foreign_keys=[practitioner_role_id])
    reviewer: Mapped[PractitionerRole | None] = relationship(lazy="raise", foreign_keys=[reviewed_by_id])
