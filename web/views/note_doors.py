"""How a system of the establishment's takes signed notes."""

from typing import Any

from aiohttp import web

from teleconsult.directory.note_doors import NoteDoor, note_endpoint, set_note_door
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, sealer_of, to_page


async def show(request: web.Request) -> web.StreamResponse:
    """The form."""
    return await _page(request)


async def change(request: web.Request) -> web.StreamResponse:
    """Set it."""
    endpoint = await note_endpoint(db(request), actor_of(request), endpoint_id=id_in(request))
    form = await read_form(request)
    door = NoteDoor(
        receives_notes=form.get("receives_notes") == "on",
        uses_tls=form.get("uses_tls") == "on",
        authority=form.get("authority", ""),
        message=form.get("message", "mdm"),
        application=form.get("application", ""),
        facility=form.get("facility", ""),
        token=form.get("token", ""),
        forgets=form.get("forgets") == "on",
    )
    try:
        await set_note_door(
            db(request), actor_of(request), endpoint_id=endpoint.id, door=door, sealer=sealer_of(request)
        )
    except Invalid as error:
        return await _page(request, status=error.status, values=form, errors=error)
    said = _("Signed notes go to this system from now on.")
    flash(request, said if door.receives_notes else _("No more signed notes go to this system."))
    return to_page(request, "admin_endpoints.index")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    endpoint = await note_endpoint(db(request), actor_of(request), endpoint_id=id_in(request))
    kept = {name: getattr(endpoint, name) for name in ("authority", "message", "application", "facility")}
    return render(
        request,
        "admin/note_door.html.jinja",
        status=status,
        endpoint=endpoint,
        messages=[("mdm", _("MDM: a document (usual)")), ("oru", _("ORU: a result"))],
        **({"values": kept} | context),
    )
