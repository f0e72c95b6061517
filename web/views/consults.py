"""Consults: the list, one consult's page, and asking for a new one."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from teleconsult.clock import now
from teleconsult.consents.recording import consent_of
from teleconsult.consults.conversing import conversation_of
from teleconsult.consults.drafting import start_draft
from teleconsult.consults.following_up import follow_up_of
from teleconsult.consults.history import history_of
from teleconsult.consults.models import PatientCourse, RequestStatus, ServiceRequest
from teleconsult.consults.modes import OFFERED
from teleconsult.consults.promises import promise_of
from teleconsult.consults.queries import consult_for
from teleconsult.consults.redirecting import specialists_of_house
from teleconsult.consults.states import ConsultState, Part, Verb, may, part_of, state_of
from teleconsult.consults.triage import open_consult
from teleconsult.consults.worklists import Cursor, Standing, consults_page
from teleconsult.directory.queries import services_offered
from teleconsult.encounters.kept_recordings import recordings_of
from teleconsult.encounters.link_checks import checks_of
from teleconsult.errors import Invalid
from teleconsult.imaging.pacs.searching import pacs_asked
from teleconsult.imaging.queries import studies_of_consult
from teleconsult.messages.queries import mark_read
from teleconsult.notes.versions import current_of_consult
from teleconsult.scheduling.booking import DURATIONS
from teleconsult.scheduling.inviting import names_of_invited
from teleconsult.scheduling.queries import last_missed
from web.bodies import read_form
from web.call_words import missed_in_words
from web.consult_words import act_in_words, next_step
from web.forms.patients import read_patient_id
from web.rendering import render
from web.requests import actor_of, db, frame_of, id_in, to_page
from web.views.calls import held_context
from web.views.drafting import draft_page
from web.views.emergencies import emergency_context
from web.views.excerpts import NO_EXCERPT, excerpt_context
from web.views.home import time_field
from web.words import options

FRAMES: Final = {
    "progress": "consults/_progress.html.jinja",
    "conversation": "consults/_conversation.html.jinja",
    "emergency-card": "consults/_emergency.html.jinja",
}
"""Parts of a consult's page that are looked at again by themselves."""


async def index(request: web.Request) -> web.StreamResponse:
    """Every consult that exists for the actor, latest first, thirty at a time."""
    actor = actor_of(request)
    chosen = request.query.get("standing", "")
    standing = Standing(chosen) if chosen in set(Standing) else None
    before = Cursor.parse(request.query["before"]) if "before" in request.query else None
    consults, older = await consults_page(db(request), actor, standing=standing, before=before)
    return render(
        request,
        "consults/index.html.jinja",
        consults=consults,
        older=older,
        standing=standing,
        standings=options(Standing),
        state_of=state_of,
    )


async def create(request: web.Request) -> web.StreamResponse:
    """Begin a request for a patient, from the patient's file."""
    form = await read_form(request)
    draft = await start_draft(db(request), actor_of(request), patient_id=read_patient_id(form))
    return to_page(request, "consults.show", id=draft.id)


async def show(request: web.Request) -> web.StreamResponse:
    """The consult as its reader may see it; while it is a draft, the form."""
    actor, session = actor_of(request), db(request)
    if (frame := frame_of(request)) in FRAMES:
        consult = await consult_for(session, actor, id_in(request))
        told = await follow_up_of(db(request), consult)
        context = await _progress(request, consult, is_followed_up=told is not None)
        if frame == "emergency-card":
            context |= await emergency_context(request, consult)
        return render(request, FRAMES[frame], **context)
    consult = await open_consult(session, actor, consult_id=id_in(request))
    await mark_read(session, actor, consult_id=consult.id)
    if consult.status is RequestStatus.DRAFT:
        return await draft_page(request, consult)
    return await consult_page(request, consult)


async def consult_page(
    request: web.Request,
    consult: ServiceRequest,
    *,
    status: int = 200,
    errors: Invalid | None = None,
    values: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """The page of a consult that is no longer a draft. `errors` and `values` show a refused form again."""
    actor, session = actor_of(request), db(request)
    sees_excerpt = part_of(consult, actor) is not Part.COORDINATOR
    follow_up = await follow_up_of(session, consult)
    return render(
        request,
        "consults/show.html.jinja",
        status=status,
        errors=errors or {},
        values=values or {},
        cards=await studies_of_consult(session, actor, consult),
        archives=await pacs_asked(session, actor),
        may_add=may(consult, actor, Verb.ADD_IMAGES),
        consent=await consent_of(session, consult.id),
        recordings=await recordings_of(session, actor, consult.id),
        history=[(event, act_in_words(event)) for event in await history_of(session, consult)],
        follow_up=follow_up,
        courses=options(PatientCourse),
        invited=await names_of_invited(session, consult),
        **await held_context(request, consult),
        **await emergency_context(request, consult),
        **(await excerpt_context(request, consult.id) if sees_excerpt else NO_EXCERPT),
        **await _progress(request, consult, is_followed_up=follow_up is not None),
    )


async def _progress(request: web.Request, consult: ServiceRequest, *, is_followed_up: bool) -> dict[str, Any]:
    """What the top of the page needs: where the consult stands and what its reader may do now."""
    actor = actor_of(request)
    part, state = part_of(consult, actor), state_of(consult)
    missed = await last_missed(db(request), consult.id) if state is ConsultState.NO_SHOW else None
    return {
        "consult": consult,
        "part": part,
        "state": state,
        "next_step": next_step(consult, actor, is_followed_up=is_followed_up),
        "missed": missed,
        "current_notes": await current_of_consult(db(request), actor, consult.id),
        "missed_words": missed_in_words(missed.status_reason) if missed else "",
        "is_due": consult.appointment is not None and consult.appointment.starts_at <= now(),
        "may": {verb.value: may(consult, actor, verb) for verb in Verb},
        "checks": (await checks_of(db(request), actor, [consult.id])).get(consult.id, []),
        "durations": DURATIONS,
        "zone": actor.time_zone,
        "conversation": await conversation_of(db(request), actor, consult),
        "message_key": uuid.uuid4(),
        "promise": promise_of(consult, at=now()),
        "services": await services_offered(db(request)) if may(consult, actor, Verb.REDIRECT) else [],
        "specialists": await specialists_of_house(db(request), actor) if may(consult, actor, Verb.ASSIGN) else [],
        "may_change_mode": consult.mode in OFFERED and may(consult, actor, Verb.CHANGE_MODE),
        **time_field(actor),
    }
