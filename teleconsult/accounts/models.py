"""Accounts, the sessions a browser holds, the keys bearer tokens are signed with."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Practitioner, PractitionerRole


class Account(Base):
    """A sign-in of one practitioner. The e-mail address is a way in, never an identity."""

    __tablename__ = "account"

    email: Mapped[str]
    password_hash: Mapped[str]
    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), unique=True)
    locale: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    practitioner: Mapped[Practitioner] = relationship(lazy="raise")


Index("uq_account_email_lower", func.lower(Account.email), unique=True)


class WebSession(Base):
    """One signed-in browser. The cookie holds a random token; only its SHA-256 is kept."""

    __tablename__ = "web_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(default="")

    account: Mapped[Account] = relationship(lazy="raise")
    role: Mapped[PractitionerRole] = relationship(lazy="raise")


class SignInAttempt(Base):
    """A try at a password, kept to limit the rate over all doors. The address typed is kept as a keyed hash."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index(None, "email_hash", "attempted_at"), Index(None, "address", "attempted_at"))

    email_hash: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str]
    attempted_at: Mapped[datetime]
    succeeded: Mapped[bool]


class TokenKey(Base):
    """An Ed25519 key for bearer tokens; its id is the token's `kid`. The private half is sealed."""

    __tablename__ = "token_key"

    public_key: Mapped[str]
    private_key_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
