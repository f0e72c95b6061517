"""Documents and photographs that somebody adds to a file: taken for what their bytes are, kept in the object store."""

import asyncio
import base64
import contextlib
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from obstore.exceptions import AlreadyExistsError

from teleconsult.cda.telling import Told
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects
from teleconsult.records.elements import INSIDE, as_text, attachment_of, dicts, kept_type
from teleconsult.records.models import ResourceType

LARGEST: Final = 20 * 1024 * 1024
LARGEST_TEXT: Final = 1024 * 1024
PDF: Final = "application/pdf"
TEXT: Final = "text/plain"
CDA: Final = "application/xml"
PICTURES: Final = frozenset({"image/jpeg", "image/png"})
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
SHA256: Final = "urn:oid:2.16.840.1.101.3.4.2.1"
"""The OID of SHA-256, which guards the bytes: R4 knows only SHA-1 for `Attachment.hash`."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is kept: bytes of a kind that is known."""

    content_type: str
    content: bytes
    told: Told | None = None
    """What a CDA document says of itself."""
    inside: "Document | None" = None
    """The file that is the body of a CDA document, where it is a PDF or a text."""

    def resource(self, entry_id: uuid.UUID, *, title: str, at: datetime) -> dict[str, Any]:
        """A DocumentReference that leads to the bytes and says what they were (R4 §2.42)."""
        resource: dict[str, Any] = {
            "resourceType": ResourceType.DOCUMENT_REFERENCE.value,
            "status": "current",
            "date": at.isoformat(timespec="seconds"),
            "description": title,
            "content": [{"attachment": one} for one in self.attachments(entry_id, title=title, at=at)],
        }
        return resource if self.told is None else {**resource, **_from_cda(self.told)}

    def attachments(self, entry_id: uuid.UUID, *, title: str, at: datetime) -> list[dict[str, Any]]:
        """Where the bytes are and what they were, of the whole and of the file inside (R4 §2.24.0.3)."""
        whole = self._attachment(f"Binary/{entry_id}", title=title, at=at)
        inside = [self.inside._attachment(f"Binary/{entry_id}{INSIDE}", title=title, at=at)] if self.inside else []
        return [whole, *inside]

    def _attachment(self, url: str, *, title: str, at: datetime) -> dict[str, Any]:
        digest = hashlib.sha256(self.content).hexdigest()
        return {
            "extension": [{"url": SHA256, "valueString": digest}],
            "contentType": self.content_type,
            "size": len(self.content),
            "hash": hash_of(self.content),
            "url": url,
            "title": title,
            "creation": at.isoformat(timespec="seconds"),
        }


def is_taken_apart(content: bytes) -> bool:
    """Whether such bytes are opened by the process apart, which costs time: a picture, or a CDA document."""
    return content.startswith(_PICTURES) or _is_cda(content)


async def taken(path: Path, sandbox: Sandbox) -> Document:
    """A stranger's file as a document: a PDF or a text as it is, a photograph drawn anew. Its name does not count.

    Raises Invalid on `files` for anything else.
    """
    size = await asyncio.to_thread(lambda: path.stat().st_size)
    if size > LARGEST:
        raise Invalid({"files": "A document may have 20 MB at most."})
    head = await asyncio.to_thread(_head, path)
    if head.startswith(_PICTURES):
        try:
            drawn = await sandbox.ask("picture", path)
        except Unreadable as error:
            raise Invalid({"files": "This picture cannot be read. Save it again as JPEG or PNG."}) from error
        return Document(str(drawn.head["content_type"]), drawn.body)
    content = await asyncio.to_thread(path.read_bytes)
    if _is_cda(content):
        return await _cda(path, content, sandbox)
    if head.startswith(b"%PDF-"):
        return Document(PDF, content)
    if size <= LARGEST_TEXT and await asyncio.to_thread(_is_text, content):
        return Document(TEXT, content)
    raise Invalid({"files": "Choose a PDF, a JPEG or PNG picture, a CDA document, or a plain text."})


async def _cda(path: Path, content: bytes, sandbox: Sandbox) -> Document:
    """Kept whole, with what it says of itself."""
    try:
        told = Told.read((await sandbox.ask("cda", path)).head)
        body = (await sandbox.ask("cda_body", path)).body if told.body_type in (PDF, TEXT) else b""
    except Unreadable as error:
        raise Invalid({"files": "This is no CDA document that can be read here."}) from error
    is_sound = body.startswith(b"%PDF-") if told.body_type == PDF else _is_text(body)
    return Document(CDA, content, told, Document(told.body_type, body) if is_sound else None)


async def keep(objects: Objects, entry_id: uuid.UUID, document: Document) -> None:
    """Put the bytes under the key of their entry. What is sent a second time is there already."""
    for part, key in ((document, key_of(entry_id)), (document.inside, key_of(entry_id, inside=True))):
        if part is not None:
            with contextlib.suppress(AlreadyExistsError):
                await objects.put(key, part.content)


def hash_of(content: bytes) -> str:
    """R4 `Attachment.hash`: SHA-1 in base64. It tells mistakes from what was meant, and guards nothing."""
    return base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()


def key_of(entry_id: uuid.UUID, *, inside: bool = False) -> str:
    """Where the bytes of a document lie: as random as the id of its entry."""
    return f"documents/{entry_id.hex[:2]}/{entry_id.hex}{'-inside' if inside else ''}"


async def read_document(objects: Objects, resource: Mapping[str, Any], *, is_whole: bool = False) -> Document:
    """The bytes of a DocumentReference that the caller has looked up: of the file that is its body, where it has one.

    Raises NotFound for none of ours, and for others than it told.
    """
    inside = not is_whole and bool(kept_type(resource, inside=True))
    content_type = kept_type(resource, inside=inside)
    if content_type not in {PDF, TEXT, CDA, *PICTURES}:
        raise NotFound
    content = await objects.get(key_of(uuid.UUID(resource["id"]), inside=inside))
    if not leads_to(resource, content, inside=inside):
        raise NotFound
    return Document(content_type, content)


def leads_to(resource: Mapping[str, Any], content: bytes, *, inside: bool = False) -> bool:
    """Whether these are the bytes that a DocumentReference of ours tells of."""
    told = attachment_of(resource, inside=inside)
    said = {as_text(item.get("valueString")) for item in dicts(told.get("extension"))}
    return hashlib.sha256(content).hexdigest() in said


def _from_cda(told: Told) -> dict[str, Any]:
    """What the header adds to a DocumentReference; the words are there to be read and searched."""
    number = {"system": f"urn:oid:{told.number.root}", "value": told.number.extension or told.number.root}
    kind = {"coding": [{"system": "http://loinc.org", "code": told.code}], "text": told.title or told.code}
    found = {
        "masterIdentifier": number if told.number.root else None,
        "type": kind if told.code else None,
        "author": [{"display": told.author}] if told.author else None,
        "custodian": {"display": told.custodian} if told.custodian else None,
        "text": {"status": "generated", "div": told.narrative} if told.narrative else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _is_cda(content: bytes) -> bool:
    return b"ClinicalDocument" in content[:4096]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _is_text(content: bytes) -> bool:
    """Whether it is text in UTF-8 with something in it, and no bytes that no text has."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and all(letter.isprintable() or letter in "\t\n\r\f" for letter in text.lstrip("\ufeff"))
