"""Which systems of an establishment send images by DICOM."""

import uuid
from typing import Any

from aiohttp import web

from teleconsult.errors import Conflict, Invalid
from teleconsult.imaging.dimse.peers import add_peer, change_reports, peers_here, switch_peer
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import SETTINGS, actor_of, db, id_in, to_page

FIELDS = ("name", "ae_title", "address", "certificate", "report_address")


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


async def reports(request: web.Request) -> web.StreamResponse:
    """Say where one takes reports of storage commitment."""
    typed = (await read_form(request)).get("report_address", "")
    try:
        await change_reports(db(request), actor_of(request), peer_id=id_in(request), report_address=typed)
    except Invalid as error:
        return await _page(request, status=error.status, changed=id_in(request), typed=typed, errors=error)
    flash(request, _("Reports go there from now on.") if typed.strip() else _("Reports go nowhere from now on."))
    return to_page(request, "admin_dicom.index")


async def _page(
    request: web.Request, *, status: int = 200, changed: uuid.UUID | None = None, **context: Any
) -> web.StreamResponse:
    settings = request.app[SETTINGS]
    return render(
        request,
        "admin/dicom.html.jinja",
        status=status,
        changed=changed,
        peers=await peers_here(db(request), actor_of(request)),
        ae_title=settings.dimse_ae_title,
        port=settings.dimse_port,
        wants_certificates=settings.dimse_client_ca is not None,
        **context,
    )
