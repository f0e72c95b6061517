"""The live room of a consult: the page around the call. The call itself travels over the socket."""

from aiohttp import web

from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Refused
from teleconsult.excerpts.queries import shared_studies
from web.rendering import render
from web.requests import actor_of, db, id_in
from web.views.excerpts import excerpt_context


async def show(request: web.Request) -> web.StreamResponse:
    """The room, from the booking until the note is signed, for the two who take part in it."""
    session, actor, consult_id = db(request), actor_of(request), id_in(request)
    live = await encounter_for(session, actor, consult_id)
    consult = await consult_for(session, actor, consult_id)
    if not live.is_open:
        return render(request, "rooms/closed.html.jinja", status=Refused.status, consult=consult)
    shown = await excerpt_context(request, consult_id)
    return render(
        request,
        "rooms/show.html.jinja",
        consult=consult,
        live=live,
        other=live.others[0],
        studies=await shared_studies(session, shown["excerpt"]) if shown["excerpt"] else [],
        may_write=may(consult, actor, Verb.WRITE_NOTE),
        **shown,
    )
