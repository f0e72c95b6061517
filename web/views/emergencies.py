"""The emergency: its form, the wait in the room, what rings, and what is noted afterwards."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.consents.recording import consent_of
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Part, Verb, may, part_of, state_of
from teleconsult.db import transaction
from teleconsult.directory.duty import hand_over_own
from teleconsult.directory.models import RoleCode
from teleconsult.directory.queries import services_offered
from teleconsult.emergencies.answering import answer_emergency, decline_emergency, note_rung
from teleconsult.emergencies.deciding import call_off, note_decision, note_necessity, ring_on
from teleconsult.emergencies.escalating import calm_consult, escalate_consult
from teleconsult.emergencies.handing_back import call_others, may_call_others
from teleconsult.emergencies.models import Decision, Emergency, EmergencyPage, Transfer, Transport
from teleconsult.emergencies.queries import covered_now, emergency_of, ringing, running
from teleconsult.emergencies.raising import raise_emergency
from teleconsult.emergencies.telephones import telephones_of
from teleconsult.emergencies.times import times_of
from teleconsult.emergencies.transferring import LEADS_TO, ask_transfer, destinations, move_transfer, transfers_of
from teleconsult.encounters.colleagues import room_to_come_to
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.queries import studies_of_consult
from teleconsult.patients.queries import patient_for
from teleconsult.patients.searching import patients_in_care
from teleconsult.records.vitals import VitalSign
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.administration import read_id
from web.forms.consults import read_mode
from web.forms.emergencies import read_call, read_place
from web.i18n import gettext as _
from web.rendering import render
from web.requests import (
    PRESSES,
    actor_of,
    begin_again,
    db,
    frame_of,
    id_in,
    own_transactions,
    see_other,
    sessions_of,
    to_page,
)
from web.views.registering import genders
from web.words import label, options

WAITING: Final = "emergency-waiting"
"""The frame that says who is rung, and leads into the room once somebody answered."""
CARD: Final = "room-emergency-card"
DECIDED: Final = "room-decided"
"""The frames of a room that tell of its emergency."""
VITALS: Final = (
    *("systolic", "diastolic", VitalSign.HEART_RATE, VitalSign.OXYGEN_SATURATION),
    *(VitalSign.RESPIRATORY_RATE, VitalSign.TEMPERATURE, VitalSign.GLASGOW),
)
"""What is asked for in an emergency, in the order in which it is measured."""


@dataclass(frozen=True, slots=True)
class Line:
    """An emergency under way, on a home page, and what its reader may do."""

    emergency: Emergency
    consult: ServiceRequest
    rung: list[EmergencyPage]
    joins: bool
    answers: bool


async def emergency_lines(request: web.Request) -> list[Line]:
    """The emergencies under way that the reader sees."""
    actor = actor_of(request)
    return [
        Line(
            one.emergency,
            one.consult,
            one.rung,
            may(one.consult, actor, Verb.JOIN),
            may(one.consult, actor, Verb.ANSWER),
        )
        for one in await running(db(request), actor)
    ]


async def new(request: web.Request) -> web.StreamResponse:
    """The few questions; from a patient's file, that patient is chosen."""
    return await _form(request, db(request), values={"patient": request.query.get("patient", "")})


@own_transactions
async def create(request: web.Request) -> web.StreamResponse:
    """Pressed: into the room. Of many at once some wait for their turn; none fails for want of the database."""
    form, actor = await read_form(request), actor_of(request)
    try:
        call = read_call(form)
        async with request.app[PRESSES], transaction(sessions_of(request), actor) as session:
            raised = await raise_emergency(session, actor, call=call)
    except Invalid as error:
        async with transaction(sessions_of(request), actor) as session:
            return await _form(request, session, values=form, errors=error, status=error.status)
    return to_page(request, "rooms.show", id=raised.service_request_id)


@own_transactions
async def escalate(request: web.Request) -> web.StreamResponse:
    """A request that waits cannot: into the room."""
    actor = actor_of(request)
    async with request.app[PRESSES], transaction(sessions_of(request), actor) as session:
        raised = await escalate_consult(session, actor, consult_id=id_in(request))
    return to_page(request, "rooms.show", id=raised.service_request_id)


async def calm(request: web.Request) -> web.StreamResponse:
    """It is no emergency after all: the request waits like any other."""

    async def act(form: Form) -> object:
        return await calm_consult(db(request), actor_of(request), consult_id=id_in(request), mode=read_mode(form))

    return await _noted(request, act, said=_("Nobody is being called any more. The request waits for its service."))


async def waiting_room(
    request: web.Request, consult: ServiceRequest, *, telephones: list[tuple[str, str]]
) -> web.StreamResponse:
    """The room of an emergency that nobody has answered yet: one's own picture, who is rung, the images to send."""
    session, actor = db(request), actor_of(request)
    context: dict[str, Any] = {
        "consult": consult,
        "emergency": await emergency_of(session, consult.id),
        "telephones": telephones,
        "now": now(),
    }
    if frame_of(request) == WAITING:
        return render(request, "emergencies/_waiting.html.jinja", **context)
    return render(
        request,
        "emergencies/waiting.html.jinja",
        cards=await studies_of_consult(session, actor, consult),
        may_add=may(consult, actor, Verb.ADD_IMAGES),
        **context,
    )


async def show_ringing(request: web.Request) -> web.StreamResponse:
    """What rings for the reader now, for the dialog of every page; nothing (204) where nothing does."""
    calls = await ringing(db(request), actor_of(request))
    if not calls:
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    return render(request, "emergencies/ringing.html.jinja", calls=calls)


async def rung(request: web.Request) -> web.StreamResponse:
    """A device says that it rings."""
    await note_rung(db(request), actor_of(request), page_id=id_in(request))
    return web.Response(status=204)


async def answer(request: web.Request) -> web.StreamResponse:
    """Into the room in one press; a coordinator comes to the consult's page, to see to it."""
    emergency = await answer_emergency(db(request), actor_of(request), emergency_id=id_in(request))
    if actor_of(request).role is not RoleCode.COORDINATOR:
        return to_page(request, "rooms.show", id=emergency.service_request_id)
    told = await emergency_of(db(request), emergency.service_request_id)
    if told is not None and told.answered_by is not None:
        flash(request, _("%(name)s has answered already.", name=told.answered_by.practitioner.name))
    try:
        await consult_for(db(request), actor_of(request), emergency.service_request_id)
    except NotFound:  # it went on to the next hospital
        return to_page(request, "home.show")
    return to_page(request, "consults.show", id=emergency.service_request_id)


@own_transactions
async def decline(request: web.Request) -> web.StreamResponse:
    """Not me: the next one is rung at once, and finds a connection left to say that it rings."""
    actor = actor_of(request)
    async with request.app[PRESSES], transaction(sessions_of(request), actor) as session:
        await decline_emergency(session, actor, emergency_id=id_in(request))
    flash(request, _("You have declined. The next person is being called."))
    return to_page(request, "home.show")


async def go_on(request: web.Request) -> web.StreamResponse:
    """Ring the next one now, or everybody anew."""
    await ring_on(db(request), actor_of(request), consult_id=id_in(request))
    return _to_where_from(request)


async def call_on(request: web.Request) -> web.StreamResponse:
    """Whoever answered cannot be there: others are called."""
    consult = await call_others(db(request), actor_of(request), consult_id=id_in(request))
    flash(request, _("Others are being called."))
    if consult.requester_role_id == actor_of(request).role_id:
        return to_page(request, "rooms.show", id=consult.id)
    return to_page(request, "home.show")


async def end(request: web.Request) -> web.StreamResponse:
    """Nobody is needed any more."""
    reason = (await read_form(request)).get("reason", "")
    await call_off(db(request), actor_of(request), consult_id=id_in(request), reason=reason)
    flash(request, _("The emergency is called off. Nobody is being called any more."))
    return to_page(request, "consults.show", id=id_in(request))


async def decide(request: web.Request) -> web.StreamResponse:
    """Who answered notes what is done with the patient."""

    async def act(form: Form) -> object:
        return await note_decision(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            decision=form.get("decision", ""),
            note=form.get("note", ""),
        )

    return await _noted(request, act, said=_("The decision is noted."))


async def justify(request: web.Request) -> web.StreamResponse:
    """Who asked says why nobody could be asked for consent."""

    async def act(form: Form) -> object:
        return await note_necessity(
            db(request), actor_of(request), consult_id=id_in(request), reason=form.get("necessity", "")
        )

    return await _noted(request, act, said=_("The reason is noted."))


async def transfer(request: web.Request) -> web.StreamResponse:
    """Have the patient travel."""

    async def act(form: Form) -> object:
        return await ask_transfer(
            db(request),
            actor_of(request),
            consult_id=id_in(request),
            destination_id=read_place(form, "destination"),
            transport=form.get("transport", ""),
            note=form.get("transfer_note", ""),
        )

    return await _noted(request, act, said=_("The transfer is asked for."))


async def follow_transfer(request: web.Request) -> web.StreamResponse:
    """What became of a transfer."""

    async def act(form: Form) -> object:
        return await move_transfer(
            db(request),
            actor_of(request),
            transfer_id=id_in(request),
            status=form.get("status", ""),
            answered_by=form.get("answered_by", ""),
        )

    return await _noted(request, act, said=_("The transfer is noted."))


async def give_duty(request: web.Request) -> web.StreamResponse:
    """Hand the rest of one's own shift to a colleague."""
    role_id = read_id(await read_form(request), "role")
    await hand_over_own(db(request), actor_of(request), shift_id=id_in(request), role_id=role_id)
    flash(request, _("The shift is handed over, from this moment on."))
    return to_page(request, "home.show")


async def emergency_context(request: web.Request, consult: ServiceRequest) -> dict[str, Any]:
    """What the consult's page tells of an emergency; nothing of an ordinary consult."""
    session, actor = db(request), actor_of(request)
    emergency = await emergency_of(session, consult.id)
    if emergency is None:
        return {"emergency": None}
    return {
        "emergency": emergency,
        "times": await times_of(session, emergency),
        "decisions": options(Decision),
        "transfers": await transfers_of(session, consult.id),
        "transports": options(Transport),
        "destinations": [(place.id, place.name) for place in await destinations(session, consult)],
        "leads_to": LEADS_TO,
        "asks_for_reason": await _asks_for_reason(session, actor, consult, emergency),
        "numbers": await telephones_for(session, consult) if part_of(consult, actor) is Part.COORDINATOR else [],
        "comes_to": await room_to_come_to(session, actor, consult),
        "calls_others": await may_call_others(session, actor, consult, emergency),
        "rings_on": part_of(consult, actor) in (Part.REQUESTER, Part.COORDINATOR)
        and state_of(consult) is ConsultState.EMERGENCY,
    }


async def _asks_for_reason(session: AsyncSession, actor: Actor, consult: ServiceRequest, emergency: Emergency) -> bool:
    """Whether its reader is to say why nobody was asked: not where the consent was given before it was an emergency."""
    if emergency.necessity or part_of(consult, actor) is not Part.REQUESTER:
        return False
    consent = await consent_of(session, consult.id)
    return consent is not None and consent.basis is ConsentBasis.NECESSITY


async def telephones_for(session: AsyncSession, consult: ServiceRequest) -> list[tuple[str, str]]:
    """Names and numbers for who sees to it that somebody answers: who asks first, then the services in turn."""
    return [
        (f"{label(specialty)}, {house}" if specialty else house, number)
        for specialty, house, number in await telephones_of(session, consult)
    ]


async def _noted(request: web.Request, act: Callable[[Form], Awaitable[object]], *, said: str) -> web.StreamResponse:
    """Back to where it was written: the consult's page, or the room one is in, which stays as it is."""
    is_in_room = frame_of(request) == CARD
    try:
        await act(await read_form(request))
    except Invalid as error:
        await begin_again(request)
        told = [_(sentence) for sentence in error.fields.values()]
        if is_in_room:
            return await room_card(request, status=422, refused=told)
        for sentence in told:
            flash(request, sentence, tone="warn")
    else:
        if not is_in_room:
            flash(request, said)
    return to_page(request, "rooms.show" if is_in_room else "consults.show", id=await _consult_id(request))


async def _consult_id(request: web.Request) -> uuid.UUID:
    """The address names the consult, or a transfer of it that was looked up by the act."""
    transfer = await db(request).get(Transfer, id_in(request))
    return transfer.service_request_id if transfer else id_in(request)


async def room_card(
    request: web.Request, consult: ServiceRequest | None = None, *, status: int = 200, refused: Sequence[str] = ()
) -> web.StreamResponse:
    """The part of the room that tells of the emergency, or what was decided alone, as its frame asks."""
    actor = actor_of(request)
    consult = consult or await consult_for(db(request), actor, await _consult_id(request))
    part = "rooms/_decided.html.jinja" if frame_of(request) == DECIDED else "rooms/_emergency.html.jinja"
    return render(
        request,
        part,
        status=status,
        consult=consult,
        refused=refused,
        may={verb.value: may(consult, actor, verb) for verb in Verb},
        **await emergency_context(request, consult),
    )


async def _form(
    request: web.Request,
    session: AsyncSession,
    *,
    values: Mapping[str, str],
    errors: Invalid | None = None,
    status: int = 200,
) -> web.StreamResponse:
    actor = actor_of(request)
    covered = await covered_now(session)
    services = sorted(await services_offered(session), key=lambda one: one.id not in covered)
    patients = [(one.id, one.name) for one in await patients_in_care(session, actor)]
    if (chosen := read_place(values, "patient")) and chosen not in {id for id, _name in patients}:
        patient = await patient_for(session, actor, chosen)
        patients.insert(0, (patient.id, patient.name))
    return render(
        request,
        "emergencies/new.html.jinja",
        status=status,
        key=values.get("key") or uuid.uuid4(),
        services=services,
        covered=covered,
        patients=patients,
        genders=genders(),
        vitals=VITALS,
        vital_errors=errors is not None and any(part in errors.fields for part in VITALS),
        values=values,
        errors=errors or {},
    )


def _to_where_from(request: web.Request) -> web.Response:
    """The requester waits in the room; a coordinator reads the consult's page."""
    if actor_of(request).role is RoleCode.COORDINATOR:
        return to_page(request, "consults.show", id=id_in(request))
    return see_other(request.app.router["rooms.show"].url_for(id=str(id_in(request))))
