"""A file or a consult as a FHIR document: its words are those that are printed, its bytes those that fit."""

import asyncio
import uuid
from datetime import datetime

from teleconsult.accounts import Actor
from teleconsult.exports.attachments import gather_attachments
from teleconsult.exports.consult_documents import consult_document, pdf_references
from teleconsult.exports.consults import LeavingConsult
from teleconsult.exports.file_documents import file_document
from teleconsult.exports.files import LeavingFile
from teleconsult.fhir.documents import Document
from teleconsult.fhir.entries import entry_resource
from teleconsult.objects import Objects
from teleconsult.records.models import ResourceType
from teleconsult.records.narrowing import Narrowing
from web.i18n import gettext as _
from web.printouts.consults import consult_parts
from web.printouts.files import narrowed_in_words, parts_by_kind, summed_up
from web.printouts.words import actor_language, left_out


async def document_of_file(
    objects: Objects, leaving: LeavingFile, actor: Actor, *, only: Narrowing, at: datetime
) -> tuple[Document, int]:
    """The document, and how many attachments are not in it."""
    references = [
        entry_resource(entry) for entry in leaving.entries if entry.resource_type is ResourceType.DOCUMENT_REFERENCE
    ]
    attachments = await gather_attachments(objects, references, signed=leaving.signed)

    def written() -> Document:
        return file_document(
            leaving,
            actor,
            id=str(uuid.uuid4()),
            at=at,
            language=actor_language(),
            title=f"{_('Patient’s file')}: {narrowed_in_words(only, actor.time_zone)}",
            summed_up=summed_up(leaving, actor.time_zone),
            parts=parts_by_kind(leaving, actor.time_zone),
            about=left_out(attachments.left_out),
            attachments=attachments,
        )

    return await asyncio.to_thread(written), len(attachments.left_out)


async def document_of_consult(
    objects: Objects, leaving: LeavingConsult, actor: Actor, *, at: datetime, server: str
) -> tuple[Document, int]:
    """The same of a consult."""
    signed = {str(id_): pdf.object_key for id_, pdf in leaving.pdfs.items()}
    unmeasured = {id_: pdf.object_key for id_, pdf in leaving.pdfs.items() if pdf.size is None}
    sizes = {id_: await objects.size_of(key) or 0 for id_, key in unmeasured.items()}
    pdfs = pdf_references(leaving, sizes=sizes)
    shared = [
        {**item.resource, "id": str(item.record_entry_id)}
        for item in (leaving.excerpt.items if leaving.excerpt else ())
        if item.resource_type is ResourceType.DOCUMENT_REFERENCE
    ]
    attachments = await gather_attachments(objects, [*shared, *pdfs], signed=signed)
    parts = consult_parts(leaving, actor.time_zone)
    about = left_out(attachments.left_out)
    further = (parts["history"], *([about] if about else []))
    document = consult_document(
        leaving,
        actor,
        id=str(uuid.uuid4()),
        at=at,
        language=actor_language(),
        title=_("Consult No. %(number)s", number=leaving.consult.number),
        naming=server,
        request=parts["request"],
        excerpt=parts["excerpt"],
        images=parts["images"],
        notes=parts["notes"],
        consent=parts["consent"],
        further=further,
        pdfs=pdfs,
        attachments=attachments,
    )
    return document, len(attachments.left_out)
