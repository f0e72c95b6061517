"""Camera, sound and link, tried before a session: the page, what it measures against, and what it found.

The two whose session it is reach it by the consult, a guest by the link they opened on their device.
"""

from typing import Final

from aiohttp import web

from signaling.ice import ice_servers
from signaling.media.probe import BadOffer, Full
from signaling.verdicts import opening_rung, verdict_on
from signaling.wire import to_wire
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.encounters.link_checks import keep_link_check, newest_check, own_seat
from teleconsult.encounters.link_models import Way
from teleconsult.errors import Invalid, NotFound, Unavailable
from web.bodies import read_json
from web.forms.link_checks import read_check
from web.link_probes import PROBES, spend, stream
from web.rendering import render
from web.requests import frame_of, own_transactions, sessions_of, settings_of
from web.visitors import visitor_of

VERDICT: Final = "link-verdict"
"""The frame that says what the newest check found."""
NO_STORE: Final = {"Cache-Control": "no-store"}


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """The page, from the booking until the room closes; for a frame of it, what the newest check found."""
    try:
        actor, consult_id = await visitor_of(request)
    except NotFound:
        if "id" in request.match_info:
            raise
        return render(request, "guests/over.html.jinja", status=NotFound.status, actor=None, elsewhere=False)
    async with transaction(sessions_of(request), actor) as session:
        seat = await own_seat(session, actor, consult_id)
        check = await newest_check(session, seat.participant_id)
    is_guest = actor.guest_pass_id is not None
    page = render(
        request,
        "link_checks/_verdict.html.jinja" if frame_of(request) == VERDICT else "link_checks/show.html.jinja",
        check=check,
        seat=seat,
        consult_id=consult_id,
        is_guest=is_guest,
        works=[Way(way) for way in check.ways] if check else [],
        blocked=[Way(way) for way in check.blocked_ways] if check else [],
        actor=None if is_guest else actor,
    )
    page.headers.update(NO_STORE)
    return page


@own_transactions
async def servers(request: web.Request) -> web.StreamResponse:
    """The relays to try, with credentials that end by themselves."""
    actor, consult_id = await visitor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        seat = await own_seat(session, actor, consult_id)
    found = ice_servers(settings_of(request), participant=seat.participant_id, at=now())
    return web.json_response({"servers": to_wire(found)}, headers=NO_STORE)


@own_transactions
async def probe(request: web.Request) -> web.StreamResponse:
    """Our answer to an offer of media (RFC 3264): the other end of the measurement."""
    actor, consult_id = await visitor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        seat = await own_seat(session, actor, consult_id)
    offer = (await read_json(request)).get("sdp")
    if not isinstance(offer, str):
        raise _bad_offer()
    spend(request.app, seat.participant_id)
    try:
        answer = await request.app[PROBES].answer(offer, whose=seat.participant_id)
    except BadOffer as error:
        raise _bad_offer() from error
    except Full as error:
        raise Unavailable("Too many checks at once. Try again in a minute.") from error
    return web.json_response({"sdp": answer}, headers=NO_STORE)


@own_transactions
async def download(request: web.Request) -> web.StreamResponse:
    """Bytes for three seconds, to see how fast they arrive."""
    actor, consult_id = await visitor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        seat = await own_seat(session, actor, consult_id)
    spend(request.app, seat.participant_id)
    return await stream(request)


@own_transactions
async def keep(request: web.Request) -> web.StreamResponse:
    """Keep what was found; says what it means."""
    actor, consult_id = await visitor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        await own_seat(session, actor, consult_id)
    figures, devices = read_check(await read_json(request))
    async with transaction(sessions_of(request), actor) as session:
        check = await keep_link_check(
            session, actor, consult_id=consult_id, figures=figures, devices=devices, verdict=verdict_on(figures)
        )
    return web.json_response({"verdict": check.verdict, "rung": opening_rung(check)}, status=201, headers=NO_STORE)


def _bad_offer() -> Invalid:
    return Invalid({"sdp": "This browser cannot be measured. Use a current Chrome, Edge, Firefox or Safari."})
