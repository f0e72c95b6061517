"""Which archives of images an establishment asks, and what was asked of them."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from teleconsult.db import Base
from teleconsult.imaging.dimse.models import DicomPeer


class PacsKind(StrEnum):
    """How images are got from it."""

    C_GET = "c-get"
    """Over the association that asks (PS3.4 §C.4.3)."""
    C_MOVE = "c-move"
    """Over one that it opens to our door for images (PS3.4 §C.4.2)."""
    DICOMWEB = "dicomweb"
    """QIDO-RS and WADO-RS (PS3.18 §10)."""


class FetchStatus(StrEnum):
    """Where the fetching of a study stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Pacs(Base):
    """An archive of one establishment's."""

    __tablename__ = "pacs"
    __table_args__ = (
        CheckConstraint("(kind = 'dicomweb') = (ae_title = '')", name="titled_unless_web"),
        CheckConstraint("(kind = 'c-move') = (dicom_peer_id is not null)", name="sends_where_it_moves"),
        Index(None, "organization_id", "name"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    kind: Mapped[PacsKind]
    address: Mapped[str]
    """`host:port`, or for DICOMweb the URL that `/studies` is added to."""
    ae_title: Mapped[str] = mapped_column(default="")
    """What it is called by (PS3.8 §9.3.2)."""
    calling_title: Mapped[str] = mapped_column(default="")
    """What we call ourselves there; where it moves images, also where they go."""
    uses_tls: Mapped[bool] = mapped_column(default=False)
    authority: Mapped[str] = mapped_column(default="")
    """The certificates in PEM that its own must come from; empty for those the machine trusts."""
    credential_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The Authorization header of DICOMweb, sealed."""
    dicom_peer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("dicom_peer.id"), index=True)
    """Which of the systems that may send is this archive, where it moves images."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    disabled_at: Mapped[datetime | None]

    sender: Mapped[DicomPeer | None] = relationship(lazy="raise")


class PacsFetch(Base):
    """A study on its way from an archive to a request, for the one who asked."""

    __tablename__ = "pacs_fetch"
    __table_args__ = (
        Index(
            "uq_pacs_fetch_open",
            "service_request_id",
            "study_instance_uid",
            unique=True,
            postgresql_where="status in ('queued', 'running')",
        ),
        Index(
            "ix_pacs_fetch_awaited",
            "pacs_id",
            "study_instance_uid",
            postgresql_where="status in ('queued', 'running')",
        ),
        Index(None, "service_request_id", "created_at"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    pacs_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pacs.id"))
    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"))
    requester_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    study_instance_uid: Mapped[str]
    patient_number: Mapped[str] = mapped_column(default="")
    """Whose it is, as the archive said when it was chosen; what comes under another number is not taken."""
    birth_date: Mapped[date | None]
    """The same of the birth date."""
    description: Mapped[str] = mapped_column(default="")
    study_date: Mapped[date | None]
    modalities: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    status: Mapped[FetchStatus] = mapped_column(default=FetchStatus.QUEUED)
    expected: Mapped[int] = mapped_column(default=0)
    """How many images the archive has of it; 0 until it was asked."""
    arrived: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    refusal: Mapped[str] = mapped_column(default="")
    """Why the last one of these was not taken, as `imaging.refusals` has it."""
    fault: Mapped[str] = mapped_column(default="")
    """Why it failed, as `faults` has it."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    pacs: Mapped[Pacs] = relationship(lazy="raise")

    @property
    def is_open(self) -> bool:
        """Whether more may still come."""
        return self.status in (FetchStatus.QUEUED, FetchStatus.RUNNING)
