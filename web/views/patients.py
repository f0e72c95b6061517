"""Patients: finding them, reading their file, learning who they are."""

from collections.abc import Mapping
from datetime import date
from itertools import groupby
from typing import Any

from aiohttp import web

from teleconsult.access import Permission, may
from teleconsult.clock import now, on_clock
from teleconsult.consents.queries import consents_in_force
from teleconsult.consults.states import state_of
from teleconsult.consults.worklists import consults_about
from teleconsult.errors import Forbidden, Invalid
from teleconsult.imaging.matching import waiting_images
from teleconsult.patients.care import CareReason, end_care_relation, open_care_relation, open_file
from teleconsult.patients.comparing import waiting_count
from teleconsult.patients.merging import merged_into
from teleconsult.patients.models import Patient, PatientIdentifier
from teleconsult.patients.qualifying import is_national
from teleconsult.patients.queries import (
    earlier_identities,
    identifiers_of,
    patient_for,
    patient_to_identify,
)
from teleconsult.patients.resolving import correct_identity, resolve_as_known, resolve_identity
from teleconsult.patients.scanning import number_on
from teleconsult.patients.searching import Found, holder_of, patients_in_care, search_patients
from teleconsult.received.sorting import waiting_messages
from teleconsult.records.episodes import visits_on
from teleconsult.records.establishments import establishments_in
from teleconsult.records.kinds import KIND_OF, EntryKind
from teleconsult.records.models import RecordEntry
from teleconsult.records.narrowing import EVERYTHING
from teleconsult.records.queries import Cursor, Page, entry_of, summary, timeline
from teleconsult.records.reading import read
from web.bodies import read_form
from web.flash import flash
from web.forms.patients import read_identity, read_known
from web.forms.records import FileQuery
from web.i18n import gettext as _
from web.rendering import render, zone_of
from web.requests import actor_of, db, frame_of, id_in, to_page
from web.views.registering import genders, tell_doubts
from web.words import options


async def index(request: web.Request) -> web.StreamResponse:
    """Search, and without one the patients the reader treats. A number or a card, with Enter, opens the file."""
    text = request.query.get("q", "").replace("\0", " ").strip()
    session, actor = db(request), actor_of(request)
    if "open" in request.query:
        for number in dict.fromkeys((text, number_on(text, today=now().date()))):
            if holder := await holder_of(session, actor, number=number):
                return to_page(request, "patients.show", id=holder)
    if text or not may(actor, Permission.FILE_READ):
        found = await search_patients(session, actor, text=text)
    else:
        found = Found(await patients_in_care(session, actor), is_cut=False)
    merged = await merged_into(session, actor, [patient.id for patient in found.patients])
    waiting = await waiting_count(session, actor)
    images = await waiting_images(session, actor)
    return render(
        request,
        "patients/index.html.jinja",
        text=text,
        found=found,
        merged=merged,
        to_compare=waiting,
        images_to_match=images,
        documents_to_sort=await waiting_messages(session, actor),
    )


async def show(request: web.Request) -> web.StreamResponse:
    """The file; the way to it where the reader does not treat the patient yet; or who it is, and no more."""
    session, actor, patient_id = db(request), actor_of(request), id_in(request)
    query, before = FileQuery.read(request.query), _before(request)
    if not may(actor, Permission.FILE_READ):
        return await _without_file(request, "registered")
    try:
        file = await open_file(session, actor, patient_id=patient_id)
    except Forbidden:
        return await _without_file(request, "closed", reasons=options(CareReason))
    errors: Mapping[str, str] = {}
    try:
        only = query.narrowing(zone_of(actor.time_zone))
    except Invalid as error:
        only, errors = EVERYTHING, error.fields
    page = await timeline(session, file, only=only, before=before)
    context: dict[str, Any] = {
        "patient": file.patient,
        "query": query,
        "kinds": options(EntryKind),
        "kind_of": KIND_OF,
        "errors": errors,
        "before": before,
        "page": page,
        "months": _by_month(page, actor.time_zone),
        "visits": await visits_on(session, file, entries=page.entries),
        "read": read,
    }
    if before is not None and frame_of(request).startswith("timeline"):
        return render(request, "patients/_timeline.html.jinja", **context)
    consults = await consults_about(session, actor, patient_ids=file.patient_ids)
    return render(
        request,
        "patients/show.html.jinja",
        **context,
        file=file,
        houses=[(house.id, house.name) for house in await establishments_in(session, file)],
        episode=await entry_of(session, actor, patient_id, entry_id=only.episode_id) if only.episode_id else None,
        consults=consults,
        consents=await consents_in_force(session, actor, file),
        state_of=state_of,
        summary=await summary(session, file),
        identifiers=await identifiers_of(session, file.patient),
        earlier=await earlier_identities(session, file.patient),
        kept=(await merged_into(session, actor, [file.patient.id])).get(file.patient.id),
        opening=file.opening,
    )


async def open_care(request: web.Request) -> web.StreamResponse:
    """Say "I am treating this patient"."""
    form, patient_id = await read_form(request), id_in(request)
    relation = await open_care_relation(
        db(request), actor_of(request), patient_id=patient_id, reason=form.get("reason", "")
    )
    return to_page(request, "patients.show", id=relation.patient_id)


async def end_care(request: web.Request) -> web.StreamResponse:
    """Say "I no longer treat this patient"."""
    await end_care_relation(db(request), actor_of(request), patient_id=id_in(request))
    flash(request, _("You no longer treat this patient. The file is closed for you."))
    return to_page(request, "patients.index")


async def identity(request: web.Request) -> web.StreamResponse:
    """The form that gives an unknown patient their identity, or finds them among the known; or that corrects it."""
    return await _identity_page(request, await patient_to_identify(db(request), actor_of(request), id_in(request)))


async def resolve(request: web.Request) -> web.StreamResponse:
    """Give the identity typed, or that of the known patient chosen."""
    form, session, actor, patient_id = await read_form(request), db(request), actor_of(request), id_in(request)
    patient = await patient_to_identify(session, actor, patient_id)
    was_unknown = patient.is_temporary
    try:
        if "known_id" in form:
            await resolve_as_known(session, actor, patient_id=patient_id, known_id=read_known(form))
        elif was_unknown:
            await resolve_identity(session, actor, patient_id=patient_id, identity=read_identity(form))
        else:
            await correct_identity(session, actor, patient_id=patient_id, identity=read_identity(form))
    except Invalid as error:
        return await _identity_page(request, patient, status=422, values=form, errors=error)
    if was_unknown:
        flash(request, _("The identity is known now. The temporary name is kept with the file."), tone="ok")
    else:
        flash(request, _("The identity is corrected. The former one is kept with the file."), tone="ok")
    await tell_doubts(request, patient)
    return to_page(request, "patients.show", id=patient.id)


async def _without_file(request: web.Request, page: str, **context: Any) -> web.StreamResponse:
    """Who the patient is, for who may not read the file, or not yet."""
    session, actor = db(request), actor_of(request)
    patient = await patient_for(session, actor, id_in(request))
    return render(
        request,
        f"patients/{page}.html.jinja",
        patient=patient,
        identifiers=await identifiers_of(session, patient),
        earlier=await earlier_identities(session, patient),
        kept=(await merged_into(session, actor, [patient.id])).get(patient.id),
        **context,
    )


async def _identity_page(
    request: web.Request, patient: Patient, *, status: int = 200, **context: Any
) -> web.StreamResponse:
    text = request.query.get("q", "").replace("\0", " ").strip()
    found = await search_patients(db(request), actor_of(request), text=text) if text else None
    candidates = [known for known in found.patients if not known.is_temporary] if found else []
    return render(
        request,
        "patients/identity.html.jinja",
        status=status,
        patient=patient,
        text=text,
        candidates=candidates,
        genders=genders(),
        **{"values": _traits(patient, await identifiers_of(db(request), patient)), **context},
    )


def _traits(patient: Patient, identifiers: list[PatientIdentifier]) -> dict[str, str]:
    """What the form begins with: the sex and the year guessed while nobody knows who it is."""
    if patient.is_temporary:
        return {"gender": patient.gender, "birth_date": str(patient.estimated_birth_year or "")}
    return {
        "family": patient.family,
        "given": patient.given,
        "gender": patient.gender,
        "birth_date": f"{patient.birth_date:%d/%m/%Y}" if patient.birth_date else str(patient.birth_year or ""),
        "used_name": patient.used_name,
        "birth_place": patient.birth_place,
        "national_id": next((one.value for one in identifiers if is_national(one)), ""),
        "phone": patient.phone,
        "address": patient.address,
    }


def _before(request: web.Request) -> Cursor | None:
    return Cursor.parse(request.query["before"]) if request.query.get("before") else None


def _by_month(page: Page, time_zone: str) -> list[tuple[date, list[RecordEntry]]]:
    """The entries under the first day of their month, on the clock of `time_zone`."""
    zone = zone_of(time_zone)
    months = groupby(page.entries, key=lambda entry: on_clock(entry.effective_at, zone).date().replace(day=1))
    return [(month, list(entries)) for month, entries in months]
