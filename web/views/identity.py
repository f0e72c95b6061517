"""Who a patient is: their numbers, who may be the same person, merging, and the label with their number."""

import uuid
from typing import Any

from aiohttp import web

from teleconsult.errors import Invalid
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.linking import links_of
from teleconsult.patients.matching import Candidate, link_patients, show_candidates
from teleconsult.patients.merging import merge_patients, merged_into
from teleconsult.patients.models import Patient
from teleconsult.patients.qualifying import doubts_about, number_for, qualify_number, withdraw_number
from teleconsult.patients.queries import identifiers_of, patient_for, patient_to_identify
from teleconsult.patients.searching import search_patients
from web.bodies import read_form
from web.flash import flash
from web.forms.identity import read_issued, read_patient
from web.i18n import gettext as _
from web.identity_words import source_name, system_name
from web.rendering import render
from web.requests import actor_of, db, id_in, to_page
from web.scannable import code_128, qr
from web.views.identity_links import sides_of


async def show(request: web.Request) -> web.StreamResponse:
    """Numbers, candidates and links of one patient."""
    return await _page(request, await patient_to_identify(db(request), actor_of(request), id_in(request)))


async def link(request: web.Request) -> web.StreamResponse:
    """Say that the patient is the same person as a candidate."""
    form, session, actor, patient_id = await read_form(request), db(request), actor_of(request), id_in(request)
    patient = await patient_to_identify(session, actor, patient_id)
    other_id = read_patient(form, "other_id")
    try:
        await link_patients(session, actor, patient_id=patient_id, other_id=other_id, reason=form.get("reason", ""))
    except Invalid as error:
        return await _page(request, patient, status=422, errors=error, values=form, refused=other_id)
    flash(request, _("The two are linked: who treats the patient reads both files."), tone="ok")
    return to_page(request, "identity.show", id=patient_id)


async def qualify(request: web.Request) -> web.StreamResponse:
    """Say that a number was checked."""
    form, session, actor, number_id = await read_form(request), db(request), actor_of(request), id_in(request)
    patient, _number = await number_for(session, actor, number_id)
    try:
        await qualify_number(
            session, actor, number_id=number_id, source=form.get("source", ""), issued_on=read_issued(form)
        )
    except Invalid as error:
        return await _page(request, patient, status=422, errors=error, values=form, refused=number_id)
    flash(request, _("The number is noted as checked."), tone="ok")
    return to_page(request, "identity.show", id=patient.id)


async def withdraw(request: web.Request) -> web.StreamResponse:
    """Say that a number is not the patient's."""
    number = await withdraw_number(db(request), actor_of(request), number_id=id_in(request))
    flash(request, _("The number is withdrawn. It stays visible here."))
    return to_page(request, "identity.show", id=number.patient_id)


async def merge_form(request: web.Request) -> web.StreamResponse:
    """Choose the patient that is kept, and see both side by side."""
    return await _merge_page(request, await patient_to_identify(db(request), actor_of(request), id_in(request)))


async def merge(request: web.Request) -> web.StreamResponse:
    """Read this patient as another one of the house from now on."""
    form, session, actor, patient_id = await read_form(request), db(request), actor_of(request), id_in(request)
    patient = await patient_to_identify(session, actor, patient_id)
    kept_id = read_patient(form, "kept_id")
    try:
        await merge_patients(session, actor, merged_id=patient_id, kept_id=kept_id, reason=form.get("reason", ""))
    except Invalid as error:
        return await _merge_page(request, patient, status=422, errors=error, values=form, kept_id=kept_id)
    flash(request, _("Merged. Both files are read together; nothing was moved."), tone="ok")
    return to_page(request, "patients.show", id=kept_id)


async def label(request: web.Request) -> web.StreamResponse:
    """To be printed: the patient's name and number, and codes that a scanner types into the search."""
    patient = await patient_for(db(request), actor_of(request), id_in(request))
    number = patient.local_number
    return render(request, "identity/label.html.jinja", patient=patient, code=qr(number), bars=code_128(number))


async def _page(request: web.Request, patient: Patient, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    candidates = [] if patient.is_temporary else await show_candidates(session, actor, patient)
    links = await links_of(session, actor, patient.id)
    return render(
        request,
        "identity/show.html.jinja",
        status=status,
        patient=patient,
        code=qr(patient.local_number),
        kept=(await merged_into(session, actor, [patient.id])).get(patient.id),
        numbers=[(number, doubts_about(patient, number)) for number in await identifiers_of(session, patient)],
        system_name=system_name,
        source_name=source_name,
        here=[one for one in candidates if _is_here(one, patient)],
        elsewhere=[one for one in candidates if not _is_here(one, patient)],
        links=[(link, sides_of(link)) for link in links],
        **{"refused": None, **context},
    )


def _is_here(one: Candidate, patient: Patient) -> bool:
    return one.identity.organization_id == patient.organization_id


async def _merge_page(
    request: web.Request, patient: Patient, *, status: int = 200, kept_id: uuid.UUID | None = None, **context: Any
) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    if kept_id is None and request.query.get("kept"):
        kept_id = read_patient(request.query, "kept")
    kept = await patient_for(session, actor, kept_id) if kept_id else None
    text = request.query.get("q", "").replace("\0", " ").strip()
    found = (await search_patients(session, actor, text=text)).patients if text and not kept else []
    pair = [KnownIdentity.of(one, await identifiers_of(session, one)) for one in (patient, kept) if one]
    return render(
        request,
        "identity/merge.html.jinja",
        status=status,
        patient=patient,
        kept=kept,
        pair=pair,
        system_name=system_name,
        text=text,
        found=[one for one in found if one.id != patient.id and not one.is_temporary],
        **context,
    )
