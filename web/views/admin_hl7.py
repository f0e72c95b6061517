"""Which systems of an establishment send HL7 v2, and what of it a person has to look at."""

from typing import Any

from aiohttp import web

from teleconsult.errors import Conflict, Invalid
from teleconsult.hl7v2.opening import open_message, text_of
from teleconsult.hl7v2.senders import add_sender, mark_seen, messages_to_look_at, senders_here, switch_sender
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import SETTINGS, actor_of, db, id_in, to_page


async def index(request: web.Request) -> web.StreamResponse:
    """Who sends, what went wrong, and the form of a new one."""
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Let one send."""
    form = await read_form(request)
    try:
        await add_sender(
            db(request),
            actor_of(request),
            name=form.get("name", ""),
            facility=form.get("facility", ""),
            certificate=form.get("certificate", ""),
        )
    except (Invalid, Conflict) as error:
        return await _page(request, status=error.status, values=form, errors=error)
    flash(request, _("The system may send now."))
    return to_page(request, "admin_hl7.index")


async def switch(request: web.Request) -> web.StreamResponse:
    """Turn one off, or on again."""
    is_on = (await read_form(request)).get("on") == "yes"
    await switch_sender(db(request), actor_of(request), sender_id=id_in(request), is_on=is_on)
    flash(request, _("The system may send again.") if is_on else _("Nothing is taken from the system any more."))
    return to_page(request, "admin_hl7.index")


async def show(request: web.Request) -> web.StreamResponse:
    """One message as it came, and what was wrong with it."""
    message = await open_message(db(request), actor_of(request), message_id=id_in(request))
    return render(request, "admin/hl7_message.html.jinja", message=message, text=text_of(message.content))


async def seen(request: web.Request) -> web.StreamResponse:
    """Take a message off the list of those to look at."""
    await mark_seen(db(request), actor_of(request), message_id=id_in(request))
    return to_page(request, "admin_hl7.index")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    return render(
        request,
        "admin/hl7.html.jinja",
        status=status,
        senders=await senders_here(session, actor),
        messages=await messages_to_look_at(session, actor),
        mllp_port=request.app[SETTINGS].mllp_port,
        **context,
    )
