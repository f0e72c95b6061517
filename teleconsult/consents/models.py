"""What the patient agreed to, who said so, and when it was withdrawn (FHIR R4 Consent)."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import PractitionerRole
from teleconsult.patients.models import Patient


class ConsentBasis(StrEnum):
    """Who agreed: the patient, someone for them, or nobody could be asked and it could not wait."""

    PATIENT = "patient"
    REPRESENTATIVE = "representative"
    NECESSITY = "necessity"


class Incapacity(StrEnum):
    """Why somebody else agrees for the patient."""

    MINOR = "minor"
    UNCONSCIOUS = "unconscious"
    """Or cannot say what they want."""
    PROTECTED = "protected"
    """An adult under guardianship."""


class ConsentStatus(StrEnum):
    """FHIR R4 consent-state-codes, those we use."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class Consent(Base):
    """Consent to share an excerpt with the specialists of one consult.

    One stands at a time. Another takes over where the patient, or who speaks for them, confirms it later; what was
    said before stays as it was said.
    """

    __tablename__ = "consent"
    __table_args__ = (
        Index("uq_consent_active", "service_request_id", unique=True, postgresql_where="status = 'active'"),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), index=True)
    basis: Mapped[ConsentBasis]
    given_by: Mapped[str] = mapped_column(default="")
    """The representative's name, or the reason why it could not wait."""
    relationship_to_patient: Mapped[str] = mapped_column(default="")
    incapacity: Mapped[Incapacity | None]
    """Of a representative: why the patient does not decide; unknown of those recorded before it was asked."""
    confirms_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("consent.id"), index=True, unique=True)
    """The consent from which this one took over."""
    status: Mapped[ConsentStatus] = mapped_column(default=ConsentStatus.ACTIVE)
    recorded_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    withdrawal_reason: Mapped[str] = mapped_column(default="", server_default="")

    patient: Mapped[Patient] = relationship(lazy="raise")
    confirmed_by: Mapped["Consent | None"] = relationship(
        lazy="raise", viewonly=True, uselist=False, primaryjoin=lambda: Consent.id == foreign(Consent.confirms_id)
    )
    """The consent that took over from this one."""
    recorded_by: Mapped[PractitionerRole] = relationship(lazy="raise", foreign_keys=recorded_by_id)
    withdrawn_by: Mapped[PractitionerRole | None] = relationship(lazy="raise", foreign_keys=withdrawn_by_id)
