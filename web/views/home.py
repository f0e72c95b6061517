"""A person's own home: what waits for them, by role."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.consults.following_up import follow_ups_due
from teleconsult.consults.models import PatientCourse, RequestPriority, ServiceRequest
from teleconsult.consults.states import BEFORE_SESSION, WAITING, WITH_SESSION, ConsultState, state_of
from teleconsult.consults.worklists import Standing, consults_page, own_requests, specialist_worklist
from teleconsult.directory.duty import duty_of
from teleconsult.directory.models import RoleCode
from teleconsult.meetings.queries import meetings
from teleconsult.notes.co_signers import awaited_of
from teleconsult.notes.unsigned import unsigned_counts
from teleconsult.patients.reviewing import openings_to_review
from teleconsult.patients.searching import patients_in_care
from teleconsult.scheduling.local_times import local_from_moment, suggested_time
from teleconsult.scheduling.queries import agenda
from web.consult_words import next_step
from web.rendering import render, zone_of
from web.requests import Handler, actor_of, db, frame_of
from web.views import admin, network
from web.views.board import board_context
from web.views.emergencies import emergency_lines
from web.words import options

PRESSING: Final = (RequestPriority.STAT, RequestPriority.ASAP)


async def show(request: web.Request) -> web.StreamResponse:
    """The home of the role in force; asked for by a frame of that page, only the frame."""
    role = actor_of(request).role
    home = _HOMES.get(role, _watch) if role is not None else _watch
    return await home(request)


async def _own(request: web.Request) -> web.StreamResponse:
    actor = actor_of(request)
    consults = await own_requests(db(request), actor)
    drafts = _in(consults, ConsultState.DRAFT)
    sessions = sorted(_in(consults, *WITH_SESSION), key=_start)
    notes = _in(consults, ConsultState.DELIVERED)
    running = await emergency_lines(request)
    shown = {consult.id for consult in (*drafts, *sessions, *notes, *(one.consult for one in running))}
    return _render(
        request,
        "requester",
        running=running,
        drafts=drafts,
        sessions=sessions,
        notes=notes,
        due=await follow_ups_due(db(request), actor),
        courses=options(PatientCourse),
        others=[consult for consult in consults if consult.id not in shown],
    )


async def _worklist(request: web.Request) -> web.StreamResponse:
    consults = await specialist_worklist(db(request), actor_of(request))
    return _render(
        request,
        "specialist",
        running=await emergency_lines(request),
        duties=await duty_of(db(request), actor_of(request)),
        sessions=sorted(_in(consults, *WITH_SESSION), key=_start),
        unsigned=sorted(_in(consults, ConsultState.ADVISING, ConsultState.UNSIGNED), key=_waiting_since),
        awaited=await awaited_of(db(request), actor_of(request)),
        leaving=_in(consults, ConsultState.SIGNED),
        new=_in(consults, *WAITING, ConsultState.AWAITING_INFO, ConsultState.NO_SHOW),
        accepted=_in(consults, ConsultState.ACCEPTED),
        meetings=(await meetings(db(request), actor_of(request)))[:3],
    )


async def _board(request: web.Request) -> web.StreamResponse:
    return _render(
        request,
        "coordinator",
        running=await emergency_lines(request),
        unsigned=await unsigned_counts(db(request), actor_of(request)),
        **await board_context(request),
        **time_field(actor_of(request)),
    )


async def _ward(request: web.Request) -> web.StreamResponse:
    """A nurse's: the patients they treat, and the consults about them."""
    session, actor = db(request), actor_of(request)
    under_way, _older = await consults_page(session, actor, standing=Standing.OPEN)
    sessions = sorted(_in(under_way, *WITH_SESSION), key=_start)
    return _render(
        request,
        "nurse",
        sessions=sessions,
        others=[consult for consult in under_way if consult not in sessions],
        patients=await patients_in_care(session, actor),
    )


async def _reception(request: web.Request) -> web.StreamResponse:
    """A secretary's: who is expected today, and later."""
    actor = actor_of(request)
    today = now().astimezone(zone_of(actor.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    expected = _in(await agenda(db(request), actor, start=today), *BEFORE_SESSION, ConsultState.IN_SESSION)
    return _render(request, "secretary", expected=expected, tomorrow=today + timedelta(days=1))


async def _watch(request: web.Request) -> web.StreamResponse:
    """Of the privacy officer: the two questions they are asked, and what waits for their judgement."""
    openings = await openings_to_review(db(request), actor_of(request))
    waiting = sum(opening.reviewed_at is None for opening in openings)
    return render(request, "home/privacy_officer.html.jinja", waiting=waiting)


def time_field(actor: Actor) -> dict[str, Any]:
    """What a field for a time begins with, on the clock of the actor's establishment.

    `earliest` is the first value it takes, `suggested` the value it begins with by priority.
    """
    moment, zone = now(), actor.time_zone
    suggested = {
        priority: local_from_moment(suggested_time(moment, zone, at_once=priority in PRESSING), zone)
        for priority in RequestPriority
    }
    return {"earliest": local_from_moment(moment, zone), "suggested": suggested}


def _render(request: web.Request, page: str, **context: Any) -> web.StreamResponse:
    actor = actor_of(request)
    template = f"home/_{page}.html.jinja" if frame_of(request) else f"home/{page}.html.jinja"
    return render(
        request,
        template,
        state_of=state_of,
        next_step=lambda consult: next_step(consult, actor),
        zone=actor.time_zone,
        **context,
    )


def _in(consults: Sequence[ServiceRequest], *states: ConsultState) -> list[ServiceRequest]:
    return [consult for consult in consults if state_of(consult) in states]


def _waiting_since(consult: ServiceRequest) -> datetime:
    """Since when its note is to be signed; what nobody answers any more comes last."""
    return consult.task.modified_at if consult.task else datetime.max.replace(tzinfo=UTC)


def _start(consult: ServiceRequest) -> datetime:
    return consult.appointment.starts_at if consult.appointment else consult.authored_on


_HOMES: Final[Mapping[RoleCode, Handler]] = {
    RoleCode.DOCTOR: _own,
    RoleCode.NURSE: _ward,
    RoleCode.SPECIALIST: _worklist,
    RoleCode.COORDINATOR: _board,
    RoleCode.SECRETARY: _reception,
    RoleCode.ADMINISTRATOR: admin.show,
    RoleCode.OPERATOR: network.show,
}
