"""What says that two local patients are one person, or that somebody has to say so (FHIR R4 Patient.link).

A patient's `person_id` follows the links that stand, by the database's own trigger: a link moves no clinical row, and
without it each is again the person they were.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import PractitionerRole


class LinkBasis(StrEnum):
    """On what a link rests."""

    NUMBER = "number"
    """The same authority's number, and traits that agree: made by the program."""
    DECISION = "decision"
    RESOLUTION = "resolution"
    """An unknown patient turned out to be one whom the establishment knows."""
    MERGE = "merge"
    """Registered twice at one establishment: the one is read as the other."""


class CaseKind(StrEnum):
    """Why somebody has to look."""

    SAME_NUMBER = "same-number"
    """The same number, other traits."""
    SAME_TRAITS = "same-traits"
    """The same traits, another number of the same authority."""


class CaseDecision(StrEnum):
    """What became of it."""

    SAME_PERSON = "same-person"
    TWO_PEOPLE = "two-people"


class PatientLink(Base):
    """`patient_id` is the same person as `other_id`; of a merge, the one that was merged into the other."""

    __tablename__ = "patient_link"
    __table_args__ = (
        CheckConstraint("patient_id <> other_id", name="two"),
        Index(
            "uq_patient_link_standing",
            "patient_id",
            "other_id",
            "basis",
            unique=True,
            postgresql_where=text("undone_at is null"),
        ),
        Index(
            "uq_patient_link_merged",
            "patient_id",
            unique=True,
            postgresql_where=text("undone_at is null and basis = 'merge'"),
        ),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    other_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    basis: Mapped[LinkBasis]
    evidence: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    """What agreed and what did not (`matching.Sign`)."""
    reason: Mapped[str] = mapped_column(default="", server_default="")
    """In the words of who decided."""
    identities: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Both as they were when they were linked, under `patient` and `other`: the database writes it."""
    linked_at: Mapped[datetime]
    linked_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    """None for what the program itself linked before links were kept."""
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    undo_reason: Mapped[str] = mapped_column(default="", server_default="")

    linked_by: Mapped[PractitionerRole | None] = relationship(lazy="raise", foreign_keys=[linked_by_id])
    undone_by: Mapped[PractitionerRole | None] = relationship(lazy="raise", foreign_keys=[undone_by_id])


class IdentityCase(Base):
    """Two patients whom a person has to compare: decided once, and not asked again."""

    __tablename__ = "identity_case"
    __table_args__ = (
        CheckConstraint("patient_id <> other_id", name="two"),
        Index(
            "uq_identity_case_pair",
            text("LEAST(patient_id, other_id)"),
            text("GREATEST(patient_id, other_id)"),
            unique=True,
        ),
        Index(None, "organization_id", "found_at"),
        Index("ix_identity_case_open", "organization_id", "found_at", postgresql_where="decision is null"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """Whose work it is: that of the establishment where it showed."""
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    other_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[CaseKind]
    evidence: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    identities: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Both as they were when it was decided: the database writes it."""
    found_at: Mapped[datetime]
    decision: Mapped[CaseDecision | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    note: Mapped[str] = mapped_column(default="", server_default="")

    decided_by: Mapped[PractitionerRole | None] = relationship(lazy="raise")
