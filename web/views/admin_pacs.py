"""Which archives of images an establishment searches and fetches from."""

from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import Invalid
from teleconsult.imaging.dimse.peers import peers_here
from teleconsult.imaging.pacs.configuring import PacsForm, add_pacs, pacs_here, pacs_to_test, switch_pacs
from teleconsult.imaging.pacs.faults import PacsFault
from teleconsult.imaging.pacs.models import PacsKind
from teleconsult.imaging.pacs.searching import test_pacs
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.pacs_words import fault_in_words
from web.rendering import render
from web.requests import (
    actor_of,
    db,
    id_in,
    own_transactions,
    sealer_of,
    sessions_of,
    settings_of,
    to_page,
)
from web.words import options

FIELDS: Final = ("name", "kind", "address", "ae_title", "calling_title", "authority", "user", "secret", "sender")
SECRETS: Final = ("secret",)


async def index(request: web.Request) -> web.StreamResponse:
    """Those that are set up, and the form of a new one."""
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Have one asked."""
    form = await read_form(request)
    values = {name: form.get(name, "") for name in FIELDS}
    typed = PacsForm(**values, uses_tls=form.get("tls") == "yes")
    try:
        await add_pacs(
            db(request),
            actor_of(request),
            form=typed,
            own_title=settings_of(request).dimse_ae_title,
            sealer=sealer_of(request),
        )
    except Invalid as error:
        shown = {**{name: value for name, value in values.items() if name not in SECRETS}, "tls": form.get("tls", "")}
        return await _page(request, status=error.status, values=shown, errors=error)
    flash(request, _("The PACS is set up. Test the connection now."))
    return to_page(request, "admin_pacs.index")


async def switch(request: web.Request) -> web.StreamResponse:
    """Turn one off, or on again."""
    is_on = (await read_form(request)).get("on") == "yes"
    await switch_pacs(db(request), actor_of(request), pacs_id=id_in(request), is_on=is_on)
    flash(request, _("The PACS is asked again.") if is_on else _("The PACS is asked no more."))
    return to_page(request, "admin_pacs.index")


@own_transactions
async def test(request: web.Request) -> web.StreamResponse:
    """Ask it whether it is there, and say what is wrong."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        pacs = await pacs_to_test(session, actor_of(request), pacs_id=id_in(request))
    try:
        await test_pacs(pacs, settings_of(request))
        flash(request, _("%(name)s answers, and can be searched and fetched from.", name=pacs.name))
    except PacsFault as error:
        flash(request, f"{pacs.name}: {fault_in_words(error.fault)}", "warn")
    return to_page(request, "admin_pacs.index")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor, settings = db(request), actor_of(request), settings_of(request)
    return render(
        request,
        "admin/pacs.html.jinja",
        status=status,
        archives=await pacs_here(session, actor),
        kinds=options(PacsKind),
        senders=[(peer.id, peer.name) for peer in await peers_here(session, actor) if peer.disabled_at is None],
        ae_title=settings.dimse_ae_title,
        port=settings.dimse_port,
        **context,
    )
