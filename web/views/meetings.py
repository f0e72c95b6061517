"""Team meetings: those to come and those past, one with its list of cases, and how one is planned."""

import uuid
from datetime import timedelta
from typing import Any

from aiohttp import web

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.consults.states import Verb, may, state_of
from teleconsult.directory.models import RoleCode, Specialty
from teleconsult.directory.queries import services_offered
from teleconsult.errors import Invalid
from teleconsult.meetings.attendance import quorum_for
from teleconsult.meetings.holding import held_things, things_of_house
from teleconsult.meetings.leading import hand_lead
from teleconsult.meetings.listing import OVER
from teleconsult.meetings.material import missing_of
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase
from teleconsult.meetings.planning import DURATIONS, MOST_TIMES, WEEKS, cancel_meeting, change_meeting, plan_meeting
from teleconsult.meetings.queries import (
    awaiting_a_meeting,
    cases_for,
    meeting_for,
    possible_members,
    require_run,
)
from teleconsult.meetings.queries import meetings as meetings_of
from teleconsult.meetings.running import EARLY
from teleconsult.meetings.sitting import may_enter, sits_in
from teleconsult.scheduling.local_times import local_from_moment, next_quarter
from teleconsult.scheduling.models import LOST_APPOINTMENTS
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.administration import read_id
from web.forms.meetings import read_plan, read_times
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.words import options


async def index(request: web.Request) -> web.StreamResponse:
    """Those to come; with `?past=1` those that are over."""
    past = request.query.get("past") == "1"
    found = await meetings_of(db(request), actor_of(request), past=past)
    return render(request, "meetings/index.html.jinja", meetings=found, past=past)


async def show(request: web.Request) -> web.StreamResponse:
    """One meeting: who, where, when, and its list of cases as far as the reader may see them."""
    return await meeting_page(request)


async def meeting_page(
    request: web.Request, *, status: int = 200, errors: Invalid | None = None, values: object = None
) -> web.StreamResponse:
    """The page of a meeting; `errors` and `values` show a refused form again."""
    session, actor = db(request), actor_of(request)
    meeting = await meeting_for(session, actor, id_in(request))
    cases = await cases_for(session, actor, meeting)
    coordinates = actor.role is RoleCode.COORDINATOR
    is_chair = meeting.chair_role_id == actor.role_id
    called = next((case for case in cases if case.status is CaseStatus.CALLED), None)
    waiting = await awaiting_a_meeting(session, actor, meeting) if coordinates and meeting.is_open else []
    return render(
        request,
        "meetings/show.html.jinja",
        status=status,
        errors=errors or {},
        values=values or {},
        meeting=meeting,
        cases=cases,
        standing=STANDING,
        missing=await missing_of(session, cases),
        called=called,
        quorum=await quorum_for(session, meeting, called) if called else None,
        waiting=waiting,
        coordinates=coordinates,
        is_chair=is_chair,
        may_run=meeting.is_open and (coordinates or is_chair),
        may_settle=not meeting.is_cancelled and (coordinates or is_chair),
        may_begin=meeting.is_open and is_chair and meeting.appointment.starts_at <= now() + EARLY,
        may_enter=may_enter(meeting) and sits_in(meeting, actor),
        may_ask={case.id for case in cases if may(case.consult, actor, Verb.ASK_FOR_INFORMATION)},
        state_of=state_of,
        outcome=_outcome,
        people={member.practitioner_role_id: member.role for member in meeting.members},
    )


def _outcome(case: MeetingCase) -> str:
    """What became of a case, as a word of ours: `concluded`, `unsigned`, or where it stands on the list."""
    if case.status in STANDING and state_of(case.consult) in OVER:
        return "concluded"
    if case.status in STANDING and case.appointment.status in LOST_APPOINTMENTS:
        return "removed"
    if case.status is CaseStatus.DISCUSSED:
        return "unsigned" if case.has_quorum else "no-quorum"
    return case.status.value


async def new(request: web.Request) -> web.StreamResponse:
    """The form of a new meeting."""
    return await _form(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Plan a meeting, or a series."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    try:
        service_id, (times, every) = read_id(form, "service"), read_times(form)
        made = await plan_meeting(
            session, actor, service_id=service_id, plan=read_plan(form, actor.time_zone), times=times, every=every
        )
    except Invalid as errors:
        await begin_again(request)
        return await _form(request, errors=errors, values=form)
    flash(request, _("The meeting is planned. Its members get it into their calendars."))
    return to_page(request, "meetings.show", id=made[0].id)


async def plan(request: web.Request) -> web.StreamResponse:
    """The same form, of a meeting that is planned."""
    session, actor = db(request), actor_of(request)
    meeting = await meeting_for(session, actor, id_in(request))
    require_run(meeting, actor)
    return await _form(request, meeting=meeting)


async def change(request: web.Request) -> web.StreamResponse:
    """Plan it otherwise."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    await meeting_for(session, actor, id_in(request))
    try:
        meeting = await change_meeting(session, actor, meeting_id=id_in(request), plan=read_plan(form, actor.time_zone))
    except Invalid as errors:
        await begin_again(request)
        meeting = await meeting_for(db(request), actor, id_in(request))
        return await _form(request, meeting=meeting, errors=errors, values=form)
    flash(request, _("The meeting is changed. Its members are told by their calendars."))
    return to_page(request, "meetings.show", id=meeting.id)


async def cancel(request: web.Request) -> web.StreamResponse:
    """Call it off, with a reason."""
    form = await read_form(request)
    try:
        await cancel_meeting(db(request), actor_of(request), meeting_id=id_in(request), reason=form.get("reason", ""))
    except Invalid as errors:
        await begin_again(request)
        return await meeting_page(request, status=422, errors=errors, values=form)
    flash(request, _("The meeting is cancelled. Its cases go to the next one."))
    return to_page(request, "meetings.index")


async def hand_on(request: web.Request) -> web.StreamResponse:
    """Have another member lead it, before it or in the middle of it."""
    form = await read_form(request)
    try:
        await hand_lead(db(request), actor_of(request), meeting_id=id_in(request), role_id=read_id(form, "chair"))
    except Invalid as errors:
        await begin_again(request)
        return await meeting_page(request, status=422, errors=errors, values=form)
    flash(request, _("Somebody else leads the meeting now."))
    return to_page(request, "meetings.show", id=id_in(request))


async def _form(
    request: web.Request,
    *,
    meeting: Meeting | None = None,
    errors: Invalid | None = None,
    values: Form | None = None,
) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    assert actor.organization_id is not None, "a coordinator has a house"
    usual = values if values is not None else await _usual(request, meeting, actor)
    people = await possible_members(session, actor.organization_id)
    return render(
        request,
        "meetings/plan.html.jinja",
        status=422 if errors else 200,
        errors=errors or {},
        values=usual,
        chosen=lambda name: set(usual.getall(name, [])) if values is not None else set(usual.get(name, ())),
        meeting=meeting,
        people=people,
        specialties=[(code, words) for code, words in options(Specialty) if code in {one.specialty for one in people}],
        services=[one for one in await services_offered(session) if one.organization_id == actor.organization_id],
        things=await things_of_house(session, actor.organization_id),
        durations=DURATIONS,
        most_times=MOST_TIMES,
        weeks=WEEKS,
    )


async def _usual(request: web.Request, meeting: Meeting | None, actor: Actor) -> Any:
    """What the form begins with."""
    if meeting is None:
        starts_at = next_quarter(now() + timedelta(days=1))
        return {"time": local_from_moment(starts_at, actor.time_zone), "minutes": "60", "quorum": "2", "times": "1"}
    turn = meeting.appointment
    things: set[uuid.UUID] = await held_things(db(request), turn.id)
    return {
        "title": meeting.title,
        "time": local_from_moment(turn.starts_at, actor.time_zone),
        "minutes": str(int((turn.ends_at - turn.starts_at).total_seconds() // 60)),
        "place": meeting.place,
        "chair": str(meeting.chair_role_id),
        "members": [str(member.practitioner_role_id) for member in meeting.members],
        "quorum": str(meeting.quorum_members),
        "specialties": list(meeting.quorum_specialties),
        "things": [str(id) for id in things],
    }
