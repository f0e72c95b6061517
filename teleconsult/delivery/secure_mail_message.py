"""A note as a secure mail: one patient, IHE_XDM.ZIP and the PDF, subject and headers as MSSanté demands them.

ANS, Référentiel socle MSSanté #2 v1.0.1: ECO.2.1.1, 2.1.3, 2.1.5, 2.1.6 (attachments, subject, names), 2.2.1 and 2.2.2
(replacement), 2.2.8 and 2.4.1 to 2.4.3 (X-MSS headers). The mail is made of the parcel alone: sent again, it is the
same bytes under the same Message-ID.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from zoneinfo import ZoneInfo

from teleconsult.cda.naming import qualified_number
from teleconsult.cda.profiles import FRANCE
from teleconsult.delivery.mailing import PATIENTS
from teleconsult.delivery.models import Purpose
from teleconsult.delivery.parcel import Parcel
from teleconsult.delivery.secure_mail_words import MAIL_WORDS, MailWords
from teleconsult.messages.mail import header_text
from teleconsult.notes.content import Relation
from teleconsult.patients.names import fold
from teleconsult.settings import Settings
from teleconsult.xdm.volume import FILE_NAME, xdm_volume

PREFIX: Final = "XDM/1.0/DDM+"
LARGEST: Final = 25 * 1024 * 1024
"""Bytes of all attachments."""
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9-]+")


class TooMuch(Exception):
    """The attachments are larger than a mail may be."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail and its envelope (RFC 5321, RFC 3461)."""

    sender: str
    recipient: str
    envelope_id: str
    message: bytes
    notify: str = "SUCCESS,FAILURE,DELAY"
    """Of what the servers on its way are to tell (RFC 3461 §4.1)."""

    @property
    def sha256(self) -> bytes:
        """Of the whole mail."""
        return hashlib.sha256(self.message).digest()


def mail_number(delivery_id: uuid.UUID) -> str:
    """What a delivery's mail is called in envelopes and receipts (ENVID, RFC 3461 §4.4), at every attempt."""
    return delivery_id.hex


def message_id(delivery_id: uuid.UUID, sender: str) -> str:
    """Its Message-ID (RFC 5322 §3.6.4)."""
    return f"<{mail_number(delivery_id)}@{sender.rpartition('@')[2]}>"


def write_letter(parcel: Parcel, settings: Settings) -> Letter:
    """The whole mail. Raises TooMuch, ValueError for what could add a header."""
    sender = header_text(settings.secure_mail_from)
    message = EmailMessage(policy=SMTP)
    _head(message, parcel, settings, sender)
    is_patient = is_patients(parcel.destination)
    words = MAIL_WORDS[parcel.content.language]
    told = {"author": parcel.content.author.name, "organization": parcel.content.author.organization}
    if parcel.purpose is Purpose.RETRACTION:
        message.set_content(words.retracted % told, cte="quoted-printable")
    else:
        body = (words.to_patient if is_patient else words.to_professional) % told
        relation = {Relation.REPLACES: words.replaced, Relation.APPENDS: words.added}.get(parcel.content.relation, "")
        message.set_content(f"{body}\n{relation}" if relation else body, cte="quoted-printable")
        _attach(message, parcel, words)
    whole = _encoded_head(parcel, sender) + message.as_bytes()
    return Letter(sender, header_text(parcel.destination), mail_number(parcel.delivery_id), whole)


def is_patients(address: str) -> bool:
    """Whether it is a patient's mailbox in the national health space."""
    return address.lower().endswith(f"@{PATIENTS}")


def subject_of(parcel: Parcel) -> str:
    """`XDM/1.0/DDM+<label> <NAME> <given> <birth date>`; only the birth date may be missing."""
    words, patient = MAIL_WORDS[parcel.content.language], parcel.content.patient
    name = f"{patient.family.upper()} {patient.given}".strip() if patient.family else patient.name
    born = f"{patient.birth_date:%d/%m/%Y}" if patient.birth_date else ""
    whom = " ".join(part for part in (name, born) if part)
    if parcel.purpose is Purpose.RETRACTION:
        return header_text(f"{words.retracts} {whom}")
    mark = {Relation.REPLACES: words.replaces, Relation.APPENDS: words.appends}.get(parcel.content.relation)
    return header_text(f"{PREFIX}{words.label}{f' ({mark})' if mark else ''} {whom}")


def pdf_name(parcel: Parcel) -> str:
    """`<act date>_<document type>_<NAME>_<given>_<file number>.pdf`, in letters every system can keep."""
    content, patient = parcel.content, parcel.content.patient
    acted = (content.session_started_at or content.written_at).astimezone(ZoneInfo(content.zone))
    parts = (
        f"{acted:%Y%m%d}",
        MAIL_WORDS[content.language].file_label,
        fold(patient.family or patient.name).upper(),
        fold(patient.given).title(),
        patient.local_number,
    )
    return "_".join(_NOT_IN_NAMES.sub("-", part).strip("-") for part in parts if part) + ".pdf"


def _encoded_head(parcel: Parcel, sender: str) -> bytes:
    """The headers with names in them (RFC 2047), written by the older of Python's two ways.

    The newer one loses blanks where it begins a new encoded word: `NGUYỄN Văn` arrives as `NGUYỄNVăn`.
    """
    subject = Header(subject_of(parcel), "utf-8", header_name="Subject").encode(linesep="\r\n")
    name = Header(header_text(parcel.content.author.organization), "utf-8", header_name="From").encode(linesep="\r\n")
    return f"From: {name}\r\n <{sender}>\r\nSubject: {subject}\r\n".encode("ascii")


def _head(message: EmailMessage, parcel: Parcel, settings: Settings, sender: str) -> None:
    message["To"] = Address(addr_spec=header_text(parcel.destination))
    message["Reply-To"] = Address(addr_spec=header_text(settings.secure_mail_reply_to or sender))
    message["Date"] = format_datetime(parcel.queued_at)
    message["Message-ID"] = message_id(parcel.delivery_id, sender)
    if parcel.earlier is not None:
        before = message_id(parcel.earlier.delivery_id, sender)
        message["In-Reply-To"] = before
        message["References"] = before
    message["Disposition-Notification-To"] = sender
    if settings.secure_mail_nil:
        message["X-MSS-NIL"] = header_text(settings.secure_mail_nil)
    if parcel.purpose is Purpose.DOCUMENT:
        message["X-MSS-CODECDA"] = FRANCE.note_type.code
        message["X-MSS-INS"] = "O" if _is_identified(parcel) else "N"
    if is_patients(parcel.destination):
        message["X-MSS-MES"] = "FIN"


def _attach(message: EmailMessage, parcel: Parcel, words: MailWords) -> None:
    """The archive for programs, the PDF for eyes: the very one that is inside."""
    archive = xdm_volume(parcel.content, pdf=parcel.pdf)
    if len(archive) + len(parcel.pdf) > LARGEST:
        raise TooMuch
    message.add_attachment(archive, maintype="application", subtype="zip", filename=FILE_NAME)
    message.add_attachment(parcel.pdf, maintype="application", subtype="pdf", filename=pdf_name(parcel))
    message.set_boundary(f"=_{mail_number(parcel.delivery_id)}")


def _is_identified(parcel: Parcel) -> bool:
    """With a qualified number goes its OID and the four traits: name, given name, sex and birth date."""
    patient = parcel.content.patient
    has_traits = bool(patient.family and patient.given and patient.birth_date and patient.gender in ("male", "female"))
    return has_traits and qualified_number(parcel.content, FRANCE) is not None
