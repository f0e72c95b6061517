"""Where others are written to: mailboxes of the French secure health mail (MSSanté), and ordinary ones beside them.

As the national directory has them (ANS, Annuaire Santé: as-ext-mailbox-mss-metadata, TRE_R256, TRE_R257). A mailbox is
a person's at a structure, or a structure's. Each establishment keeps a directory of its own: what another accepts does
not change where it writes to.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base

WORDS = "to_tsvector('simple'::regconfig, words)"
"""SQL: each folded word of a mailbox, to be found by its beginning."""


class MailboxType(StrEnum):
    """Whose a secure mailbox is (ANS TRE_R257)."""

    APPLICATION = "APP"
    ORGANISATION = "ORG"
    PRACTICE = "CAB"
    PERSON = "PER"


class MailboxSource(StrEnum):
    """Where it was learnt."""

    FHIR = "fhir"
    EXTRACT = "extract"
    TYPED = "typed"


class Mailbox(Base):
    """One address of one correspondent. The same address of two correspondents is two rows, and a question."""

    __tablename__ = "mailbox"
    __table_args__ = (
        UniqueConstraint(
            *("organization_id", "address", "registration_number", "structure_number"), name="uq_mailbox_correspondent"
        ),
        Index("ix_mailbox_person", "organization_id", "registration_number"),
        Index("ix_mailbox_structure", "organization_id", "structure_number"),
        Index("ix_mailbox_names", "organization_id", "words", postgresql_ops={"words": "text_pattern_ops"}),
        Index("ix_mailbox_words", text(WORDS), postgresql_using="gin"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """Whose directory it stands in."""
    address: Mapped[str]
    """In lower case (RFC 5321 §4.1.2, without quotes)."""
    type: Mapped[MailboxType | None]
    """None of an ordinary address."""
    is_secure: Mapped[bool]
    """Marked as a secure mailbox by the directory (emailType MSSANTE); never told from the look of the address."""
    registration_number: Mapped[str] = mapped_column(default="", server_default="")
    """RPPS in 11 digits, or ADELI; empty for a structure's."""
    structure_number: Mapped[str] = mapped_column(default="", server_default="")
    """FINESS or SIRET; empty where a person's box stands at none."""
    family: Mapped[str] = mapped_column(default="", server_default="")
    given: Mapped[str] = mapped_column(default="", server_default="")
    prefix: Mapped[str] = mapped_column(default="", server_default="")
    profession: Mapped[str] = mapped_column(default="", server_default="")
    structure: Mapped[str] = mapped_column(default="", server_default="")
    service: Mapped[str] = mapped_column(default="", server_default="")
    place: Mapped[str] = mapped_column(default="", server_default="")
    words: Mapped[str] = mapped_column(default="", server_default="")
    """All of it folded, for search; the family name first."""
    is_red_listed: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Its owner does not want to be found: never shown to choose from, never written to."""
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    source: Mapped[MailboxSource]
    seen_at: Mapped[datetime]
    """When it was first taken."""
    refreshed_at: Mapped[datetime]
    """When a file last had it."""

    @property
    def owner(self) -> str:
        """The person, else the structure, as shown."""
        person = " ".join(part for part in (self.prefix, self.given, self.family) if part)
        return person or self.structure or self.registration_number or self.structure_number


WRITABLE: Final = and_(Mailbox.is_secure, Mailbox.is_active, ~Mailbox.is_red_listed)
"""A condition on rows: a secure mailbox, in use, whose owner may be found; nobody is written to elsewhere."""


class ImportStatus(StrEnum):
    """How far reading a file is."""

    READING = "reading"
    READY = "ready"
    CANCELLED = "cancelled"
    FAILED = "failed"


class MailboxImport(Base):
    """A file of the national directory, held against ours; nothing of it counts until a person says so."""

    __tablename__ = "mailbox_import"
    __table_args__ = (Index(None, "organization_id", "created_at"),)

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    file_name: Mapped[str]
    source: Mapped[MailboxSource]
    """What kind of file it is."""
    object_key: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    is_whole: Mapped[bool]
    """Whether the file has all mailboxes: only then is one that it lacks missed."""
    status: Mapped[ImportStatus] = mapped_column(default=ImportStatus.READING)
    reason: Mapped[str] = mapped_column(default="", server_default="")
    """Why it failed, in a sentence."""
    size: Mapped[int] = mapped_column(BigInteger)
    bytes_read: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    listed: Mapped[int] = mapped_column(default=0, server_default="0")
    """Mailboxes read so far."""
    refused_count: Mapped[int] = mapped_column(default=0, server_default="0")
    refused: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    """What could not be read: place and reason; the first hundred."""
    created_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class MailboxDifferenceKind(StrEnum):
    """How a file differs from our directory of mailboxes."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    """The file says `active: false`."""
    DISAPPEARED = "disappeared"
    """A whole file does not have it any more."""


class MailboxDecision(StrEnum):
    """What a person made of a difference."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class MailboxDifference(Base):
    """One difference between a file and our directory, and what a person decided."""

    __tablename__ = "mailbox_difference"
    __table_args__ = (
        UniqueConstraint(
            *("import_id", "address", "registration_number", "structure_number"), name="uq_mailbox_difference_once"
        ),
        Index(None, "import_id", "decision", "kind"),
    )

    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mailbox_import.id"))
    kind: Mapped[MailboxDifferenceKind]
    address: Mapped[str]
    registration_number: Mapped[str]
    structure_number: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    decision: Mapped[MailboxDecision] = mapped_column(
        default=MailboxDecision.PENDING, server_default=MailboxDecision.PENDING.value
    )
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    decided_at: Mapped[datetime | None]


class ChoiceKind(StrEnum):
    """What was asked about mailboxes."""

    SAME_ADDRESS = "same-address"
    """One address of several correspondents; the subject is the address."""
    SEVERAL_BOXES = "several-boxes"
    """Several addresses of one correspondent; the subject is `registration_number@structure_number`."""
    NEAR_NAMES = "near-names"
    """Two numbers under nearly the same name; the subject is both numbers, in order."""


class MailboxChoice(Base):
    """What a person decided about addresses that are not plain, once; remembered for its subject."""

    __tablename__ = "mailbox_choice"
    __table_args__ = (UniqueConstraint("organization_id", "kind", "subject"),)

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[ChoiceKind]
    subject: Mapped[str]
    address: Mapped[str] = mapped_column(default="", server_default="")
    """The one to write to; empty where all is right as it is."""
    decided_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    decided_at: Mapped[datetime]
