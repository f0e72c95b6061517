"""What a patient agreed to: one page over all their consults, and from it confirming and withdrawing."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from teleconsult.consents.confirming import CONFIRMED_BY, confirm_consent
from teleconsult.consents.effects import allowed, staying, stopped
from teleconsult.consents.models import Consent, Incapacity
from teleconsult.consents.queries import Agreement, ConsentState, agreements
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.states import Verb, may
from teleconsult.consults.triage import open_consult
from teleconsult.consults.worklists import Cursor
from teleconsult.errors import Invalid
from teleconsult.patients.care import open_file
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.consults import read_consent
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, begin_again, db, id_in, settings_of, to_page
from web.views.consults import consult_page
from web.words import options


async def show(request: web.Request) -> web.StreamResponse:
    """All that the patient agreed to, the latest first."""
    before = Cursor.parse(request.query["before"]) if request.query.get("before") else None
    return await _page(request, id_in(request), before=before)


async def withdraw(request: web.Request) -> web.StreamResponse:
    """The patient withdraws the consent, with what they said."""

    async def act(form: Form) -> ServiceRequest:
        return await withdraw_consent(
            db(request), actor_of(request), consult_id=id_in(request), reason=form.get("reason", "")
        )

    return await _acted(request, act, said=_("The consent is withdrawn. The other side has been told."))


async def confirm(request: web.Request) -> web.StreamResponse:
    """The patient agrees, or who speaks for them, to what was decided without them."""

    async def act(form: Form) -> Consent:
        if not form.get("basis"):
            raise Invalid({"basis": "Say who agrees."})
        said = read_consent(form)
        return await confirm_consent(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            basis=said.basis,
            given_by=said.given_by,
            relationship=said.relationship,
            incapacity=said.incapacity,
        )

    return await _acted(request, act, said=_("The consent is confirmed. What was noted before stays on this page."))


async def _page(
    request: web.Request,
    patient_id: uuid.UUID,
    *,
    before: Cursor | None = None,
    status: int = 200,
    refused: uuid.UUID | None = None,
    errors: Invalid | None = None,
    values: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """`refused` is the consult whose form is shown again, with what is wrong with it."""
    session, actor = db(request), actor_of(request)
    file = await open_file(session, actor, patient_id=patient_id)
    found, older = await agreements(session, actor, file, before=before)
    return render(
        request,
        "consents/show.html.jinja",
        status=status,
        patient=file.patient,
        houses={patient.id: patient.organization.name for patient in file.linked},
        opening=file.opening,
        agreements=[(agreement, _effects(request, agreement)) for agreement in found],
        older=older,
        incapacities=options(Incapacity),
        days=settings_of(request).excerpt_days,
        refused=refused,
        errors=errors or {},
        values=values or {},
    )


def _effects(request: web.Request, agreement: Agreement) -> dict[str, Any]:
    """What a consent allows, what its withdrawal would do, and whether that is the reader's to note."""
    consult, state, actor = agreement.consult, agreement.consult_state, actor_of(request)
    effects: dict[str, Any] = dict.fromkeys(("may_withdraw", "may_confirm", "may_read_log"), False)
    if consult is None or state is None:
        return effects
    effects["may_read_log"] = may(consult, actor, Verb.SEE_READINGS)
    if agreement.state is not ConsentState.IN_FORCE:
        return effects
    is_shared, confirmed_by = agreement.is_readable, CONFIRMED_BY[agreement.consent.basis]
    return effects | {
        "allowed": allowed(state, is_shared=is_shared),
        "stopped": stopped(state, is_shared=is_shared),
        "staying": staying(state),
        "confirmed_by": confirmed_by,
        "may_withdraw": may(consult, actor, Verb.WITHDRAW_CONSENT),
        "may_confirm": bool(confirmed_by) and may(consult, actor, Verb.CONFIRM_CONSENT),
    }


async def _acted(
    request: web.Request, act: Callable[[Form], Awaitable[ServiceRequest | Consent]], *, said: str
) -> web.StreamResponse:
    """Act on a form and go back to where it stood; where it cannot be taken, that page with what is wrong with it."""
    form, consult_id = await read_form(request), id_in(request)
    stood_here = form.get("return") == "consents"
    try:
        changed = await act(form)
    except Invalid as errors:
        await begin_again(request)
        consult = await open_consult(db(request), actor_of(request), consult_id=consult_id)
        if not stood_here:
            return await consult_page(request, consult, status=422, errors=errors, values=form)
        return await _page(request, consult.patient_id, status=422, refused=consult.id, errors=errors, values=form)
    flash(request, said)
    if not stood_here:
        return to_page(request, "consults.show", id=consult_id)
    return to_page(request, "consents.show", id=changed.patient_id)
