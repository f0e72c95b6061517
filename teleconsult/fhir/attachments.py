"""A document inside a DocumentReference: taken out, looked at, and kept as one that was added by hand
(http://hl7.org/fhir/R4/datatypes.html#Attachment).
"""

import asyncio
import base64
import binascii
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from teleconsult.errors import Invalid, TooLarge
from teleconsult.fhir.outcomes import BadResource
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects
from teleconsult.records.documents import CDA, LARGEST, SHA256, Document, hash_of, is_taken_apart, keep, leads_to, taken
from teleconsult.records.elements import as_text, dicts
from teleconsult.records.models import ResourceType

KIND: Final = ResourceType.DOCUMENT_REFERENCE.value
_ALSO: Final = {CDA: frozenset({"text/xml", "application/hl7-v3+xml"})}
"""Other names of a kind of document."""
_OURS: Final = ("data", "contentType", "size", "hash", "url")
"""Elements of an attachment that follow from its bytes."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A document that was read, and is kept once its entry is."""

    document: Document
    objects: Objects
    place: int
    """Which `content` it came in."""

    @property
    def element(self) -> str:
        """Where it came."""
        return f"{KIND}.content[{self.place}].attachment.data"

    def is_of(self, resource: Mapping[str, Any]) -> bool:
        """Whether an entry leads to these very bytes already."""
        return leads_to(resource, self.document.content)

    def placed(self, resource: Mapping[str, Any], entry_id: uuid.UUID, *, title: str, at: datetime) -> dict[str, Any]:
        """The DocumentReference that leads to the bytes, and says of them what is true."""
        items = list(dicts(resource.get("content")))
        item = items[self.place]
        told = {name: value for name, value in item["attachment"].items() if name not in _OURS}
        theirs = [one for one in dicts(told.pop("extension", None)) if one.get("url") != SHA256]
        made = self.document.attachments(entry_id, title=title, at=at)
        items[self.place : self.place + 1] = [
            {**item, "attachment": {**one, **told, "extension": [*one["extension"], *theirs]}} for one in made
        ]
        return {**resource, "content": items}

    async def keep(self, entry_id: uuid.UUID) -> None:
        """Put the bytes where the entry looks for them."""
        await keep(self.objects, entry_id, self.document)


def brings_costly(resource: object) -> bool:
    """Whether a resource brings bytes along that are long to look at, though they be few: a picture, a CDA document."""
    items = dicts(resource.get("content")) if isinstance(resource, Mapping) else ()
    for item in items:
        attachment = item.get("attachment")
        data = attachment.get("data") if isinstance(attachment, Mapping) else None
        if isinstance(data, str):
            try:
                content = binascii.a2b_base64(data)
            except ValueError:
                continue
            if is_taken_apart(content):
                return True
    return False


async def detached(
    resource: Mapping[str, Any], *, objects: Objects, sandbox: Sandbox, folder: Path
) -> tuple[dict[str, Any], Attached | None]:
    """The DocumentReference without the bytes it brings, and the document they are; `folder` is for working files.

    Raises BadResource for bytes that are no document we keep or not what is said of them, TooLarge over 20 MB.
    """
    place = _place_of_bytes(resource)
    if place is None:
        return dict(resource), None
    element = f"{KIND}.content[{place}].attachment"
    items = list(dicts(resource.get("content")))
    attachment = items[place]["attachment"]
    content = await asyncio.to_thread(_bytes_of, attachment, element)
    with tempfile.TemporaryDirectory(prefix="upload-", dir=folder) as within:
        path = Path(within) / "document"
        await asyncio.to_thread(path.write_bytes, content)
        try:
            document = await taken(path, sandbox)
        except Invalid as error:
            raise BadResource(f"{element}.data", next(iter(error.fields.values()))) from error
    said = as_text(attachment.get("contentType")).partition(";")[0].strip().lower()
    if said and said != document.content_type and said not in _ALSO.get(document.content_type, ()):
        raise BadResource(f"{element}.contentType", "The bytes are of another kind than this.", code="value")
    items[place] = {**items[place], "attachment": {k: v for k, v in attachment.items() if k not in _OURS}}
    return {**resource, "content": items}, Attached(document, objects, place)


def _place_of_bytes(resource: Mapping[str, Any]) -> int | None:
    """Which `content` of a DocumentReference brings bytes along. Raises BadResource where several do."""
    found = [
        number
        for number, item in enumerate(dicts(resource.get("content")))
        if isinstance(attachment := item.get("attachment"), Mapping) and "data" in attachment
    ]
    if len(found) > 1:
        element = f"{KIND}.content[{found[1]}].attachment.data"
        raise BadResource(element, "Send one document at a time, each in a DocumentReference of its own.")
    return found[0] if found else None


def _bytes_of(attachment: Mapping[str, Any], element: str) -> bytes:
    """The bytes, which are what is said of them."""
    data = attachment["data"]
    if not isinstance(data, str):
        raise BadResource(f"{element}.data", "This is no base64.", code="structure")
    if len(data) > LARGEST * 3 // 2:
        raise TooLarge("A document may have 20 MB at most.")
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadResource(f"{element}.data", "This is no base64.", code="structure") from error
    if attachment.get("size", len(content)) != len(content):
        raise BadResource(f"{element}.size", "The bytes are more or fewer than this.", code="value")
    if attachment.get("hash", hash_of(content)) != hash_of(content):
        raise BadResource(f"{element}.hash", "This is not the hash of the bytes.", code="value")
    return content
