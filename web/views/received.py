"""What others mailed: the list, one message beside likely patients, and what a person says about it."""

import asyncio
import tempfile
import uuid
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from teleconsult.access import Permission, may
from teleconsult.db import transaction
from teleconsult.errors import Invalid, NotFound
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import patient_for
from teleconsult.patients.searching import LONGEST, search_patients
from teleconsult.received.models import ReceivedMessage, ReceivedStatus
from teleconsult.received.sorting import (
    ToFile,
    candidates_for,
    file_message,
    identity_in,
    numbers_in,
    received_for,
    received_here,
    reject_message,
)
from teleconsult.records.documents import keep, taken
from web.bodies import read_form
from web.flash import flash
from web.forms.identity import read_patient
from web.i18n import gettext as _
from web.received_words import answer_in_words
from web.rendering import render
from web.requests import actor_of, db, id_in, objects_of, own_transactions, sandbox_of, sessions_of, to_page
from web.words import options

MOST_FOUND: Final = 10


async def index(request: web.Request) -> web.StreamResponse:
    """What waits; or what was filed, rejected, or could not be read."""
    try:
        status = ReceivedStatus(request.query.get("status", ReceivedStatus.WAITING))
    except ValueError as error:
        raise NotFound from error
    return render(
        request,
        "received/index.html.jinja",
        messages=await received_here(db(request), actor_of(request), status=status),
        status_shown=status,
        statuses=options(ReceivedStatus),
        identity_in=identity_in,
    )


async def show(request: web.Request) -> web.StreamResponse:
    """What the message says, and whom it may be about."""
    return await _page(request)


@own_transactions
async def file(request: web.Request) -> web.StreamResponse:
    """Say whose they are. The documents are opened apart, kept, and then filed."""
    form, actor, message_id = await read_form(request), actor_of(request), id_in(request)
    async with transaction(sessions_of(request), actor) as session:
        message = await received_for(session, actor, message_id)
        if not form.get("patient"):
            return await _page(
                request, session=session, status=422, errors={"patient": "Choose the patient."}, values=form
            )
        patient_id = read_patient(form, "patient")
        chosen = await patient_for(session, actor, patient_id)
    try:
        documents = await _opened(request, message)
        async with transaction(sessions_of(request), actor) as session:
            await file_message(
                session,
                actor,
                message_id=message_id,
                patient_id=patient_id,
                documents=documents,
                reason=form.get("reason", ""),
            )
    except Invalid as error:
        async with transaction(sessions_of(request), actor) as session:
            return await _page(request, session=session, status=422, errors=error.fields, values=form, chosen=chosen)
    flash(request, _("The documents are in the patient’s file."), tone="ok")
    return to_page(request, "received.index")


async def reject(request: web.Request) -> web.StreamResponse:
    """Say that it is not for us."""
    form = await read_form(request)
    try:
        await reject_message(db(request), actor_of(request), message_id=id_in(request), reason=form.get("reason", ""))
    except Invalid as error:
        return await _page(request, status=422, errors={"rejection": error.fields["reason"]}, values=form)
    flash(request, _("The message is rejected."), tone="ok")
    return to_page(request, "received.index")


async def _opened(request: web.Request, message: ReceivedMessage) -> list[ToFile]:
    """The documents as they are kept in files. What fails later leaves bytes that nothing names."""
    found: list[ToFile] = []
    with tempfile.TemporaryDirectory() as folder:
        for place, one in enumerate(message.documents):
            path = Path(folder) / str(place)
            content = await objects_of(request).get(one["object_key"])
            await asyncio.to_thread(path.write_bytes, content)
            document = await taken(path, sandbox_of(request))
            entry_id = uuid.uuid4()
            await keep(objects_of(request), entry_id, document)
            title = one["title"] or (document.told.title if document.told else "") or _("Document")
            at = document.told.effective_at if document.told else message.received_at
            found.append(ToFile(entry_id, document, title[:300], at))
    return found


async def _page(
    request: web.Request, *, session: Any = None, status: int = 200, chosen: Patient | None = None, **context: Any
) -> web.StreamResponse:
    session, actor = session or db(request), actor_of(request)
    message = await received_for(session, actor, id_in(request))
    files = message.status is ReceivedStatus.WAITING and may(actor, Permission.PATIENT_REGISTER)
    text = request.query.get("q", "").replace("\0", " ").strip()[:LONGEST]
    found = (await search_patients(session, actor, text=text)).patients[:MOST_FOUND] if files and text else []
    likely = await candidates_for(session, actor, message) if files else []
    known = {one.patient.id for one in likely} | {patient.id for patient in found}
    if chosen is not None and chosen.id not in known:
        found.append(chosen)
    return render(
        request,
        "received/show.html.jinja",
        status=status,
        message=message,
        said=identity_in(message),
        numbers=sorted(number for _root, number in numbers_in(message) if number),
        files=files,
        is_open=message.status in (ReceivedStatus.WAITING, ReceivedStatus.UNREADABLE),
        likely=likely,
        found=found,
        text=text,
        answer=answer_in_words(message),
        **context,
    )
