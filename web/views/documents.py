"""Documents and photographs of a file: added by hand, and looked at where nothing in them can act."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from teleconsult.access import Permission, require
from teleconsult.accounts import Actor
from teleconsult.cda.filing import known_document, number_of
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.errors import Invalid, NotFound
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.imaging.receiving import Received
from teleconsult.patients.care import open_file
from teleconsult.patients.queries import treated_patient
from teleconsult.records.cataloguing import LONGEST_TITLE, DocumentKind, of_kind
from teleconsult.records.documents import CDA, LARGEST, PDF, TEXT, Document, keep, read_document, taken
from teleconsult.records.identifying import keep_numbers
from teleconsult.records.models import Origin
from teleconsult.records.queries import entry_of
from teleconsult.records.writing import Written, check_time, entry_id_of, write_entries
from teleconsult.scheduling.local_times import local_from_moment, moment_from_local
from web.flash import flash
from web.forms.writing import read_kind
from web.i18n import gettext as _
from web.rendering import render
from web.requests import (
    actor_of,
    db,
    id_in,
    objects_of,
    own_transactions,
    sandbox_of,
    sessions_of,
    takes_files,
    to_page,
)
from web.uploads import uploaded_form
from web.words import options

FIELDS: Final = ("title", "kind", "time", "key")
ROOM_FOR_THE_FORM: Final = 64 * 1024
POLICY: Final = "sandbox; default-src 'none'"
"""Nothing in a stranger's document may run, load or be framed by another site."""


async def new(request: web.Request) -> web.StreamResponse:
    """The form for a document or a photograph."""
    actor = actor_of(request)
    patient = await treated_patient(db(request), actor, id_in(request))
    return _form_page(request, patient=patient, values=_blank(actor))


@own_transactions
@takes_files
async def create(request: web.Request) -> web.StreamResponse:
    """Take one file in. The same form sent twice adds it once."""
    actor, patient_id = actor_of(request), id_in(request)
    async with transaction(sessions_of(request), actor) as session:
        require(actor, Permission.FILE_WRITE)
        patient = await treated_patient(session, actor, patient_id)
    values: dict[str, str] = {}
    try:
        limit = LARGEST + ROOM_FOR_THE_FORM
        async with uploaded_form(request, name="files", fields=FIELDS, limit=limit) as (files, values):
            file = _only(files)
            title, at, key = _read(values, file.name, actor.time_zone)
            kind = read_kind(values)
            document = await taken(file.path, sandbox_of(request))
        known = await _known(request, patient_id, document)
    except Invalid as error:
        shown = {**_blank(actor), **values}
        return _form_page(request, status=422, patient=patient, values=shown, errors=error)
    if known is not None:
        flash(request, _("This document is in the file already."))
        return to_page(request, "entries.show", id=patient_id, entry=known)
    entry_id = entry_id_of(actor, patient_id, key=key)
    await keep(objects_of(request), entry_id, document)
    written = _written(document, entry_id, title=title, at=at, is_named=bool(values.get("title", "").strip()))
    written = replace(written, resource=of_kind(written.resource, kind))
    async with transaction(sessions_of(request), actor) as session:
        (entry,) = await write_entries(session, actor, patient_id=patient_id, written=[written], key=key)
        if document.told is not None and (number := number_of(document.told)):
            await keep_numbers(session, entry, numbers=[number])
    flash(request, _("Added to the file."), tone="ok")
    return to_page(request, "entries.show", id=patient_id, entry=entry_id)


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """The document itself. A picture and a text are shown; a PDF is for the reader's own viewer."""
    actor, patient_id = actor_of(request), id_in(request)
    async with transaction(sessions_of(request), actor) as session:
        await open_file(session, actor, patient_id=patient_id)
        entry = await entry_of(session, actor, patient_id, entry_id=id_in(request, "entry"))
    is_whole = "whole" in request.query
    return document_answer(await read_document(objects_of(request), entry.resource, is_whole=is_whole), entry.id)


@own_transactions
async def shared(request: web.Request) -> web.StreamResponse:
    """A document that an excerpt shares, for who reads the excerpt; the reading is logged as one of it."""
    entry_id = id_in(request, "entry")
    async with transaction(sessions_of(request), actor_of(request)) as session:
        excerpt = await excerpt_for(session, actor_of(request), id_in(request))
        frozen = (item for item in excerpt.items if item.record_entry_id == entry_id)
        item = max(frozen, key=lambda item: item.record_version, default=None)
        if item is None:
            raise NotFound
    return document_answer(await read_document(objects_of(request), item.resource), entry_id)


async def _known(request: web.Request, patient_id: uuid.UUID, document: Document) -> uuid.UUID | None:
    """The entry that a CDA document has already. Raises Invalid for one about somebody else."""
    if document.told is None:
        return None
    actor = actor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        entry = await known_document(session, actor, patient_id=patient_id, told=document.told)
        return entry.id if entry else None


def _written(document: Document, entry_id: uuid.UUID, *, title: str, at: datetime, is_named: bool) -> Written:
    """A CDA document says itself what it is, when and by whom it was written."""
    told = document.told
    if told is None:
        return Written(document.resource(entry_id, title=title, at=at), title, at)
    title = title if is_named or not told.title else told.title
    return Written(
        document.resource(entry_id, title=title, at=told.effective_at),
        title,
        told.effective_at,
        author_name=told.author or None,
        origin=Origin.CDA,
        source=told.custodian,
    )


def _blank(actor: Actor) -> dict[str, str]:
    return {"key": str(uuid.uuid4()), "time": local_from_moment(now(), actor.time_zone)}


def _form_page(request: web.Request, *, status: int = 200, **context: Any) -> web.Response:
    choices = {"kind": options(DocumentKind)}
    return render(request, "records/document.html.jinja", status=status, choices=choices, **context)


def document_answer(document: Document, name: object, *, way: str = "") -> web.Response:
    """The bytes, where nothing in them can act; `way` is `attachment` or, for what is shown at once, `inline`."""
    ending = {PDF: "pdf", TEXT: "txt", CDA: "xml"}.get(document.content_type, document.content_type.partition("/")[2])
    way = way or ("attachment" if document.content_type in (PDF, CDA) else "inline")
    return web.Response(
        body=document.content,
        content_type=document.content_type,
        charset="utf-8" if document.content_type == TEXT else None,
        headers={
            "Content-Disposition": f'{way}; filename="document-{name}.{ending}"',
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
        },
    )


def _only(files: list[Received]) -> Received:
    if len(files) != 1:
        raise Invalid({"files": "Choose one file."})
    return files[0]


def _read(values: dict[str, str], name: str, zone: str) -> tuple[str, datetime, uuid.UUID]:
    """Title, time and key. A document without a title is called as its file was."""
    title = values.get("title", "").strip() or name
    if len(title) > LONGEST_TITLE:
        raise Invalid({"title": "Give a name of at most 200 characters."})
    try:
        key = uuid.UUID(values.get("key", ""))
    except ValueError as error:
        raise Invalid({"": "The form could not be read. Reload the page and try again."}) from error
    at = moment_from_local(values.get("time", ""), zone)
    check_time(at)
    return title, at, key
