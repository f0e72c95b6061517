"""Bringing images to a consult: the upload, the list, the confirmation of whose they are."""

import asyncio
import uuid
from typing import Final

from aiohttp import web

from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.consults.triage import open_consult
from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.actions import consult_to_fill, remove_study
from teleconsult.imaging.pacs.searching import pacs_asked
from teleconsult.imaging.queries import studies_of_consult
from teleconsult.imaging.reconciling import reconcile_studies
from web import captures
from web.bodies import Form, read_form
from web.errors import wants_json
from web.flash import Tone, flash
from web.i18n import gettext as _
from web.i18n import ngettext
from web.receipts import Receipt
from web.rendering import render
from web.requests import (
    KEPT_UPLOADS,
    actor_of,
    db,
    frame_of,
    id_in,
    objects_of,
    own_transactions,
    sessions_of,
    takes_files,
    to_page,
)
from web.uploads import uploaded_form

FIELD: Final = "files"
FRAME: Final = "consult-images"


async def index(request: web.Request) -> web.StreamResponse:
    """The images of a consult: the frame on its page, or a page of their own."""
    actor, session = actor_of(request), db(request)
    consult = await consult_for(session, actor, id_in(request))
    may_add = may(consult, actor, Verb.ADD_IMAGES)
    if not may_add:  # who brings images looks again after each; anybody else reads
        await open_consult(session, actor, consult_id=consult.id)
    framed = frame_of(request) == FRAME
    return render(
        request,
        "studies/_list.html.jinja" if framed else "studies/index.html.jinja",
        cards=await studies_of_consult(session, actor, consult),
        archives=await pacs_asked(session, actor),
        consult=consult,
        may_add=may_add,
        may_change=may_add,
    )


@own_transactions
@takes_files
async def create(request: web.Request) -> web.StreamResponse:
    """Take files in. Scripts get JSON with what was refused; forms are sent back to the consult."""
    actor, consult_id = actor_of(request), id_in(request)
    async with transaction(sessions_of(request), actor) as session:
        await consult_to_fill(session, actor, consult_id)
    async with uploaded_form(request, name=FIELD, fields={captures.SUBJECT}) as (files, told):
        subject = told.get(captures.SUBJECT, "")
        receipt = Receipt.of(await captures.take_in(request, consult_id, files, subject=subject))
    if wants_json(request):
        return web.json_response(receipt.in_words())
    tone, words = _summary(receipt)
    flash(request, words, tone)
    return to_page(request, "consults.show", id=consult_id)


async def reconcile(request: web.Request) -> web.StreamResponse:
    """The requester says that the images under another name are this patient's: all that were listed there."""
    consult_id, form = id_in(request), await read_form(request)
    await reconcile_studies(db(request), actor_of(request), consult_id=consult_id, study_ids=_ids(form))
    return _back(request, consult_id)


@own_transactions
async def remove(request: web.Request) -> web.StreamResponse:
    """Take a study out again that was brought in by mistake; its files go after the commit."""
    study_id = id_in(request)
    async with transaction(sessions_of(request), actor_of(request)) as session:
        consult_id, keys = await remove_study(session, actor_of(request), study_id=study_id)
    for key in keys:
        await objects_of(request).delete(key)
    await asyncio.to_thread(request.app[KEPT_UPLOADS].forget_answers, consult_id)
    return _back(request, consult_id)


def _ids(form: Form) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(typed) for typed in form.getall("study", [])]
    except ValueError as error:
        raise NotFound from error


def _back(request: web.Request, consult_id: object) -> web.Response:
    """To the frame the button stood in, or to the consult's page."""
    framed = frame_of(request) == FRAME
    name = "images.index" if framed else "consults.show"
    return to_page(request, name, id=consult_id)


def _summary(receipt: Receipt) -> tuple[Tone, str]:
    if not receipt.received + receipt.refused_count:
        return "warn", _("Choose the files to send.")
    words = ngettext("%(num)s image is here.", "%(num)s images are here.", receipt.received)
    if not receipt.refused:
        return "ok", words
    left_out = ngettext("%(num)s file was left out:", "%(num)s files were left out:", receipt.refused_count)
    reasons = " ".join(f"{name}: {reason}" for name, reason in receipt.reasons()[:5])
    return "warn", f"{words} {left_out} {reasons}"
