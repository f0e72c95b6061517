"""A meeting as it is held: everybody goes to the room of the case that is called."""

from typing import Any

from aiohttp import web

from teleconsult.directory.models import Specialty
from teleconsult.meetings.attendance import quorum_for
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase
from teleconsult.meetings.queries import case_called, case_in, cases_for, meeting_for
from teleconsult.meetings.quorum import Quorum
from teleconsult.meetings.running import call_case, end_meeting, next_case, note_presence
from teleconsult.scheduling.models import LOST_APPOINTMENTS
from web.bodies import read_form
from web.flash import flash
from web.forms.consults import read_choice
from web.forms.meetings import read_people
from web.i18n import gettext as _
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, db, id_in, to_page
from web.words import label


async def call(request: web.Request) -> web.StreamResponse:
    """The chair has this case discussed now, and goes there."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    case = await case_in(db(request), meeting, id_in(request, "case"))
    await call_case(db(request), actor_of(request), meeting_id=meeting.id, case_id=case.id)
    return to_page(request, "rooms.show", id=case.service_request_id)


async def go_on(request: web.Request) -> web.StreamResponse:
    """The chair goes on to the next case; after the last one back to the list."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    after = read_choice(await read_form(request), "after")
    case = await next_case(db(request), actor_of(request), meeting_id=meeting.id, after=after)
    if case is not None:
        return to_page(request, "rooms.show", id=case.service_request_id)
    flash(request, _("All cases of the list were discussed."))
    return to_page(request, "meetings.show", id=id_in(request))


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
    """To the room of the case that is discussed now; to the list where none is."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    case = await case_called(db(request), meeting)
    if case is None:
        return to_page(request, "meetings.show", id=meeting.id)
    return to_page(request, "rooms.show", id=case.service_request_id)


async def bar(request: web.Request) -> web.StreamResponse:
    """What stands above the call: which case, who of the members is there, and what the chair may do."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    return render(request, "meetings/_bar.html.jinja", **await bar_context(request, meeting))


async def where(request: web.Request) -> web.StreamResponse:
    """Where the meeting is, for the pages of those who sit in it (JSON): `{"go": path or null, "quorum": words}`."""
    meeting = await meeting_for(db(request), actor_of(request), id_in(request))
    case = await case_called(db(request), meeting)
    go: str | None = None
    if case is not None:
        go = str(request.app.router["rooms.show"].url_for(id=str(case.service_request_id)))
    elif not meeting.is_open:
        go = str(request.app.router["meetings.show"].url_for(id=str(meeting.id)))
    words = quorum_words(await quorum_for(db(request), meeting, case)) if case else ""
    return web.json_response({"go": go, "quorum": words}, headers={"Cache-Control": "no-store"})


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
