"""What a consult may see of a file: a frozen copy, expiring, revocable, with its read log."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import PractitionerRole
from teleconsult.imaging.models import ImagingStudy
from teleconsult.records.models import ResourceType


class Excerpt(Base):
    """One frozen version: what was shared before, as it was frozen then, and what was added.

    `patient` is the identity as it was then; `digest` is the SHA-256 of all its items. What ends its sharing ends that
    of all versions.
    """

    __tablename__ = "excerpt"
    __table_args__ = (UniqueConstraint("service_request_id", "version"),)

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"))
    version: Mapped[int] = mapped_column(default=1)
    patient: Mapped[dict[str, Any]]
    frozen_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """Until when the specialists may read it; not set while the consult is open."""
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    revoke_reason: Mapped[str] = mapped_column(default="")
    digest: Mapped[bytes] = mapped_column(LargeBinary)

    items: Mapped[list["ExcerptItem"]] = relationship(lazy="raise", order_by="ExcerptItem.position")


class ExcerptItem(Base):
    """An entry as it stood when the excerpt was frozen."""

    __tablename__ = "excerpt_item"
    __table_args__ = (UniqueConstraint("excerpt_id", "position"),)

    excerpt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("excerpt.id"))
    position: Mapped[int]
    record_entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("record_entry.id"))
    record_version: Mapped[int]
    since_version: Mapped[int] = mapped_column(default=1, server_default="1")
    """The version of the excerpt it was added with, and frozen for."""
    resource_type: Mapped[ResourceType]
    effective_at: Mapped[datetime]
    title: Mapped[str]
    author_name: Mapped[str]
    organization_name: Mapped[str]
    resource: Mapped[dict[str, Any]]


class ExcerptStudy(Base):
    """A DICOM study shared with the excerpt."""

    __tablename__ = "excerpt_study"
    __table_args__ = (UniqueConstraint("excerpt_id", "imaging_study_id"),)

    excerpt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("excerpt.id"))
    imaging_study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imaging_study.id"), index=True)


class ExcerptRead(Base):
    """Who looked at the excerpt, or at one of the studies shared with it, and when."""

    __tablename__ = "excerpt_read"
    __table_args__ = (Index(None, "excerpt_id", "read_at"),)

    excerpt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("excerpt.id"))
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    imaging_study_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("imaging_study.id"))
    """The study they opened; None for the excerpt itself."""
    read_at: Mapped[datetime]

    role: Mapped[PractitionerRole] = relationship(lazy="raise")
    study: Mapped[ImagingStudy | None] = relationship(lazy="raise")
    excerpt: Mapped[Excerpt] = relationship(lazy="raise")
