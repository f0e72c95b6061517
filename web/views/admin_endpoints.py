"""Where other systems of an establishment are reached."""

from typing import Any

from aiohttp import web

from teleconsult.directory.endpoints import EXAMPLES, add_endpoint, change_endpoint, endpoints_here
from teleconsult.directory.models import ConnectionType, EndpointStatus
from teleconsult.errors import Conflict, Invalid
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_code
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, to_page
from web.words import options


async def index(request: web.Request) -> web.StreamResponse:
    """The endpoints, and the form of a new one."""
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Write one down."""
    form = await read_form(request)
    try:
        await add_endpoint(
            db(request),
            actor_of(request),
            connection_type=read_code(form, "connection_type", ConnectionType),
            name=form.get("name", ""),
            address=form.get("address", ""),
        )
    except (Invalid, Conflict) as error:
        return await _page(request, status=error.status, values=form, errors=error)
    flash(request, _("The system is on the list."))
    return to_page(request, "admin_endpoints.index")


async def change(request: web.Request) -> web.StreamResponse:
    """Suspend it, take it up again, or give it up."""
    status = read_code(await read_form(request), "status", EndpointStatus)
    await change_endpoint(db(request), actor_of(request), endpoint_id=id_in(request), status=status)
    said = {
        EndpointStatus.ACTIVE: _("The system is in use again."),
        EndpointStatus.SUSPENDED: _("The system is suspended: nothing is sent there."),
        EndpointStatus.OFF: _("The system is off the list."),
    }
    flash(request, said[status])
    return to_page(request, "admin_endpoints.index")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    return render(
        request,
        "admin/endpoints.html.jinja",
        status=status,
        endpoints=await endpoints_here(db(request), actor_of(request)),
        kinds=options(ConnectionType),
        examples=EXAMPLES,
        **context,
    )
