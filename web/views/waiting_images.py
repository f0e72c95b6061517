"""Images that wait to be matched with a patient: the list, one of them beside likely patients, what is decided."""

import uuid
from typing import Any

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.identity import identity_in
from teleconsult.imaging.matching import (
    discard_study,
    likely_patients,
    match_study,
    waiting_studies,
    waiting_study_for,
)
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import patient_for
from teleconsult.patients.searching import LONGEST, search_patients
from web.bodies import read_form
from web.flash import flash
from web.forms.identity import read_patient
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, objects_of, own_transactions, sessions_of, to_page

MOST_FOUND = 10


async def index(request: web.Request) -> web.StreamResponse:
    """What waits, the oldest first."""
    page = await waiting_studies(db(request), actor_of(request), after=_after(request))
    return render(request, "studies/waiting.html.jinja", page=page, identity_in=identity_in)


async def show(request: web.Request) -> web.StreamResponse:
    """What the images say, and whom they may be of."""
    return await _page(request)


async def match(request: web.Request) -> web.StreamResponse:
    """Say whose they are."""
    form, session, actor = await read_form(request), db(request), actor_of(request)
    if not form.get("patient"):
        return await _page(request, status=422, errors={"patient": "Choose the patient."}, values=form)
    patient_id = read_patient(form, "patient")
    try:
        await match_study(session, actor, study_id=id_in(request), patient_id=patient_id, reason=form.get("reason", ""))
    except Invalid as error:
        chosen = await patient_for(session, actor, patient_id)
        return await _page(request, status=422, errors=error.fields, values=form, chosen=chosen)
    flash(request, _("The images are in the patient’s file."), tone="ok")
    return to_page(request, "waiting_images.index")


@own_transactions
async def discard(request: web.Request) -> web.StreamResponse:
    """Throw them away; their files go after the commit."""
    form, actor = await read_form(request), actor_of(request)
    try:
        async with transaction(sessions_of(request), actor) as session:
            keys = await discard_study(session, actor, study_id=id_in(request), reason=form.get("reason", ""))
    except Invalid:
        flash(request, _("Say why the images are thrown away."), tone="warn")
        return to_page(request, "waiting_images.show", id=id_in(request))
    for key in keys:
        await objects_of(request).delete(key)
    flash(request, _("The images are deleted."), tone="ok")
    return to_page(request, "waiting_images.index")


async def _page(
    request: web.Request, *, status: int = 200, chosen: Patient | None = None, **context: Any
) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    study = await waiting_study_for(session, actor, id_in(request))
    text = request.query.get("q", "").replace("\0", " ").strip()[:LONGEST]
    found = (await search_patients(session, actor, text=text)).patients[:MOST_FOUND] if text else []
    likely = await likely_patients(session, actor, study)
    known = {one.patient.id for one in likely} | {patient.id for patient in found}
    if chosen is not None and chosen.id not in known:
        found.append(chosen)
    return render(
        request,
        "studies/match.html.jinja",
        status=status,
        study=study,
        said=identity_in(study),
        likely=likely,
        found=found,
        text=text,
        **context,
    )


def _after(request: web.Request) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.query["after"]) if "after" in request.query else None
    except ValueError as error:
        raise NotFound from error
