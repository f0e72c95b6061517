"""The address at which a calendar program reads somebody's sessions."""

import hashlib

from aiohttp import web

from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import act_as
from teleconsult.scheduling.feeds import end_feed, own_feed, read_feed, renew_feed
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, settings_of, to_page


async def show(request: web.Request) -> web.StreamResponse:
    """Whether one has such an address, and how to get another."""
    return await _page(request)


async def renew(request: web.Request) -> web.StreamResponse:
    """Another address; it is shown this once."""
    token = await renew_feed(db(request), actor_of(request))
    path = request.app.router["feeds.read"].url_for(token=f"{token}.ics")
    return await _page(request, address=f"{settings_of(request).base_url}{path}")


async def end(request: web.Request) -> web.StreamResponse:
    """No address any more."""
    await end_feed(db(request), actor_of(request))
    flash(request, _("The address shows nothing any more."))
    return to_page(request, "feeds.show")


async def read(request: web.Request) -> web.StreamResponse:
    """The sessions, for whoever has the address; nothing anew where they are the same (RFC 9110 §13.1.2)."""
    await act_as(db(request), SYSTEM)  # a calendar program does not sign in: the address is the key
    token = request.match_info["token"].removesuffix(".ics")
    body = await read_feed(db(request), settings_of(request), token)
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    asked = request.if_none_match or ()
    if any(known.value in (tag, "*") for known in asked):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)


async def _page(request: web.Request, *, address: str | None = None) -> web.StreamResponse:
    kept = await own_feed(db(request), actor_of(request))
    return render(request, "agenda/calendar.html.jinja", kept=kept, address=address)
