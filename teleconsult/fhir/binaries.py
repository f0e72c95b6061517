"""`Binary/{id}`: the bytes that a DocumentReference leads to, for whom that is open
(http://hl7.org/fhir/R4/binary.html).
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.fhir.asking import Answered, Asked, is_known
from teleconsult.fhir.reading import uuid_in
from teleconsult.fhir.tracing import trace_files
from teleconsult.notes.queries import read_pdf
from teleconsult.objects import Objects
from teleconsult.records.documents import PDF, Document, read_document
from teleconsult.records.elements import INSIDE, kept_type
from teleconsult.records.models import RecordEntry, ResourceType

KIND: Final = "Binary"


async def read_binary(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /Binary/{id}`: the document of the entry of this id, or of the signed note. Its reading is in the log.

    An id that ends with `/inside` names the file within a CDA document. Raises NotFound as for its DocumentReference.
    """
    id_, is_inside = uuid_in(asked.segments[1].removesuffix(INSIDE)), asked.segments[1].endswith(INSIDE)
    entry = await session.scalar(
        select(RecordEntry)
        .where(
            or_(RecordEntry.id == id_, RecordEntry.source_id == id_),
            RecordEntry.resource_type == ResourceType.DOCUMENT_REFERENCE,
            rows.entries(actor),
        )
        .order_by(RecordEntry.id == id_)
        .limit(1)
    )
    if entry is None:
        raise NotFound
    await trace_files(session, actor, [entry.patient_id], entry=entry, of=KIND)
    version = str(entry.version)
    if is_known(asked, version):
        return Answered(304, version=version, modified=entry.recorded_at)
    resource = entry.resource
    if is_inside and not kept_type(resource, inside=True):
        raise NotFound
    # the revision that its DocumentReference tells of (`delivery.filed_entries.tell_revision`)
    key = (await read_pdf(session, actor, id_)).object_key if entry.source_id == id_ else ""

    async def content(objects: Objects) -> Document:
        if key:
            return Document(PDF, await objects.get(key))
        return await read_document(objects, resource, is_whole=not is_inside)

    about = {
        "resourceType": KIND,
        **({} if is_inside else {"id": str(id_)}),
        "meta": {"versionId": version, "lastUpdated": entry.recorded_at.isoformat(timespec="milliseconds")},
        "securityContext": {"reference": f"{entry.resource_type.value}/{entry.id}"},
    }
    return Answered(200, about, version, entry.recorded_at, content=content)


def as_binary(about: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """The bytes as a resource, for who wants FHIR."""
    data = base64.b64encode(document.content).decode()
    return {**about, "contentType": document.content_type, "data": data}
