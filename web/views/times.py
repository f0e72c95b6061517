"""Finding a time: what is free for everybody next, and one press that proposes, books or moves."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Final

from aiohttp import web

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may, require
from teleconsult.encounters.attendance import Span
from teleconsult.errors import Invalid, NotFound
from teleconsult.scheduling.booking import DURATIONS, book_appointment, propose_time
from teleconsult.scheduling.diaries import things_of
from teleconsult.scheduling.finding import free_times, things_here
from teleconsult.scheduling.inviting import invitable, invited_to
from teleconsult.scheduling.local_times import local_from_moment, next_quarter
from teleconsult.scheduling.moving import cancel_time, move_time
from teleconsult.scheduling.waiting import leave_wait_list, pass_on, take_offer, wait_for_earlier, waiting_of
from web.bodies import read_form
from web.flash import flash
from web.forms.times import read_length, read_people, read_start, read_things
from web.i18n import gettext as _
from web.rendering import render, zone_of
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.views.triage import acted

FARTHEST: Final = timedelta(days=366)


async def show(request: web.Request) -> web.StreamResponse:
    """The next free times for a consult, day by day, on the coordinator's clock and the requester's."""
    return await _page(request)


async def settle(request: web.Request) -> web.StreamResponse:
    """A time was pressed or typed: the session moves there, or is booked, or proposed where nobody has accepted."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    consult = await consult_for(session, actor, id_in(request))
    try:
        starts_at, minutes = read_start(form, actor.time_zone), read_length(form)
        settle_time = move_time if may(consult, actor, Verb.MOVE_TIME) else propose_time
        await settle_time(
            session,
            actor,
            consult_id=consult.id,
            starts_at=starts_at,
            minutes=minutes,
            things=read_things(form),
            people=read_people(form),
        )
        said = _("The session is moved. Both sides are told.")
        if settle_time is propose_time:
            said = _("The time is proposed.")
            if may(await consult_for(session, actor, consult.id), actor, Verb.BOOK):
                await book_appointment(session, actor, consult_id=consult.id)
                said = _("The time is booked. Both sides can enter the room from now on.")
    except Invalid as errors:
        await begin_again(request)
        return await _page(request, status=422, errors=errors, values=form)
    flash(request, said)
    return to_page(request, "consults.show", id=consult.id)


async def cancel(request: web.Request) -> web.StreamResponse:
    """The booked time is given up, with a reason; the consult is to be scheduled anew."""
    return await acted(
        request,
        lambda form: cancel_time(
            db(request), actor_of(request), consult_id=id_in(request), reason=form.get("reason", "")
        ),
        said=_("The time is cancelled. The consult waits for another one, and both sides are told."),
    )


async def wait(request: web.Request) -> web.StreamResponse:
    """Put the consult on the wait list, take it off, take what was offered, or pass it on."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    consult_id, said = id_in(request), ""
    try:
        match form.get("then", "wait"):
            case "leave":
                await leave_wait_list(session, actor, consult_id=consult_id)
                said = _("The consult no longer waits for an earlier time.")
            case "take":
                await take_offer(session, actor, consult_id=consult_id)
                said = _("The earlier time is booked. Both sides are told.")
            case "pass":
                await pass_on(session, actor, consult_id=consult_id)
                said = _("The time is offered to the next who waits.")
            case _:
                before = _day(form.get("before", ""))
                zone = zone_of(actor.time_zone)
                await wait_for_earlier(
                    session,
                    actor,
                    consult_id=consult_id,
                    wanted_before=datetime.combine(before + timedelta(days=1), time(), zone).astimezone(UTC),
                    minutes=read_length(form),
                )
                said = _("The consult waits for an earlier time. You are told once one is free.")
    except Invalid as errors:
        await begin_again(request)
        return await _page(request, status=422, errors=errors, values=form)
    flash(request, said)
    return to_page(request, "consults.times", id=consult_id)


async def _page(
    request: web.Request, *, status: int = 200, errors: Invalid | None = None, values: object = None
) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    consult = await consult_for(session, actor, id_in(request))
    moves = may(consult, actor, Verb.MOVE_TIME)
    if not moves:
        require(consult, actor, Verb.PROPOSE_TIME)
    minutes, things, people = await _asked(request, consult)
    zone = zone_of(actor.time_zone)
    since = datetime.combine(_since(request), time(), zone).astimezone(UTC) if "from" in request.query else None
    try:
        found = await free_times(session, actor, consult, minutes=minutes, things=things, people=people, since=since)
    except Invalid as refused:  # one too many was added, or who may not be asked
        errors, people = refused, await invited_to(session, consult)
        found = await free_times(session, actor, consult, minutes=minutes, things=things, people=people, since=since)

    def day_of(span: Span) -> date:
        return span.start.astimezone(zone).date()

    return render(
        request,
        "agenda/times.html.jinja",
        status=status,
        errors=errors or {},
        values=values or {},
        consult=consult,
        days=[(day, list(times)) for day, times in groupby(found.times, key=day_of)],
        more_from=found.more_from.astimezone(zone).date() if found.more_from else None,
        things=await things_here(session, consult),
        chosen=set(things),
        people=await invitable(session, consult),
        asked=people,
        minutes=minutes,
        durations=DURATIONS,
        moves=moves,
        to=_chosen(request) if moves else None,
        books=not moves and consult.task is not None and consult.task.owner is not None,
        entry=await waiting_of(session, consult.id),
        suggested=local_from_moment(next_quarter(now() + timedelta(minutes=30)), actor.time_zone),
        today=now().astimezone(zone).date(),
    )


async def _asked(request: web.Request, consult: ServiceRequest) -> tuple[int, Sequence[uuid.UUID], Sequence[uuid.UUID]]:
    """How long, with which rooms and devices, and which further people: as asked, else as it is planned."""
    booked = consult.appointment
    planned = int((booked.ends_at - booked.starts_at).total_seconds() // 60) if booked else 30
    try:
        minutes = read_length(request.query, planned)
        things, people = read_things(request.query), read_people(request.query)
    except Invalid as error:
        raise NotFound from error
    if "minutes" not in request.query:
        things, people = await things_of(db(request), consult), await invited_to(db(request), consult)
    return (minutes if minutes in DURATIONS else 30), things, people


def _chosen(request: web.Request) -> datetime | None:
    """The free time that was pressed for a booked session: it moves there once that is said again."""
    if "time" not in request.query:
        return None
    try:
        moment = read_start(request.query, actor_of(request).time_zone)
    except Invalid as error:
        raise NotFound from error
    if abs(moment - now()) > FARTHEST:
        raise NotFound
    return moment


def _since(request: web.Request) -> date:
    try:
        day = _day(request.query["from"])
    except Invalid as error:
        raise NotFound from error
    if abs(day - now().date()) > FARTHEST:
        raise NotFound
    return day


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid({"before": "Give a day."}) from error
