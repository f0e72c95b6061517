"""Opening a file in an emergency without a care relation: finding the patient, saying why, closing the file again."""

from dataclasses import replace
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts import Actor
from teleconsult.accounts.stepping_up import confirm, require_fresh, ways_of
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.errors import Invalid, StepUpNeeded
from teleconsult.patients.breaking_glass import break_glass, check_reason, end_opening, openings_of
from teleconsult.patients.elsewhere import establishments_that_share, seek_elsewhere
from teleconsult.patients.models import GlassReason
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.patients import read_patient_id, read_search
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, address_of, db, id_in, own_transactions, sessions_of, settings_of, to_page
from web.views.step_up import read_proof
from web.words import options


async def show(request: web.Request) -> web.StreamResponse:
    """Whom one is looking for, and what one has open."""
    return await _page(request, db(request))


async def seek(request: web.Request) -> web.StreamResponse:
    """The patient somebody named exactly, and the form that opens the file. The search is audited."""
    form = await read_form(request)
    try:
        found = await seek_elsewhere(db(request), actor_of(request), search=read_search(form))
    except Invalid as error:
        return await _page(request, db(request), status=422, values=form, errors=error)
    return await _page(request, db(request), values=form, found=found)


@own_transactions
async def open_file(request: web.Request) -> web.StreamResponse:
    """Say why, show who one is, and the file opens for an hour."""
    form = await read_form(request)
    patient_id, search = read_patient_id(form), read_search(form)
    kind, reason = form.get("kind", ""), form.get("reason", "")
    try:
        check_reason(kind, reason)
        actor = await _proven(request, form)
        async with transaction(sessions_of(request), actor) as session:
            opening = await break_glass(session, actor, patient_id=patient_id, search=search, kind=kind, reason=reason)
    except Invalid as error:
        async with transaction(sessions_of(request), actor_of(request)) as session:
            found = await seek_elsewhere(session, actor_of(request), search=search)
            return await _page(request, session, status=422, values=form, errors=error, found=found)
    flash(request, _("The file is open for an hour. The privacy officer of the establishment is being told."), "warn")
    return to_page(request, "patients.show", id=opening.patient_id)


async def close_file(request: web.Request) -> web.StreamResponse:
    """Close it before the hour is over."""
    await end_opening(db(request), actor_of(request), opening_id=id_in(request))
    flash(request, _("The file is closed."))
    return to_page(request, "patients.index")


async def _proven(request: web.Request, form: Form) -> Actor:
    """The actor, who proved who they are within the last two minutes or does so with this form. Raises Invalid."""
    actor = actor_of(request)
    if not _is_fresh(actor):
        proof, address = read_proof(form), address_of(request)
        await confirm(sessions_of(request), settings_of(request), actor, proof=proof, address=address)
        actor = replace(actor, factor_at=now())
    return actor


def _is_fresh(actor: Actor) -> bool:
    try:
        require_fresh(actor)
    except StepUpNeeded:
        return False
    return True


async def _page(request: web.Request, session: AsyncSession, *, status: int = 200, **context: Any) -> web.Response:
    actor = actor_of(request)
    houses = await establishments_that_share(session, actor)
    return render(
        request,
        "break_glass/show.html.jinja",
        status=status,
        openings=await openings_of(session, actor),
        houses=[(house.id, house.name) for house in houses],
        names_of_houses={house.id: house.name for house in houses},
        kinds=options(GlassReason),
        ways=await ways_of(session, settings_of(request), actor),
        is_fresh=_is_fresh(actor),
        **{"found": None, **context},
    )
