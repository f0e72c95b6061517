"""Who else receives what is signed: correspondents added to a request, the family doctor, and who must not."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class ConsultCorrespondent(Base):
    """Somebody who receives the notes of a request too, because its author or who asked said so."""

    __tablename__ = "consult_correspondent"
    __table_args__ = (
        Index(
            "uq_consult_correspondent_standing",
            *("service_request_id", "registration_number", "structure_number"),
            unique=True,
            postgresql_where="removed_at is null",
        ),
    )

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), index=True)
    name: Mapped[str]
    registration_number: Mapped[str] = mapped_column(default="", server_default="")
    structure_number: Mapped[str] = mapped_column(default="", server_default="")
    address: Mapped[str] = mapped_column(default="", server_default="")
    """The mailbox that was picked; it is looked up again before anything is sent there."""
    recorded_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    recorded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class GeneralPractitioner(Base):
    """The patient's family doctor (FHIR R4 Patient.generalPractitioner); one at a time, earlier ones are kept."""

    __tablename__ = "general_practitioner"
    __table_args__ = (
        Index("uq_general_practitioner_standing", "patient_id", unique=True, postgresql_where="ended_at is null"),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    name: Mapped[str]
    registration_number: Mapped[str]
    """RPPS in 11 digits."""
    recorded_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OpposedTo(StrEnum):
    """To whom a patient does not want documents sent."""

    PATIENT = "patient"
    """To themselves, at their own mailbox."""
    PROFESSIONALS = "professionals"


class Opposition(Base):
    """A patient's word that documents are not sent by mail to professionals, or not to themselves."""

    __tablename__ = "opposition"
    __table_args__ = (
        Index(
            "uq_opposition_standing", "patient_id", "opposed_to", unique=True, postgresql_where="withdrawn_at is null"
        ),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    opposed_to: Mapped[OpposedTo]
    recorded_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
