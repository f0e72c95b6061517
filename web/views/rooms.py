"""The live room of a consult: the page around the call. The call itself travels over the socket."""

from aiohttp import web

from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Refused
from teleconsult.excerpts.choosing import by_kind
from teleconsult.excerpts.queries import excerpt_for, shared_studies
from teleconsult.records.reading import read
from web.rendering import render
from web.requests import actor_of, db, id_in


async def show(request: web.Request) -> web.StreamResponse:
    """The room, from the booking until the note is signed, for the two who take part in it."""
    session, actor, consult_id = db(request), actor_of(request), id_in(request)
    live = await encounter_for(session, actor, consult_id)
    consult = await consult_for(session, actor, consult_id)
    if not live.is_open:
        return render(request, "rooms/closed.html.jinja", status=Refused.status, consult=consult)
    excerpt, studies, excerpt_closed = None, [], None
    try:
        excerpt = await excerpt_for(session, actor, consult_id)
        studies = await shared_studies(session, excerpt)
    except Refused as refusal:
        excerpt_closed = refusal.message
    return render(
        request,
        "rooms/show.html.jinja",
        consult=consult,
        live=live,
        other=live.others[0],
        excerpt=excerpt,
        excerpt_closed=excerpt_closed,
        studies=studies,
        entries=by_kind(excerpt.items) if excerpt else {},
        read=read,
        may_write=may(consult, actor, Verb.WRITE_NOTE),
    )
