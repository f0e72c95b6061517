"""A guest's way in: the link, the door, the room. Who holds the link may open it, on one device."""

from aiohttp import web

from signaling.verdicts import opening_of
from teleconsult.accounts import SYSTEM
from teleconsult.accounts.limits import Door, count_wrong
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.encounters.colleagues import pass_for_colleague
from teleconsult.encounters.guests import Invitation, actor_for_device, invitation_behind, may_open, open_pass, was_sent
from teleconsult.encounters.link_checks import own_seat
from teleconsult.errors import NotFound, Refused
from teleconsult.meetings.sitting import known_as
from web.cookies import guest_cookie
from web.rendering import render
from web.requests import actor_of, address_of, id_in, own_transactions, sessions_of, settings_of, to_page


@own_transactions
async def invitation(request: web.Request) -> web.StreamResponse:
    """What the link is for. Looking at it does not use it up: programs look at links, too."""
    found = await _found(request)
    if found is None:
        return _refusal(request, NotFound.status)
    if not may_open(found, cookie=_cookie(request)):
        return _refusal(request, Refused.status, elsewhere=True)
    return _private(render(request, "guests/invitation.html.jinja", actor=None, invitation=found))


@own_transactions
async def open_link(request: web.Request) -> web.StreamResponse:
    """Open the link on this device, and on no other from now on."""
    found = await _found(request)
    if found is None:
        return _refusal(request, NotFound.status)
    return await _opened(request, found)


@own_transactions
async def come(request: web.Request) -> web.StreamResponse:
    """Somebody invited comes to the door of a session, signed in, in one press."""
    actor = actor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        token = await pass_for_colleague(session, actor, appointment_id=id_in(request))
    async with transaction(sessions_of(request), SYSTEM) as session:
        found = await invitation_behind(session, token)
    return _refusal(request, NotFound.status) if found is None else await _opened(request, found)


async def _opened(request: web.Request, found: Invitation) -> web.Response:
    try:
        async with transaction(sessions_of(request), SYSTEM) as session:
            cookie = await open_pass(session, found, cookie=_cookie(request))
    except Refused:
        return _refusal(request, Refused.status, elsewhere=True)
    settings = settings_of(request)
    response = to_page(request, "guests.room")
    response.set_cookie(
        guest_cookie(secure=settings.is_secure),
        cookie,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.is_secure,
        max_age=max(0, int((found.kept.expires_at - now()).total_seconds())),
    )
    return response


@own_transactions
async def room(request: web.Request) -> web.StreamResponse:
    """The call, for a guest: no name of a patient, no papers, no images."""
    async with transaction(sessions_of(request), SYSTEM) as session:
        found = await actor_for_device(session, _cookie(request))
        main = await known_as(session, found[1].inviter_seat) if found else None
    if found is None:
        return _refusal(request, NotFound.status)
    guest, held = found
    async with transaction(sessions_of(request), guest) as session:
        seat = await own_seat(session, guest, held.consult_id)
        opening = await opening_of(session, seat.participant_id)
    page = render(
        request,
        "guests/room.html.jinja",
        actor=None,
        is_guest=True,
        guest=guest,
        consult_id=held.consult_id,
        other=held.inviter,
        main=main,
        opening=opening,
        telephones=(),
    )
    return _private(page)


async def _found(request: web.Request) -> Invitation | None:
    """What the link in the path invites to. Links that never were are counted: TooMany after 50 of them."""
    async with transaction(sessions_of(request), SYSTEM) as session:
        token = request.match_info["token"]
        found = await invitation_behind(session, token)
        is_guess = found is None and not await was_sent(session, token)
    if is_guess:
        await count_wrong(sessions_of(request), settings_of(request), door=Door.GUEST, address=address_of(request))
    return found


def _refusal(request: web.Request, status: int, *, elsewhere: bool = False) -> web.Response:
    return _private(render(request, "guests/over.html.jinja", status=status, actor=None, elsewhere=elsewhere))


def _private(response: web.Response) -> web.Response:
    """The address is a key: it stays in no cache. (That it goes to no other site is every page's rule.)"""
    response.headers["Cache-Control"] = "no-store"
    return response


def _cookie(request: web.Request) -> str:
    return request.cookies.get(guest_cookie(secure=settings_of(request).is_secure), "")
