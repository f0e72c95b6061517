"""Who comes to a session's own addresses: the two whose it is by the consult, a guest by the device of their link."""

import uuid

from aiohttp import web

from teleconsult.accounts import SYSTEM, Actor
from teleconsult.db import transaction
from teleconsult.encounters.guests import actor_for_device
from teleconsult.errors import NotFound
from web.cookies import guest_cookie
from web.requests import actor_of, id_in, sessions_of, settings_of


async def visitor_of(request: web.Request) -> tuple[Actor, uuid.UUID]:
    """Who asks, and of which consult. Raises NotFound where a guest's link is over."""
    if "id" in request.match_info:
        return actor_of(request), id_in(request)
    cookie = request.cookies.get(guest_cookie(secure=settings_of(request).is_secure), "")
    async with transaction(sessions_of(request), SYSTEM) as session:
        found = await actor_for_device(session, cookie)
    if found is None:
        raise NotFound
    guest, invitation = found
    return guest, invitation.consult_id
