"""The addresses of times, hours and calendars. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.requests import ANYONE
from web.views import agenda, feeds, hours, joining, times


def add_agenda_routes(route: Callable[..., object]) -> None:
    """Give the router the agenda, how a time is found, when people can be had, and the feeds of calendar programs."""
    route("GET", "/agenda", agenda.show, P.AGENDA, name="agenda.show")
    route("POST", "/agenda/invitations/{id}", joining.come, P.AGENDA, name="agenda.come")
    route("GET", "/agenda/calendar", feeds.show, P.AGENDA, name="feeds.show")
    route("POST", "/agenda/calendar", feeds.renew, P.AGENDA)
    route("POST", "/agenda/calendar/end", feeds.end, P.AGENDA, name="feeds.end")
    for method in ("GET", "HEAD"):
        route(method, "/calendars/{token}", feeds.read, ANYONE, name="feeds.read" if method == "GET" else None)
    route("GET", "/consults/{id}/times", times.show, P.CONSULT_TRIAGE, name="consults.times")
    route("POST", "/consults/{id}/times", times.settle, P.CONSULT_TRIAGE)
    route("POST", "/consults/{id}/time-cancellation", times.cancel, P.CONSULT_DISCUSS, name="consults.cancel_time")
    route("POST", "/consults/{id}/wait-list", times.wait, P.CONSULT_TRIAGE, name="consults.wait")
    route("GET", "/hours", hours.index, P.HOURS, name="hours.index")
    route("POST", "/hours", hours.add_thing, P.ROSTER)
    route("GET", "/hours/{id}", hours.show, P.HOURS, name="hours.show")
    route("POST", "/hours/{id}", hours.change, P.HOURS)
    route("POST", "/hours/{id}/rules", hours.add, P.HOURS, name="hours.add")
    route("POST", "/hours/{id}/rules/{entry}/removal", hours.remove, P.HOURS, name="hours.remove")
    route("POST", "/hours/{id}/exceptions", hours.add_exception, P.HOURS, name="hours.add_exception")
    route("POST", "/hours/{id}/exceptions/{entry}/removal", hours.remove_exception, P.HOURS, name="hours.resume")
    route("POST", "/hours/{id}/retirement", hours.retire, P.ROSTER, name="hours.retire")
