"""Who works where: Organization, Practitioner, PractitionerRole, HealthcareService (FHIR R4 Administration)."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    UUID,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    and_,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.clock import now
from teleconsult.db import Base


class RoleCode(StrEnum):
    """What a person does at an establishment; the one in force decides what they may."""

    DOCTOR = "doctor"
    NURSE = "nurse"
    SPECIALIST = "specialist"
    COORDINATOR = "coordinator"
    SECRETARY = "secretary"
    ADMINISTRATOR = "administrator"
    """Of one establishment: its people, services, roster, rules, doors."""
    PRIVACY_OFFICER = "privacy-officer"
    """Reads who read what; reads no file."""
    OPERATOR = "operator"
    """Of the whole network: establishments, keys, the health of every part; reads no file and no name of a patient."""


class OrganizationKind(StrEnum):
    """How far from the tertiary centre an establishment is."""

    HEALTH_CENTRE = "health-centre"
    PROVINCIAL = "provincial"
    TERTIARY = "tertiary"
    CLINIC = "clinic"


class Specialty(StrEnum):
    """Clinical specialties a service answers for (a subset of SNOMED CT's practice settings, by name)."""

    NEUROLOGY = "neurology"
    TRAUMA = "trauma"
    CARDIOLOGY = "cardiology"
    DERMATOLOGY = "dermatology"
    PAEDIATRICS = "paediatrics"
    GENERAL = "general"


class Organization(Base):
    """An establishment. Those with the same `sharing_network` share one patient file."""

    __tablename__ = "organization"

    name: Mapped[str]
    kind: Mapped[OrganizationKind]
    time_zone: Mapped[str]
    """IANA name: the place whose local time it keeps."""
    locale: Mapped[str] = mapped_column(default="fr")
    sharing_network: Mapped[str | None]
    phone: Mapped[str] = mapped_column(default="", server_default="")
    """Where it answers the telephone (FHIR R4 Organization.telecom)."""
    allows_dictation: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Its specialists may dictate notes with what their browsers offer, whose makers may hear it."""
    structure_number: Mapped[str] = mapped_column(default="", server_default="")
    """Its number in the national directory (FINESS in France); empty where it has none."""


class Practitioner(Base):
    """A health professional, known by registration number, never by e-mail."""

    __tablename__ = "practitioner"

    key: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    """An integer twin of the id, for exclusion constraints (no double booking)."""
    family: Mapped[str]
    given: Mapped[str]
    prefix: Mapped[str] = mapped_column(default="")
    registration_number: Mapped[str] = mapped_column(unique=True)
    profession: Mapped[str] = mapped_column(default="")
    """As the national directory words it."""

    @property
    def name(self) -> str:
        """As printed: prefix, given name, family name."""
        return " ".join(part for part in (self.prefix, self.given, self.family) if part)


class PractitionerRole(Base):
    """What a practitioner does at one establishment."""

    __tablename__ = "practitioner_role"
    __table_args__ = (UniqueConstraint("practitioner_id", "organization_id", "code"),)

    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"))
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    code: Mapped[RoleCode]
    specialty: Mapped[Specialty | None]
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    practitioner: Mapped[Practitioner] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")


class HealthcareService(Base):
    """What an establishment offers to others: one specialty, answered at a distance."""

    __tablename__ = "healthcare_service"
    __table_args__ = (Index(None, "organization_id", "specialty", unique=True),)

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    specialty: Mapped[Specialty]
    active: Mapped[bool] = mapped_column(default=True)
    phone: Mapped[str] = mapped_column(default="", server_default="")
    """Its own number, where it has one (FHIR R4 HealthcareService.telecom)."""
    page_seconds: Mapped[int] = mapped_column(default=30, server_default="30")
    """In an emergency: how long one of those on duty is waited for before the next is paged too."""
    promises: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Hours to the first answer, by priority; what is not said is as in `consults.promises.USUAL`."""
    follow_up_days: Mapped[int] = mapped_column(default=14, server_default="14")
    """After how many days who asked is asked what became of it."""
    next_services: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(UUID), default=list, server_default="{}")
    """In an emergency nobody answers here: which services of other establishments are rung first, in this order."""

    organization: Mapped[Organization] = relationship(lazy="raise")


class DutyShift(Base):
    """Who answers for a service, from when to when: the on-duty roster."""

    __tablename__ = "duty_shift"
    __table_args__ = (Index(None, "service_id", "ends_at"),)

    service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("healthcare_service.id"))
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]

    service: Mapped[HealthcareService] = relationship(lazy="raise")
    role: Mapped[PractitionerRole] = relationship(lazy="raise", foreign_keys=[practitioner_role_id])

    @classmethod
    def is_on(cls, moment: datetime) -> ColumnElement[bool]:
        """Whether it runs at that moment."""
        return and_(cls.starts_at <= moment, cls.ends_at > moment)


class ConnectionType(StrEnum):
    """How a door of another system is spoken to (FHIR R4 endpoint-connection-type, and secure mail)."""

    FHIR = "hl7-fhir-rest"
    HL7V2 = "hl7v2-mllp"
    DICOM_WEB = "dicom-wado-rs"
    DIMSE = "dicom-dimse"
    SECURE_MAIL = "secure-mail"


class EndpointStatus(StrEnum):
    """FHIR R4 endpoint-status, those we use."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    OFF = "off"


class Endpoint(Base):
    """Where another system of an establishment is reached (FHIR R4 Endpoint)."""

    __tablename__ = "endpoint"
    __table_args__ = (UniqueConstraint("organization_id", "connection_type", "address"),)

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    connection_type: Mapped[ConnectionType]
    name: Mapped[str]
    address: Mapped[str]
    status: Mapped[EndpointStatus] = mapped_column(default=EndpointStatus.ACTIVE)
    updated_at: Mapped[datetime]
    receives_notes: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether signed notes go there by themselves: of FHIR and HL7 v2."""
    uses_tls: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Of HL7 v2; the others speak it anyhow."""
    authority: Mapped[str] = mapped_column(default="", server_default="")
    """The certificates in PEM that its own must come from; empty for those the machine trusts."""
    credential_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The Authorization header of FHIR, sealed."""
    message: Mapped[str] = mapped_column(default="mdm", server_default="mdm")
    """Of HL7 v2: `mdm` (MDM^T02, T10, T04) or `oru` (ORU^R01)."""
    application: Mapped[str] = mapped_column(default="", server_default="")
    """MSH-5, what the receiving system calls itself."""
    facility: Mapped[str] = mapped_column(default="", server_default="")
    """MSH-6."""


class RetentionSubject(StrEnum):
    """What an establishment may let go of after a time.

    Files, frozen excerpts (the proof of what a specialist was shown), signed notes and the audit log are kept.
    """

    ENDED_SESSIONS = "ended-sessions"
    DISCARDED_DRAFTS = "discarded-drafts"
    CHAT = "chat"


class RetentionRule(Base):
    """How many days an establishment keeps something."""

    __tablename__ = "retention_rule"
    __table_args__ = (UniqueConstraint("organization_id", "subject"),)

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    subject: Mapped[RetentionSubject]
    keep_days: Mapped[int]
    updated_at: Mapped[datetime]
    last_run_at: Mapped[datetime | None]
    last_erased: Mapped[int] = mapped_column(default=0)


class DirectoryImport(Base):
    """An extract of a national directory, read and held against ours; nothing of it counts until a person says so."""

    __tablename__ = "directory_import"

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    file_name: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    lines: Mapped[int]
    refused: Mapped[list[dict[str, Any]]]
    """Lines that could not be read: number and reason; the first hundred."""
    created_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]


class DifferenceKind(StrEnum):
    """How a line of the extract differs from our directory."""

    NEW = "new"
    CHANGED = "changed"
    DUPLICATE = "duplicate"
    """The same traits under another number: perhaps one person twice. Never merged by itself."""


class Decision(StrEnum):
    """What a person made of a difference."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class DirectoryDifference(Base):
    """One difference between an extract and our directory, and what a person decided."""

    __tablename__ = "directory_difference"
    __table_args__ = (Index(None, "import_id", "decision", "kind"),)

    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("directory_import.id"))
    kind: Mapped[DifferenceKind]
    registration_number: Mapped[str]
    practitioner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    decision: Mapped[Decision] = mapped_column(default=Decision.PENDING)
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    decided_at: Mapped[datetime | None]
