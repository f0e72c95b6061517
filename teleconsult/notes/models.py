"""The consult note (FHIR R4 Composition): a draft its author alone sees, then a signed document nobody changes."""

import base64
import secrets
import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base
from teleconsult.delivery.sending_matrix import Exchange
from teleconsult.notes.content import Relation, oid_of


class CompositionStatus(StrEnum):
    """FHIR R4 composition-status."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    ENTERED_IN_ERROR = "entered-in-error"


class RetractionReason(StrEnum):
    """Why a signed note was withdrawn."""

    WRONG_PATIENT = "wrong-patient"
    ERROR = "error"


def _new_code() -> str:
    """100 random bits, as letters and digits that are not mistaken for each other (RFC 4648 §6)."""
    return base64.b32encode(secrets.token_bytes(15)).decode()[:20].lower()


def _own_id(context: DefaultExecutionContext) -> uuid.UUID:
    """A document that follows none is the first of its set."""
    own: uuid.UUID = context.get_current_parameters()["id"]  # type: ignore[no-untyped-call]
    return own


def _own_oid(context: DefaultExecutionContext) -> str:
    return oid_of(_own_id(context))


class Composition(Base):
    """One version of a note. Once `final`, a trigger refuses every change: `content` and the PDF are what was signed.

    `content` holds the frozen JSON bytes (sections, identities as they were, who, when) the PDF was rendered from.
    """

    __tablename__ = "composition"
    __table_args__ = (
        Index(
            "uq_composition_draft_of_author",
            *("service_request_id", "author_role_id"),
            unique=True,
            postgresql_where="status = 'preliminary'",
        ),
        Index(None, "service_request_id", "created_at"),
        UniqueConstraint("set_id", "version_number"),
        CheckConstraint("(relation = '') = (related_id is null)", name="related_to_one"),
        CheckConstraint(
            "(bundle_object_key is null) = (bundle_sha256 is null) and (bundle_sha256 is null) = (bundle_jws is null)",
            name="bundle_whole",
        ),
        CheckConstraint(
            "status = 'preliminary' or (signed_at is not null and content is not null and pdf_object_key is not null)",
            name="signed_is_whole",
        ),
    )

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"))
    encounter_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("encounter.id"))
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    author_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    status: Mapped[CompositionStatus] = mapped_column(default=CompositionStatus.PRELIMINARY)
    language: Mapped[str] = mapped_column(default="fr")
    sections: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key_images: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    """Images its author chose, each as `content.KeyImage` has it, with a picture of it as it was seen."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts saves of the draft, so that two tabs notice each other."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    signer_name: Mapped[str] = mapped_column(default="")
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    shown_object_key: Mapped[str | None]
    """Of a draft: the rendering its author was shown last (`notes.showing`)."""
    pdf_object_key: Mapped[str | None]
    pdf_sha256: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    set_id: Mapped[uuid.UUID] = mapped_column(default=_own_id)
    """The document over all its versions."""
    version_number: Mapped[int] = mapped_column(default=1, server_default="1")
    """Of the document, from 1; a version that replaces another has the next number of the same set."""
    document_oid: Mapped[str] = mapped_column(default=_own_oid, unique=True)
    """What this version is called everywhere: CDA id, TXA-12, masterIdentifier, uniqueId."""
    relation: Mapped[Relation] = mapped_column(default=Relation.NONE, server_default="")
    related_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("composition.id"), index=True)
    """The signed note this one appends to, or replaces."""
    verify_code: Mapped[str | None] = mapped_column(unique=True, default=_new_code)
    """Printed on the signed note; leads to what anybody may know of it (`/verify`)."""
    mailed_to: Mapped[Exchange] = mapped_column(default=Exchange.BOTH, server_default=Exchange.BOTH.value)
    """For whom its author means it, of those that secure mail reaches."""
    invisible_to_patient: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Not to be seen by the patient (yet), as before somebody has told them."""
    invisible_to_guardians: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Not to be seen by who represents a patient in law."""
    bundle_object_key: Mapped[str | None]
    bundle_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    bundle_jws: Mapped[str | None]
    """The detached signature of the FHIR document (RFC 7515 appendix F, RFC 7797), in compact form."""


class NoteRetraction(Base):
    """A signed note was withdrawn: its row stays as it was signed, this one says since when it counts no more."""

    __tablename__ = "note_retraction"

    composition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("composition.id"), unique=True)
    reason: Mapped[RetractionReason]
    explanation: Mapped[str]
    retracted_at: Mapped[datetime]
    retracted_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))


class NoteMark(Base):
    """That there is a note, whose, and since when it is signed: what everybody knows who sees the consult. Its status
    says besides whether something was added to it (`amended`), or it was withdrawn (`entered-in-error`).

    A view of the database's (`migrations/crossings.py`), only read. What the note says is in `Composition`.
    """

    __tablename__ = "consult_note"
    __table_args__ = ({"info": {"is_view": True}},)

    service_request_id: Mapped[uuid.UUID]
    author_role_id: Mapped[uuid.UUID]
    status: Mapped[CompositionStatus]
    created_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    signer_name: Mapped[str]


class KeyStore(StrEnum):
    """Where a signer's private key is."""

    SOFT = "soft"
    """Sealed in the row itself."""
    TOKEN = "pkcs11"  # noqa: S105  # the standard's name
    """In a PKCS#11 token: a smart card, a hardware security module."""
    REMOTE = "remote"
    """With a signature service that takes a digest."""


class RevocationReason(StrEnum):
    """Why a signing key is used no more (RFC 5280 §5.3.1)."""

    COMPROMISED = "keyCompromise"
    LEFT = "affiliationChanged"
    REPLACED = "superseded"
    OVER = "cessationOfOperation"


class SigningKey(Base):
    """A signer's certificate, and where their private key is."""

    __tablename__ = "signing_key"

    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    certificate: Mapped[str]
    """PEM, the signer's first, then the chain up to the root."""
    private_key_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """Of a soft key; empty for the others."""
    sealed_for: Mapped[uuid.UUID | None]
    """The personal key that opens it (`accounts.personal_keys`), gone once its owner forgot their password; none of a
    soft key that its owner has not signed with since such keys are: the installation's secret opens that."""
    store: Mapped[KeyStore] = mapped_column(default=KeyStore.SOFT, server_default="soft")
    reference: Mapped[str] = mapped_column(default="", server_default="")
    """The key's label in the token, or the service's credential."""
    not_after: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revocation_reason: Mapped[str] = mapped_column(default="", server_default="")
    """A code of `RevocationReason`."""
    created_at: Mapped[datetime]
