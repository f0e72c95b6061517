"""What a system asked us to commit to."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.imaging.dimse.models import DicomPeer


class StorageCommitment(Base):
    """One request, until its report arrived, or could not be brought."""

    __tablename__ = "storage_commitment"
    __table_args__ = (UniqueConstraint("dicom_peer_id", "transaction_uid"),)

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    dicom_peer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dicom_peer.id"))
    transaction_uid: Mapped[str]
    """The sender's name for it (0008,1195)."""
    instances: Mapped[list[list[str]]] = mapped_column(JSONB)
    """SOP class and SOP instance UID of each, as asked."""
    asked_at: Mapped[datetime]
    reported_at: Mapped[datetime | None]
    """When the sender acknowledged the report."""
    ended_at: Mapped[datetime | None]
    """When we gave up reporting."""

    dicom_peer: Mapped[DicomPeer] = relationship(lazy="raise")


Index("ix_storage_commitment_over", func.coalesce(StorageCommitment.reported_at, StorageCommitment.ended_at))
