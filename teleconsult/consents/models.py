"""What the patient agreed to, who said so, and when it was withdrawn (FHIR R4 Consent)."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class ConsentBasis(StrEnum):
    """Who agreed: the patient, someone for them, or nobody could be asked and it could not wait."""

    PATIENT = "patient"
    REPRESENTATIVE = "representative"
    NECESSITY = "necessity"


class ConsentStatus(StrEnum):
    """FHIR R4 consent-state-codes, those we use."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class Consent(Base):
    """Consent to share an excerpt with the specialists of one consult."""

    __tablename__ = "consent"

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), index=True)
    basis: Mapped[ConsentBasis]
    given_by: Mapped[str] = mapped_column(default="")
    """The representative's name, or the reason why it could not wait."""
    relationship_to_patient: Mapped[str] = mapped_column(default="")
    status: Mapped[ConsentStatus] = mapped_column(default=ConsentStatus.ACTIVE)
    recorded_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
