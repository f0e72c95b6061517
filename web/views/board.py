"""The coordinator's board: what is asked of their establishment, by state, and one act on many requests."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from teleconsult.clock import now
from teleconsult.consults.models import RequestPriority, ServiceRequest
from teleconsult.consults.promises import promise_of
from teleconsult.consults.redirecting import specialists_of_house
from teleconsult.consults.sorting import sort_requests
from teleconsult.consults.states import WAITING, WITH_SESSION, ConsultState, state_of
from teleconsult.consults.worklists import coordinator_board, houses_on_board
from teleconsult.directory.queries import services_offered
from teleconsult.encounters.link_checks import checks_of
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.flash import flash
from web.forms.board import read_asked, read_board, read_ids, read_sort
from web.i18n import gettext as _
from web.i18n import ngettext
from web.requests import actor_of, db, see_other
from web.words import options

COLUMNS: Final[dict[str, tuple[ConsultState, ...]]] = {
    "new": (*WAITING, ConsultState.NO_SHOW),
    "awaiting-info": (ConsultState.AWAITING_INFO,),
    "to-schedule": (ConsultState.ACCEPTED,),
    "scheduled": (ConsultState.SCHEDULED, ConsultState.ARRIVED),
    "in-session": (ConsultState.IN_SESSION,),
    "note-awaited": (ConsultState.ADVISING, ConsultState.UNSIGNED, ConsultState.SIGNED),
}
"""The columns, and the states each holds. Emergencies stand above them."""
MOST_IN_COLUMN: Final = 60
"""Cards shown; the rest is counted, and found by a filter."""


async def board_context(request: web.Request) -> dict[str, Any]:
    """All that the board's page needs, in a constant number of queries."""
    session, actor = db(request), actor_of(request)
    asked = read_asked(request.query)
    consults = await coordinator_board(session, actor, asked=asked)
    columns = {column: _in(consults, states) for column, states in COLUMNS.items()}
    meeting = [one.id for one in consults if state_of(one) in WITH_SESSION]
    services = await services_offered(session)
    moment = now()
    return {
        "asked": asked,
        "columns": {column: found[:MOST_IN_COLUMN] for column, found in columns.items()},
        "counts": {column: len(found) for column, found in columns.items()},
        "promise_of": lambda consult: promise_of(consult, at=moment),
        "checks": await checks_of(session, actor, meeting),
        "services": services,
        "own_services": [service for service in services if service.organization_id == actor.organization_id],
        "houses": await houses_on_board(session, actor),
        "specialists": await specialists_of_house(session, actor),
        "priorities": options(RequestPriority),
        "query": request.query_string,
    }


async def act(request: web.Request) -> web.StreamResponse:
    """Receive, assign or redirect all that are ticked."""
    form = await read_form(request)
    try:
        done = await sort_requests(db(request), actor_of(request), consult_ids=read_ids(form), **read_sort(form))
    except Invalid as errors:
        flash(request, " ".join(_(message) for message in errors.fields.values()), tone="danger")
        return see_other(read_board(request, form))
    flash(request, ngettext("Done for one request.", "Done for %(num)s requests.", done.done))
    if done.left:
        flash(
            request,
            ngettext(
                "One was left as it is: its state no longer allowed it.", "%(num)s were left as they are.", done.left
            ),
            tone="warn",
        )
    return see_other(read_board(request, form))


def _in(consults: Sequence[ServiceRequest], states: tuple[ConsultState, ...]) -> list[ServiceRequest]:
    return [consult for consult in consults if state_of(consult) in states]
