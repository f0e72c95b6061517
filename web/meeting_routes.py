"""The addresses of team meetings. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import meeting_cases, meeting_rooms, meetings


def add_meeting_routes(route: Callable[..., object]) -> None:
    """Give the router the meetings, their lists of cases, and their call."""
    route("GET", "/meetings", meetings.index, P.CONSULTS_SEE, name="meetings.index")
    route("POST", "/meetings", meetings.create, P.CONSULT_TRIAGE)
    route("GET", "/meetings/new", meetings.new, P.CONSULT_TRIAGE, name="meetings.new")
    route("GET", "/meetings/{id}", meetings.show, P.CONSULTS_SEE, name="meetings.show")
    route("GET", "/meetings/{id}/plan", meetings.plan, P.CONSULT_TRIAGE, name="meetings.plan")
    route("POST", "/meetings/{id}/plan", meetings.change, P.CONSULT_TRIAGE)
    route("POST", "/meetings/{id}/cancellation", meetings.cancel, P.CONSULT_TRIAGE, name="meetings.cancel")
    route("POST", "/meetings/{id}/lead", meetings.hand_on, P.CONSULT_DISCUSS, name="meetings.hand_on")
    route("POST", "/meetings/{id}/cases", meeting_cases.put_on, P.CONSULT_TRIAGE, name="meetings.put_on")
    case = "/meetings/{id}/cases/{case}"
    route("POST", case, meeting_cases.change, P.CONSULT_DISCUSS, name="meetings.case")
    route("POST", f"{case}/place", meeting_cases.move, P.CONSULT_DISCUSS, name="meetings.move")
    route("POST", f"{case}/removal", meeting_cases.remove, P.CONSULT_DISCUSS, name="meetings.remove")
    route("POST", f"{case}/call", meeting_rooms.call, P.SESSION_JOIN, name="meetings.call")
    route("POST", "/meetings/{id}/next", meeting_rooms.go_on, P.SESSION_JOIN, name="meetings.next")
    route("POST", "/meetings/{id}/presence", meeting_rooms.presence, P.SESSION_JOIN, name="meetings.presence")
    route("POST", "/meetings/{id}/end", meeting_rooms.end, P.SESSION_JOIN, name="meetings.end")
    route("GET", "/meetings/{id}/room", meeting_rooms.enter, P.SESSION_JOIN, name="meetings.room")
    route("GET", "/meetings/{id}/discussed", meeting_rooms.discussed, P.SESSION_JOIN, name="meetings.discussed")
    route("GET", "/meetings/{id}/bar", meeting_rooms.bar, P.SESSION_JOIN, name="meetings.bar")
    route("GET", "/meetings/{id}/now", meeting_rooms.where, P.SESSION_JOIN, name="meetings.now")
