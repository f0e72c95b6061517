"""Accounts, their ways in, the sessions a browser holds, the keys and tokens of machines."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Practitioner, PractitionerRole


class Account(Base):
    """A sign-in of one practitioner. The e-mail address is a way in, never an identity."""

    __tablename__ = "account"

    email: Mapped[str]
    password_hash: Mapped[str | None]
    """None until an invitation is taken up, and for those who never come in by a password."""
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
    factor_at: Mapped[datetime]
    """When the person last proved who they are: a binding act asks for a moment not long ago."""
    methods: Mapped[str] = mapped_column(default="pwd")
    """How, separated by blanks (RFC 8176 where it has a word): `pwd otp`, `hwk` (a passkey), `email`, `fed` (OIDC)."""
    address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")

    account: Mapped[Account] = relationship(lazy="raise")
    role: Mapped[PractitionerRole] = relationship(lazy="raise")


class SignInAttempt(Base):
    """A try at any door, kept to limit the rate over all of them. The address typed is kept as a keyed hash."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        Index(None, "email_hash", "attempted_at"),
        Index(None, "address", "attempted_at"),
        Index(None, "attempted_at"),
    )

    email_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Whose account was tried; None at doors that know no account (a bearer token, a guest's link)."""
    known_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The browser, where it has signed in to this account before: its tries are counted apart from strangers'."""
    address: Mapped[str]
    door: Mapped[str] = mapped_column(default="password")
    attempted_at: Mapped[datetime]
    succeeded: Mapped[bool]


class Totp(Base):
    """An authenticator application (RFC 6238): the secret is sealed; it counts once a first code confirmed it."""

    __tablename__ = "totp"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), unique=True)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None]
    """The time step of the last code taken: no code counts twice (RFC 6238 §5.2)."""


class RecoveryCode(Base):
    """One of the codes on paper, for who lost the second factor. Only its hash is kept; it counts once."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("account_id", "code_hash"),)

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A public key credential (W3C WebAuthn Level 3)."""

    __tablename__ = "passkey"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    transports: Mapped[str] = mapped_column(default="")
    is_backed_up: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PersonalKey(Base):
    """A key that only its owner's password opens (`accounts.personal_keys`); gone once the password was forgotten."""

    __tablename__ = "personal_key"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), unique=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class FederatedIdentity(Base):
    """Who an OpenID Provider says somebody is: issuer and subject, never an e-mail address (OIDC Core §2, §5.7)."""

    __tablename__ = "federated_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    claims: Mapped[dict[str, Any]]
    """What the provider said of the profession: national id, activities. Refreshed at each sign-in."""
    linked_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class SecretPurpose(StrEnum):
    """What a secret that is good once is good for."""

    SECOND_FACTOR = "second-factor"
    """The password was right; a second factor is awaited from the same browser."""
    SIGN_IN_CODE = "sign-in-code"
    PASSWORD_RESET = "password-reset"  # noqa: S105  # the name of a purpose
    INVITATION = "invitation"
    PASSKEY_REGISTRATION = "passkey-registration"
    PASSKEY_SIGN_IN = "passkey-sign-in"
    PASSKEY_STEP_UP = "passkey-step-up"
    FEDERATED = "federated"
    """An answer of an OpenID Provider, kept from its first use on (`accounts.federation`)."""
    SESSION_JOIN = "session-join"
    """A join token (`encounters.join_tokens`): the hash of its `jti` is used up by the socket it opens."""
    PHONE_CODE = "phone-code"
    """Sent to a telephone by SMS, and typed once: the number is the person's (`messages.numbers`)."""


class OneTimeSecret(Base):
    """A secret that is good once, for minutes (an invitation: days), often from one browser alone. Hashes only.

    For an unknown account a row without `account_id` is kept all the same: both cases take the same way.
    """

    __tablename__ = "one_time_secret"
    __table_args__ = (Index(None, "expires_at"),)

    purpose: Mapped[SecretPurpose]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"), index=True)
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    """None until the job that mails the secret draws it: no queue ever holds one."""
    browser_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    email_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Whose account was named, existing or not: wrong tries count against it as at every other door."""
    methods: Mapped[str] = mapped_column(default="")
    """What has been shown already, where a second factor is awaited (as in `WebSession.methods`)."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    wrong_tries: Mapped[int] = mapped_column(default=0)


class TokenKey(Base):
    """An Ed25519 key for bearer tokens; its id is the token's `kid`. The private half is sealed."""

    __tablename__ = "token_key"

    public_key: Mapped[str]
    private_key_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    """From this moment its tokens are refused; it lies ahead while an older key is still honoured."""


class IssuedToken(Base):
    """A bearer token as its establishment sees it: whose, for what, until when. The token itself is not kept."""

    __tablename__ = "issued_token"
    __table_args__ = (Index(None, "organization_id", "expires_at"),)

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    scope: Mapped[str]
    """The purposes it is good for, separated by blanks (RFC 6749 §3.3)."""
    label: Mapped[str] = mapped_column(default="")
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    role: Mapped[PractitionerRole] = relationship(lazy="raise", foreign_keys=[practitioner_role_id])
