"""What helps to write a note: earlier words of a draft, templates and phrases."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base
from teleconsult.directory.models import Specialty


class NoteDraftVersion(Base):
    """How a draft stood before it went on: its author's alone, like the draft. A trigger removes all at signature."""

    __tablename__ = "note_draft_version"
    __table_args__ = (UniqueConstraint("composition_id", "version"),)

    composition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("composition.id"))
    version: Mapped[int]
    """The save of the draft these words came with (`Composition.version`)."""
    sections: Mapped[dict[str, Any]]
    written_at: Mapped[datetime]


class NoteTemplate(Base):
    """Text for each section, to begin a note with. Without a role it is that of all specialists of the establishment.

    Without a specialty it is for every request.
    """

    __tablename__ = "note_template"

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    practitioner_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"), index=True)
    specialty: Mapped[Specialty | None]
    name: Mapped[str]
    sections: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class NotePhrase(Base):
    """A few words that are often written, had by a shortcut. Whose it is, is told as of a template."""

    __tablename__ = "note_phrase"
    __table_args__ = (
        Index(
            "uq_note_phrase_shortcut",
            *("organization_id", "practitioner_role_id", "shortcut"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    practitioner_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"), index=True)
    shortcut: Mapped[str]
    text: Mapped[str]
    updated_at: Mapped[datetime]
