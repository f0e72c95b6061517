"""Which systems of an establishment send images by DICOM."""

from typing import Any

from aiohttp import web

from teleconsult.errors import Conflict, Invalid
from teleconsult.imaging.dimse.peers import add_peer, peers_here, switch_peer
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import SETTINGS, actor_of, db, id_in, to_page

FIELDS = ("name", "ae_title", "address", "certificate")


async def index(request: web.Request) -> web.StreamResponse:
    """Who sends, and the form of a new one."""
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Let one send."""
    form = await read_form(request)
    try:
        await add_peer(db(request), actor_of(request), **{name: form.get(name, "") for name in FIELDS})
    except (Invalid, Conflict) as error:
        return await _page(request, status=error.status, values=form, errors=error)
    flash(request, _("The system may send now."))
    return to_page(request, "admin_dicom.index")


async def switch(request: web.Request) -> web.StreamResponse:
    """Turn one off, or on again."""
    is_on = (await read_form(request)).get("on") == "yes"
    await switch_peer(db(request), actor_of(request), peer_id=id_in(request), is_on=is_on)
    flash(request, _("The system may send again.") if is_on else _("Nothing is taken from the system any more."))
    return to_page(request, "admin_dicom.index")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    settings = request.app[SETTINGS]
    return render(
        request,
        "admin/dicom.html.jinja",
        status=status,
        peers=await peers_here(db(request), actor_of(request)),
        ae_title=settings.dimse_ae_title,
        port=settings.dimse_port,
        wants_certificates=settings.dimse_client_ca is not None,
        **context,
    )
