"""A meeting as it is held: one call for all of its cases, and around it the papers of the one that is discussed."""

import uuid
from typing import Any, Final

from aiohttp import web

from signaling.ladder import OPENING
from signaling.verdicts import opening_of
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.directory.models import Specialty
from teleconsult.encounters.guests import guests_of
from teleconsult.encounters.models import GuestKind
from teleconsult.encounters.queries import LiveSession, encounter_for
from teleconsult.errors import NotFound, Refused
from teleconsult.imaging.queries import studies_of_consult
from teleconsult.meetings.attendance import quorum_for
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase, MeetingMember
from teleconsult.meetings.queries import case_called, case_in, cases_for, meeting_for
from teleconsult.meetings.quorum import Quorum
from teleconsult.meetings.running import call_case, end_meeting, next_case, note_presence
from teleconsult.meetings.sitting import may_enter, place_at, sits_in
from teleconsult.scheduling.models import LOST_APPOINTMENTS
from web.bodies import read_form
from web.flash import flash
from web.forms.consults import read_choice
from web.forms.meetings import read_people
from web.i18n import gettext as _
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, db, frame_of, id_in, to_page
from web.views.excerpts import excerpt_context
from web.words import label, options

ANY: Final = uuid.UUID(int=0)
"""Stands in an address for the consult that will be discussed."""


async def call(request: web.Request) -> web.StreamResponse:
    """The chair has this case discussed now."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    case = await case_in(db(request), meeting, id_in(request, "case"))
    await call_case(db(request), actor_of(request), meeting_id=meeting.id, case_id=case.id)
    return _back(request)


async def go_on(request: web.Request) -> web.StreamResponse:
    """The chair goes on to the next case; after the last one back to the list."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    after = read_choice(await read_form(request), "after")
    case = await next_case(db(request), actor_of(request), meeting_id=meeting.id, after=after)
    if case is None and not frame_of(request):
        flash(request, _("All cases of the list were discussed."))
        return to_page(request, "meetings.show", id=id_in(request))
    return _back(request)


async def presence(request: web.Request) -> web.StreamResponse:
    """The chair has seen these members in the house."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    there = frozenset(read_people(await read_form(request), "members"))
    await note_presence(db(request), actor_of(request), meeting_id=meeting.id, role_ids=there)
    return to_page(request, "meetings.bar", id=meeting.id)


async def end(request: web.Request) -> web.StreamResponse:
    """The meeting is over."""
    meeting = await end_meeting(db(request), actor_of(request), meeting_id=id_in(request))
    flash(request, _("The meeting is over. What was not reached goes to the next one."))
    return to_page(request, "meetings.show", id=meeting.id)


async def enter(request: web.Request) -> web.StreamResponse:
    """The call, for the members; back to the list before its time and once it is over."""
    session, actor = db(request), actor_of(request)
    try:
        meeting = await place_at(session, actor, id_in(request))
    except Refused:
        return to_page(request, "meetings.show", id=id_in(request))
    main = _opposite(meeting, actor.role_id)
    discussed = await _discussed(request, meeting)
    live: LiveSession | None = discussed["live"]
    return render(
        request,
        "meetings/room.html.jinja",
        main=main.id,
        other=main.role.practitioner.name,
        opening=OPENING if live is None else await opening_of(session, live.mine.participant.id),
        any_consult=ANY,
        is_guest=False,
        may_ask_for_writing=False,
        telephones=(),
        **discussed,
        **await bar_context(request, meeting),
    )


async def discussed(request: web.Request) -> web.StreamResponse:
    """The case that is discussed now, for a page that is in the call already: its line and its papers."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    return render(request, "meetings/_discussed.html.jinja", **await _discussed(request, meeting))


async def bar(request: web.Request) -> web.StreamResponse:
    """What stands above the call: which case, who of the members is there, and what the chair may do."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    return render(request, "meetings/_bar.html.jinja", **await bar_context(request, meeting))


async def where(request: web.Request) -> web.StreamResponse:
    """How the meeting stands, for its pages (JSON): `{"open": its call can be entered, "quorum": words}`."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    case = await case_called(db(request), meeting)
    words = quorum_words(await quorum_for(db(request), meeting, case)) if case else ""
    is_open = may_enter(meeting) and sits_in(meeting, actor_of(request))
    return web.json_response({"open": is_open, "quorum": words}, headers={"Cache-Control": "no-store"})


async def bar_context(request: web.Request, meeting: Meeting) -> dict[str, Any]:
    """What the bar shows."""
    cases = [
        case
        for case in await cases_for(db(request), actor_of(request), meeting)
        if case.status in STANDING and case.appointment.status not in LOST_APPOINTMENTS
    ]
    called = next((case for case in cases if case.status is CaseStatus.CALLED), None)
    return {
        "meeting": meeting,
        "meeting_cases": cases,
        "called": called,
        "place_on_list": _place(cases, called),
        "is_last": all(case.status is not CaseStatus.LISTED for case in cases),
        "quorum_words": quorum_words(await quorum_for(db(request), meeting, called)) if called else "",
        "is_chair": meeting.chair_role_id == actor_of(request).role_id,
    }


def quorum_words(quorum: Quorum) -> str:
    """Whether enough members are there, said plainly."""
    names = ", ".join(one.name for one in quorum.present) or _("nobody yet")
    if quorum.is_reached:
        return _("Quorum reached: %(names)s", names=names)
    wanting = []
    if quorum.wanting:
        wanting.append(ngettext("one more member", "%(num)s more members", quorum.wanting))
    wanting += [label(Specialty(code)) for code in quorum.missing]
    return _("No quorum: %(wanting)s wanted. Present: %(names)s", wanting=", ".join(wanting), names=names)


def _place(cases: list[MeetingCase], called: MeetingCase | None) -> int:
    return cases.index(called) + 1 if called else 0


async def _discussed(request: web.Request, meeting: Meeting) -> dict[str, Any]:
    """The case that is called, as far as the reader may see it on its own consult; `consult_id` is None without one."""
    nothing = {"board": meeting, "consult_id": None, "live": None, "studies": (), "may_write": False}
    session, actor = db(request), actor_of(request)
    case = await case_called(session, meeting) if meeting.is_open else None
    if case is None:
        return nothing
    consult_id = case.service_request_id
    try:
        live = await encounter_for(session, actor, consult_id)
        guests = await guests_of(session, actor, consult_id)
        consult = await consult_for(session, actor, consult_id)
    except NotFound:
        return nothing
    return {
        "board": meeting,
        "consult_id": consult_id,
        "consult": consult,
        "live": live,
        "guests": guests,
        "kinds": options(GuestKind),
        "studies": [card.study for card in await studies_of_consult(session, actor, consult)],
        "emergency": None,
        "may_write": may(consult, actor, Verb.WRITE_NOTE),
        **await excerpt_context(request, consult_id, again=bool(frame_of(request))),
    }


def _opposite(meeting: Meeting, role_id: uuid.UUID | None) -> MeetingMember:
    """Who has the large picture, from the first case to the last: who leads, for them the first of the others."""
    others = [one for one in meeting.members if one.practitioner_role_id != role_id]
    return next((one for one in others if one.practitioner_role_id == meeting.chair_role_id), others[0])


def _back(request: web.Request) -> web.Response:
    """In the call its bar alone is fetched again."""
    return to_page(request, "meetings.bar" if frame_of(request) else "meetings.room", id=id_in(request))
