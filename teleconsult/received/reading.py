"""What a mail with a patient's documents says: IHE XDM by e-mail (ITI TF-1 §16, TF-2 3.32; ANS, socle MSSanté #2).

Runs in a sandbox worker: mail, archive and XML are strangers'. Whose documents they are is said by `patientId` in
METADATA.XML, never by the words of the mail. Nothing is taken that is not as the metadata says: size and SHA-1 of each.
"""

import email
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from pathlib import Path, PurePosixPath
from typing import Any, Final

from lxml import etree

from teleconsult.cda.header import header_of
from teleconsult.cda.parsing import parse_xml
from teleconsult.errors import Invalid
from teleconsult.received.answerable import LONGEST_ADDRESS, Unanswered, safe_address

LARGEST: Final = 40 * 1024 * 1024
"""Bytes of a mail: 25 MB of attachments, in base64."""
MOST_PARTS: Final = 200
MOST_FILES: Final = 500
MOST_DOCUMENTS: Final = 20
LARGEST_WHOLE: Final = 100 * 1024 * 1024
MOST_RATIO: Final = 200
"""Bytes out for one in."""
_RIM: Final = {"rim": "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"}
PATIENT_ID: Final = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
UNIQUE_ID: Final = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
_DAMAGED: Final = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError),
    ValueError,
)
"""What the standard library raises for an archive that is none."""
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _(message: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is shown."""
    return message


NO_ARCHIVE: Final = _("There is no IHE_XDM.ZIP in this mail.")
BAD_ARCHIVE: Final = _("The archive in this mail is damaged, or is not safe to open.")
NO_METADATA: Final = _("The archive has no METADATA.XML that can be read.")
NO_PATIENT: Final = _("The metadata do not say whose documents these are.")
SEVERAL_PATIENTS: Final = _("The metadata name more than one patient.")
OTHER_DOCUMENTS: Final = _("A document is not the one that the metadata describe.")
OTHER_PATIENT: Final = _("The metadata and the document name different patients.")
TOO_MANY: Final = _("There are too many documents in this mail.")
NOT_READ: Final = _("This mail cannot be read.")


class Unfit(Exception):
    """Why there is nothing to file in a mail: one of the sentences above."""


@dataclass(frozen=True, slots=True)
class _Described:
    """One document as METADATA.XML has it."""

    path: str
    title: str
    media_type: str
    unique_id: str
    size: int
    sha1: str


def read_mail(path: Path) -> tuple[dict[str, Any], bytes]:
    """What the mail says, as JSON, and its documents one after the other (`size` says where each ends).

    `refused` is why there is nothing to file, else empty.
    """
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    sender = parseaddr(_header(message, "From"))[1]
    asked = _header(message, "Disposition-Notification-To")
    safe = safe_address(asked, return_path=_header(message, "Return-Path"), sender=sender)
    head: dict[str, Any] = {
        "message_id": _header(message, "Message-ID"),
        "sender": sender[:LONGEST_ADDRESS].lower(),
        "subject": _header(message, "Subject"),
        "answer_to": asked and (safe or parseaddr(asked)[1])[:LONGEST_ADDRESS],
        "answer_failure": Unanswered.UNSAFE.value if asked and not safe else "",
        "is_report": message.get_content_type() == "multipart/report",
        "told": {},
        "documents": [],
        "refused": "",
    }
    bodies: list[bytes] = []
    try:
        archive = _archive_in(message)
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            files = _safe_files(opened, len(archive))
            head["told"], described = _metadata(opened, files)
            for document in described:
                content = _read(opened, files, document)
                bodies.append(content)
                head["documents"].append(
                    {
                        "title": document.title,
                        "media_type": document.media_type,
                        "unique_id": document.unique_id,
                        "size": len(content),
                        "sha256": hashlib.sha256(content).hexdigest(),
                    }
                )
            head["told"] |= _by_documents(bodies, head["told"]["patient_id"])
    except Unfit as error:
        return {**head, "refused": str(error), "told": {}, "documents": []}, b""
    except _DAMAGED:
        return {**head, "refused": BAD_ARCHIVE, "told": {}, "documents": []}, b""
    return head, b"".join(bodies)


def _header(message: EmailMessage, name: str) -> str:
    """One header in a line of printable text; empty where it is missing or broken."""
    try:
        value = str(message.get(name) or "")
    except (ValueError, AttributeError, TypeError, LookupError):  # a broken header makes the parser raise any of these
        return ""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())[:998]


def _archive_in(message: EmailMessage) -> bytes:
    for number, part in enumerate(message.walk()):
        if number > MOST_PARTS:
            break
        if part.is_multipart():
            continue
        name = PurePosixPath((part.get_filename() or "").replace("\\", "/")).name.upper()
        if name == "IHE_XDM.ZIP" or (part.get_content_type() == "application/zip" and name.endswith(".ZIP")):
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and content.startswith(b"PK"):
                return content
    raise Unfit(NO_ARCHIVE)


def _safe_files(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Each file by its path, in capitals; nothing that would lie outside, come twice, or grow without bounds."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    claimed = sum(info.file_size for info in infos)
    if len(infos) > MOST_FILES or claimed > min(LARGEST_WHOLE, MOST_RATIO * max(size, 1)):
        raise Unfit(BAD_ARCHIVE)
    files: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename.replace("\\", "/").upper()
        parts = PurePosixPath(name).parts
        is_outside = name.startswith("/") or ".." in parts or ":" in name or not name.isprintable()
        if is_outside or name in files or info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise Unfit(BAD_ARCHIVE)
        files[name] = info
    return files


def _open(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        content = file.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise Unfit(BAD_ARCHIVE)
    return content


def _metadata(archive: zipfile.ZipFile, files: dict[str, zipfile.ZipInfo]) -> tuple[dict[str, Any], list[_Described]]:
    """Of every submission set: whose documents, and which."""
    sets = sorted(name for name in files if name.startswith("IHE_XDM/") and name.endswith("/METADATA.XML"))
    patients: set[str] = set()
    traits: dict[str, Any] = {}
    described: list[_Described] = []
    if not sets:
        raise Unfit(NO_METADATA)
    for name in sets:
        try:
            root = parse_xml(_open(archive, files[name]))
        except Invalid as error:
            raise Unfit(NO_METADATA) from error
        for entry in root.iterfind(".//rim:ExtrinsicObject", _RIM):
            patients.add(_external(entry, PATIENT_ID))
            traits = traits or _source_patient(entry)
            described.append(_described(entry, folder=name.rpartition("/")[0]))
    if not described or "" in patients:
        raise Unfit(NO_PATIENT if described else NO_METADATA)
    if len(patients) > 1:
        raise Unfit(SEVERAL_PATIENTS)
    if len(described) > MOST_DOCUMENTS:
        raise Unfit(TOO_MANY)
    return {"patient_id": _identifier(patients.pop()), **traits}, described


def _described(entry: etree._Element, *, folder: str) -> _Described:
    title = entry.find("rim:Name/rim:LocalizedString", _RIM)
    size = _slot(entry, "size")
    return _Described(
        path=f"{folder}/{_slot(entry, 'URI')}".upper(),
        title=_line(title.get("value") if title is not None else ""),
        media_type=_line(entry.get("mimeType")),
        unique_id=_external(entry, UNIQUE_ID),
        size=int(size) if size.isdecimal() and len(size) < 12 else -1,
        sha1=_slot(entry, "hash").lower(),
    )


def _read(archive: zipfile.ZipFile, files: dict[str, zipfile.ZipInfo], document: _Described) -> bytes:
    info = files.get(document.path)
    if info is None:
        raise Unfit(OTHER_DOCUMENTS)
    content = _open(archive, info)
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if document.size not in (-1, len(content)) or digest != document.sha1:
        raise Unfit(OTHER_DOCUMENTS)
    return content


def _by_documents(bodies: list[bytes], patient_id: dict[str, str]) -> dict[str, Any]:
    """The traits as the CDA documents have them, which say more. They must know the patient by the same number."""
    found: dict[str, Any] = {}
    for content in bodies:
        if b"ClinicalDocument" not in content[:4096]:
            continue
        try:
            header = header_of(parse_xml(content))
        except Invalid as error:
            raise Unfit(OTHER_DOCUMENTS) from error
        ids = [{"root": one.root, "extension": one.extension} for one in header.patient_ids]
        if ids and not any(one["extension"] == patient_id["extension"] for one in ids):
            raise Unfit(OTHER_PATIENT)
        found = {
            "identifiers": ids,
            "family": header.family,
            "given": header.given,
            "birth_date": header.birth_date.isoformat() if header.birth_date else "",
            "gender": header.gender.value,
            "author": header.author or header.author_organization,
            "title": header.title,
        }
    return found


def _source_patient(entry: etree._Element) -> dict[str, Any]:
    """sourcePatientInfo: fields of a PID segment, `PID-5|family^given…` (ITI TF-3 §4.2.3.2.23)."""
    fields: dict[str, str] = {}
    for value in _values(entry, "sourcePatientInfo"):
        name, _bar, content = value.partition("|")
        fields.setdefault(name.strip(), content)
    family, _caret, rest = fields.get("PID-5", "").partition("~")[0].partition("^")
    born = fields.get("PID-7", "")[:8]
    return {
        "identifiers": [],
        "family": _line(family),
        "given": _line(rest.partition("^")[0]),
        "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 and born.isdecimal() else "",
        "gender": {"M": "male", "F": "female", "O": "other"}.get(fields.get("PID-8", "")[:1], "unknown"),
        "author": "",
        "title": "",
    }


def _identifier(cx: str) -> dict[str, str]:
    """`id^^^&OID&ISO^NH` (CX, ITI TF-3 §4.2.3.2.16)."""
    parts = cx.split("^")
    authority = parts[3].split("&") if len(parts) > 3 else []
    return {"root": _line(authority[1]) if len(authority) > 1 else "", "extension": _line(parts[0])}


def _external(entry: etree._Element, scheme: str) -> str:
    found = entry.find(f"rim:ExternalIdentifier[@identificationScheme='{scheme}']", _RIM)
    return _line(found.get("value")) if found is not None else ""


def _slot(entry: etree._Element, name: str) -> str:
    return next(_values(entry, name), "")


def _values(entry: etree._Element, name: str) -> Iterator[str]:
    for value in entry.iterfind(f"rim:Slot[@name='{name}']/rim:ValueList/rim:Value", _RIM):
        yield _line(value.text)


def _line(value: str | None) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value or "").split())[:300]
