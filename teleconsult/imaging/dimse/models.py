"""Who may send by DIMSE."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Organization


class DicomPeer(Base):
    """A modality or archive of one establishment's that may send.

    An AE title is no secret: each is also known by where it stands in the network, or by its certificate, or by both.
    """

    __tablename__ = "dicom_peer"
    __table_args__ = (
        UniqueConstraint("ae_title", "network", "certificate_sha256", postgresql_nulls_not_distinct=True),
        CheckConstraint("network is not null or certificate_sha256 is not null", name="known_by_more_than_its_title"),
        Index(None, "organization_id", "name"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    ae_title: Mapped[str]
    """Its calling AE title (PS3.8 §9.3.2), without spaces around."""
    network: Mapped[str | None]
    """The address or small network it comes from, as `10.1.2.3/32`; None where the certificate says enough."""
    certificate_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of the client certificate in DER; None for one that comes without TLS."""
    report_address: Mapped[str] = mapped_column(default="", server_default="")
    """`host:port` where it takes reports of storage commitment; empty where it waits for them on its own line."""
    reports_by_tls: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether it is called by TLS there."""
    report_authority: Mapped[str] = mapped_column(default="", server_default="")
    """The certificates in PEM that its own must then come from; empty for those the machine trusts."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    disabled_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise")
