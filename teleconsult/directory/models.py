"""Who works where: Organization, Practitioner, PractitionerRole, HealthcareService (FHIR R4 Administration)."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base


class RoleCode(StrEnum):
    """What a person does at an establishment; the one in force decides what they may."""

    REQUESTER = "requester"
    COORDINATOR = "coordinator"
    SPECIALIST = "specialist"
    ADMINISTRATOR = "administrator"


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
    """IANA name: where its walls' clocks are."""
    locale: Mapped[str] = mapped_column(default="fr")
    sharing_network: Mapped[str | None]


class Practitioner(Base):
    """A health professional, known by registration number, never by e-mail."""

    __tablename__ = "practitioner"

    key: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    """An integer twin of the id, for exclusion constraints (no double booking)."""
    family: Mapped[str]
    given: Mapped[str]
    prefix: Mapped[str] = mapped_column(default="")
    registration_number: Mapped[str] = mapped_column(unique=True)

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

    organization: Mapped[Organization] = relationship(lazy="raise")
