"""Printing and exporting: a patient's file, or one consult. What leaves is written down before it does."""

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import web

from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import transaction
from teleconsult.documents.printout import Printout
from teleconsult.errors import Invalid
from teleconsult.exports.asking import ExportFormat, ExportReason, Wish
from teleconsult.exports.consults import LeavingConsult, consult_to_take, gather_consult, let_consult_leave
from teleconsult.exports.files import MOST, LeavingFile, file_to_take, gather_file, let_file_leave
from teleconsult.fhir.documents import Document, document_bundle
from teleconsult.patients.models import Patient
from teleconsult.records.kinds import EntryKind
from teleconsult.records.narrowing import Narrowing
from web.bodies import read_form
from web.forms.exports import ExportForm
from web.kept_forms import kept_fields
from web.printouts.consults import consult_printout
from web.printouts.documents import document_of_consult, document_of_file
from web.printouts.files import file_printout
from web.rendering import render, zone_of
from web.requests import (
    actor_of,
    db,
    id_in,
    objects_of,
    own_transactions,
    printer_of,
    sessions_of,
    settings_of,
)
from web.words import options

POLICY: Final = "sandbox; default-src 'none'"
LOOK_AGAIN: Final = 0.5
"""Seconds after which it is noticed that nobody waits any more."""
_TYPES: Final = {ExportFormat.PDF: ("application/pdf", "pdf"), ExportFormat.DOCUMENT: ("application/fhir+json", "json")}

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class _Made:
    content: bytes
    left_out: int = 0

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


async def file_form(request: web.Request) -> web.StreamResponse:
    """What of the file, in what form and why. Two minutes begin in which it may be taken."""
    actor = actor_of(request)
    file = await file_to_take(db(request), actor, patient_id=id_in(request))
    require_fresh(actor)
    return _file_page(request, file.patient, ExportForm.read(kept_fields(request)))


@own_transactions
async def take_file(request: web.Request) -> web.StreamResponse:
    """Make it and hand it out."""
    actor, patient_id, form = actor_of(request), id_in(request), ExportForm.read(await read_form(request))
    async with transaction(sessions_of(request), actor) as session:
        file = await file_to_take(session, actor, patient_id=patient_id)
        require_fresh(actor)
        try:
            only, wish = form.of_file(zone_of(actor.time_zone))
            leaving = await gather_file(
                session, actor, patient_id=patient_id, only=only, format=wish.format, naming=_server(request)
            )
        except Invalid as error:
            return _file_page(request, file.patient, form, error)
    made = await while_asked(request, _make_file(request, leaving, only, wish))
    async with transaction(sessions_of(request), actor) as session:
        await let_file_leave(session, actor, leaving, wish=wish, sha256=made.sha256, left_out=made.left_out)
    return _answer(made, wish, "patient-file")


async def consult_form(request: web.Request) -> web.StreamResponse:
    """In what form, and why."""
    actor = actor_of(request)
    consult = await consult_to_take(db(request), actor, consult_id=id_in(request))
    require_fresh(actor)
    return _consult_page(request, consult, ExportForm.read(kept_fields(request)))


@own_transactions
async def take_consult(request: web.Request) -> web.StreamResponse:
    """The same of a consult."""
    actor, consult_id, form = actor_of(request), id_in(request), ExportForm.read(await read_form(request))
    async with transaction(sessions_of(request), actor) as session:
        consult = await consult_to_take(session, actor, consult_id=consult_id)
        require_fresh(actor)
        try:
            wish = form.wish()
        except Invalid as error:
            return _consult_page(request, consult, form, error)
        leaving = await gather_consult(session, actor, consult_id=consult_id)
    made = await while_asked(request, _make_consult(request, leaving, wish))
    async with transaction(sessions_of(request), actor) as session:
        await let_consult_leave(session, actor, leaving, wish=wish, sha256=made.sha256, left_out=made.left_out)
    return _answer(made, wish, f"consult-{consult.number}")


async def _make_file(request: web.Request, leaving: LeavingFile, only: Narrowing, wish: Wish) -> _Made:
    actor, at = actor_of(request), now()
    if wish.format is ExportFormat.PDF:
        words = await asyncio.to_thread(file_printout, leaving, actor, only=only, wish=wish, at=at)
        return await _printed(request, words)
    document, left_out = await document_of_file(objects_of(request), leaving, actor, only=only, at=at)
    return await _bundled(request, document, left_out)


async def _make_consult(request: web.Request, leaving: LeavingConsult, wish: Wish) -> _Made:
    actor, at = actor_of(request), now()
    if wish.format is ExportFormat.PDF:
        words = await asyncio.to_thread(consult_printout, leaving, actor, wish=wish, at=at)
        return await _printed(request, words)
    document, left_out = await document_of_consult(objects_of(request), leaving, actor, at=at, server=_server(request))
    return await _bundled(request, document, left_out)


async def _printed(request: web.Request, words: Printout) -> _Made:
    return _Made(await printer_of(request).print(words))


async def _bundled(request: web.Request, document: Document, left_out: int) -> _Made:
    def written() -> bytes:
        return json.dumps(document_bundle(document, server=_server(request)), ensure_ascii=False).encode()

    return _Made(await asyncio.to_thread(written), left_out)


def _server(request: web.Request) -> str:
    """What leaves speaks of its origin by the address that the settings give it, whichever way somebody came."""
    return f"{settings_of(request).base_url}/fhir"


async def while_asked(request: web.Request, work: Coroutine[Any, Any, Done]) -> Done:
    """Do it as long as somebody waits for it: who presses Cancel, or leaves, ends the work too."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_AGAIN)
            if request.transport is None or request.transport.is_closing():
                raise web.HTTPRequestTimeout
        return task.result()
    finally:
        task.cancel()


def _file_page(request: web.Request, patient: Patient, form: ExportForm, error: Invalid | None = None) -> web.Response:
    return _page(request, "file", form, error, patient=patient, kinds=options(EntryKind), most=MOST)


def _consult_page(
    request: web.Request, consult: ServiceRequest, form: ExportForm, error: Invalid | None = None
) -> web.Response:
    return _page(request, "consult", form, error, consult=consult)


def _page(request: web.Request, name: str, form: ExportForm, error: Invalid | None, **context: Any) -> web.Response:
    return render(
        request,
        f"exports/{name}.html.jinja",
        status=error.status if error else 200,
        errors=error or {},
        asked=form,
        formats=options(ExportFormat),
        reasons=options(ExportReason),
        **context,
    )


def _answer(made: _Made, wish: Wish, name: str) -> web.Response:
    content_type, ending = _TYPES[wish.format]
    return web.Response(
        body=made.content,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{now():%Y-%m-%d}.{ending}"',
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
        },
    )
