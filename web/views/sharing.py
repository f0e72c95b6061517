"""What a consult shares: who looked at it, and taking it back."""

from aiohttp import web

from teleconsult.consults.queries import consult_for
from teleconsult.excerpts.queries import readings_of
from teleconsult.excerpts.revoking import revoke_excerpt
from web.bodies import Form
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in
from web.views.triage import acted


async def readings(request: web.Request) -> web.StreamResponse:
    """Every look at the excerpt and its images, for who shared them."""
    session, actor, consult_id = db(request), actor_of(request), id_in(request)
    # First the consult: loading it anew would take the readers' establishments from roles it shares with them.
    consult = await consult_for(session, actor, consult_id)
    readings = await readings_of(session, actor, consult_id)
    return render(request, "excerpts/readings.html.jinja", readings=readings, consult=consult)


async def revoke(request: web.Request) -> web.StreamResponse:
    """The requester shares the excerpt no longer, with a reason."""

    async def act(form: Form) -> object:
        return await revoke_excerpt(
            db(request), actor_of(request), consult_id=id_in(request), reason=form.get("reason", "")
        )

    return await acted(request, act, said=_("The excerpt is no longer shared. The other side has been told."))
