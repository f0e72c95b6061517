"""Which systems may come to the FHIR door by themselves, and which of their assertions are used up."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Organization


class FhirClient(Base):
    """A system of one establishment's, known by its keys. Its id is its `client_id` (RFC 6749 §2.2)."""

    __tablename__ = "fhir_client"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    """What its entries are signed with, in the files."""
    keys: Mapped[list[dict[str, Any]]]
    """Its public keys, each as a JWK with `kid` and `alg` (RFC 7517)."""
    scope: Mapped[str]
    """What it may be granted: SMART scopes, separated by blanks."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    disabled_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise")


class UsedAssertion(Base):
    """An assertion that has been answered with a token: it is good once (RFC 7523 §3, `jti`)."""

    __tablename__ = "used_assertion"
    __table_args__ = (UniqueConstraint("fhir_client_id", "jti_sha256"),)

    fhir_client_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("fhir_client.id"))
    jti_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """From when on the assertion is refused for its age, and this row may go."""
