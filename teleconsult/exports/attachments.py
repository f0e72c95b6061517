"""The bytes that go into a document with the entries that speak of them: PDFs, photographs, signed notes."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from teleconsult.errors import NotFound
from teleconsult.fhir.binaries import KIND, as_binary
from teleconsult.objects import Objects
from teleconsult.records.documents import Document, read_document
from teleconsult.records.elements import as_text, dicts, kept_type

LARGEST: Final = 5 * 1024 * 1024
LARGEST_ALL: Final = 20 * 1024 * 1024
"""Bytes. What is larger stays a reference, with its size and its hash where it has one."""
_BINARY: Final = f"{KIND}/"

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attachments:
    """What could come along as Binary, and the titles of what could not."""

    binaries: tuple[Resource, ...] = ()
    left_out: tuple[str, ...] = ()


async def gather_attachments(
    objects: Objects, resources: Iterable[Mapping[str, Any]], *, signed: Mapping[str, str]
) -> Attachments:
    """The attachments of these DocumentReferences, in their order, as far as there is room.

    `signed` leads from the id of a note to the key of its PDF. The caller has looked all of them up through the actor.
    """
    binaries: dict[str, Resource] = {}
    left_out: list[str] = []
    room = LARGEST_ALL
    for resource in resources:
        for attachment in _ours(resource):
            id_ = as_text(attachment.get("url")).removeprefix(_BINARY)
            size = attachment.get("size")
            if id_ in binaries:
                continue
            content = None
            if isinstance(size, int) and size <= min(room, LARGEST):
                content = await _content(objects, resource, id_, signed.get(id_))
            if content is None or len(content) > min(room, LARGEST):
                left_out.append(as_text(attachment.get("title")) or as_text(resource.get("description")) or id_)
                continue
            room -= len(content)
            document = Document(as_text(attachment.get("contentType")), content)
            binaries[id_] = as_binary({"resourceType": KIND, "id": id_}, document)
    return Attachments(tuple(binaries.values()), tuple(left_out))


def _ours(resource: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The attachments whose bytes we keep: those whose address is a Binary of ours, not a part of one."""
    for item in dicts(resource.get("content")):
        attachment = item.get("attachment")
        if isinstance(attachment, Mapping) and _is_id(as_text(attachment.get("url")).removeprefix(_BINARY)):
            yield attachment


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


async def _content(objects: Objects, resource: Mapping[str, Any], id_: str, key: str | None) -> bytes | None:
    """The bytes of a signed note, or the resource's own: none where a sender gave them another's address, where they
    are not what the reference told, or gone.
    """
    try:
        if key is not None:
            return await objects.get(key)
        if id_ == resource.get("id") and kept_type(resource):
            return (await read_document(objects, resource, is_whole=True)).content
    except NotFound:
        return None
    return None
