"""New patients: typed by hand, read off a card, or somebody whom nobody knows."""

import uuid
from typing import Any

from aiohttp import web

from teleconsult.clock import now
from teleconsult.errors import Invalid
from teleconsult.patients.matching import is_to_compare
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.qualifying import doubts_about, is_national
from teleconsult.patients.queries import identifiers_of
from teleconsult.patients.registering import LooksLike, register_patient, register_unknown
from teleconsult.patients.scanning import read_card
from teleconsult.patients.searching import holder_of
from web.bodies import read_form
from web.flash import flash
from web.forms.patients import fields_of_card, read_identity, read_unknown
from web.i18n import gettext as _
from web.identity_words import system_name
from web.rendering import render
from web.requests import actor_of, db, to_page
from web.words import label, options


async def new(request: web.Request) -> web.StreamResponse:
    """The form for a new patient, known or not."""
    return _page(request)


async def scan(request: web.Request) -> web.StreamResponse:
    """The form again with what a card says, to be checked; the file of who is registered already."""
    form, session, actor = await read_form(request), db(request), actor_of(request)
    scanned = form.get("card", "")
    if holder := await holder_of(session, actor, number=scanned):  # a wristband or a label of our own
        return _registered_already(request, holder)
    try:
        card = read_card(scanned, today=now().date())
    except Invalid as error:
        return _page(request, status=422, values=form, errors=error)
    if holder := await holder_of(session, actor, number=card.number.value):
        return _registered_already(request, holder)
    return _page(request, values=fields_of_card(card), read_from=system_name(card.number.system))


async def create(request: web.Request) -> web.StreamResponse:
    """Register a patient; ask first when somebody looks like them."""
    form = await read_form(request)
    try:
        patient = await register_patient(
            db(request),
            actor_of(request),
            identity=read_identity(form),
            is_someone_else=form.get("is_someone_else") == "yes",
        )
    except LooksLike as doubt:
        return _page(request, status=409, values=form, look_alikes=doubt.patients)
    except Invalid as error:
        return _page(request, status=422, values=form, errors=error)
    flash(request, _("The patient is registered."), tone="ok")
    await tell_doubts(request, patient)
    return to_page(request, "patients.show", id=patient.id)


async def create_unknown(request: web.Request) -> web.StreamResponse:
    """Register somebody whom nobody can identify."""
    form = await read_form(request)
    try:
        gender, age, found_where = read_unknown(form)
        patient = await register_unknown(
            db(request), actor_of(request), gender=gender, estimated_age=age, found_where=found_where
        )
    except Invalid as error:
        return _page(request, status=422, values=form, errors=error)
    flash(request, _("Registered under a temporary name."), tone="ok")
    return to_page(request, "patients.show", id=patient.id)


async def tell_doubts(request: web.Request, patient: Patient) -> None:
    """What a number just given says otherwise than the traits: told, not refused."""
    for number in await identifiers_of(db(request), patient):
        for doubt in doubts_about(patient, number) if is_national(number) else []:
            flash(request, label(doubt), tone="warn")
    if await is_to_compare(db(request), patient):
        flash(
            request, _("This may be a patient known under other traits or another number. Somebody will compare them.")
        )


def genders() -> list[tuple[str, str]]:
    """What a form offers as the sex, in words that a typed letter tells apart."""
    letters = {AdministrativeGender.FEMALE: _("F, female"), AdministrativeGender.MALE: _("M, male")}
    return [(code, letters.get(AdministrativeGender(code), words)) for code, words in options(AdministrativeGender)]


def _registered_already(request: web.Request, patient_id: uuid.UUID) -> web.StreamResponse:
    flash(request, _("This patient is registered already."))
    return to_page(request, "patients.show", id=patient_id)


def _page(request: web.Request, **context: Any) -> web.StreamResponse:
    context = {"look_alikes": [], "read_from": "", **context}
    return render(request, "patients/new.html.jinja", genders=genders(), **context)
