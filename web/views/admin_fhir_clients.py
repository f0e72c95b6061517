"""Which systems of an establishment come to the FHIR door by themselves: their keys, and what they may do."""

import uuid
from typing import Any

import orjson
from aiohttp import web

from teleconsult.errors import Conflict, Invalid
from teleconsult.systems.offering import PATH
from teleconsult.systems.registering import add_client, change_client, client_here, clients_here, switch_client
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, settings_of, to_page


async def index(request: web.Request) -> web.StreamResponse:
    """The systems, and the form of a new one."""
    return await _index(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Let one in; its page says what it is to be told."""
    form = await read_form(request)
    try:
        client = await add_client(
            db(request),
            actor_of(request),
            name=form.get("name", ""),
            keys=form.get("keys", ""),
            scope=form.get("scope", ""),
        )
    except (Invalid, Conflict) as error:
        return await _index(request, status=error.status, values=form, errors=error)
    flash(request, _("The system may come in now. Tell it what stands here."))
    return to_page(request, "admin_fhir_clients.show", id=str(client.id))


async def show(request: web.Request) -> web.StreamResponse:
    """One of them: what it has to be told, and the form that changes it."""
    return await _show(request, id_in(request))


async def change(request: web.Request) -> web.StreamResponse:
    """Give it other keys, or allow it something else."""
    form, client_id = await read_form(request), id_in(request)
    try:
        await change_client(
            db(request), actor_of(request), client_id=client_id, keys=form.get("keys", ""), scope=form.get("scope", "")
        )
    except Invalid as error:
        return await _show(request, client_id, status=error.status, values=form, errors=error)
    flash(request, _("The system is changed. A key that is gone opens nothing any more."))
    return to_page(request, "admin_fhir_clients.show", id=str(client_id))


async def switch(request: web.Request) -> web.StreamResponse:
    """Turn one off, or on again."""
    is_on = (await read_form(request)).get("on") == "yes"
    client = await switch_client(db(request), actor_of(request), client_id=id_in(request), is_on=is_on)
    flash(request, _("The system may come in again.") if is_on else _("The system is kept out from now on."))
    return to_page(request, "admin_fhir_clients.show", id=str(client.id))


async def _index(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    clients = await clients_here(db(request), actor_of(request))
    return render(request, "admin/fhir_clients.html.jinja", status=status, clients=clients, **context)


async def _show(request: web.Request, client_id: uuid.UUID, *, status: int = 200, **context: Any) -> web.StreamResponse:
    client = await client_here(db(request), actor_of(request), client_id=client_id)
    base = settings_of(request).base_url
    return render(
        request,
        "admin/fhir_client.html.jinja",
        status=status,
        client=client,
        keys=orjson.dumps({"keys": client.keys}, option=orjson.OPT_INDENT_2).decode(),
        addresses=[("client_id", client.id), (_("Token endpoint"), f"{base}{PATH}"), ("FHIR", f"{base}/fhir")],
        **context,
    )
