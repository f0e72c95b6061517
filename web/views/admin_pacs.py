"""Which archives of images an establishment searches and fetches from."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.client_certificates import holds_private_key
from teleconsult.db import transaction
from teleconsult.errors import Invalid
from teleconsult.imaging.dimse.peers import peers_here
from teleconsult.imaging.pacs.configuring import (
    PacsForm,
    add_pacs,
    change_pacs,
    pacs_here,
    pacs_of_id,
    pacs_to_test,
    pacs_to_try,
    switch_pacs,
)
from teleconsult.imaging.pacs.faults import PacsFault
from teleconsult.imaging.pacs.models import Pacs, PacsKind
from teleconsult.imaging.pacs.searching import test_pacs
from web.bodies import Form, read_form
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
from web.trials import Trial, trial_page
from web.words import options

FIELDS: Final = ("name", "kind", "address", "ae_title", "calling_title", "authority", "user", "secret", "sender")
SECRETS: Final = ("secret",)
CHOICES: Final = ("tls", "forgets")


async def index(request: web.Request) -> web.StreamResponse:
    """Those that are set up, and the form of a new one."""
    return await _page(request, db(request))


async def create(request: web.Request) -> web.StreamResponse:
    """Have one asked."""
    form = await read_form(request)
    try:
        await add_pacs(db(request), actor_of(request), form=_typed(form), **_own(request))
    except Invalid as error:
        return await _page(request, db(request), status=error.status, values=_shown(form), errors=error)
    flash(request, _("The PACS is set up. Test the connection now."))
    return to_page(request, "admin_pacs.index")


async def show(request: web.Request) -> web.StreamResponse:
    """One of them, to be changed."""
    return await _page(request, db(request), pacs_id=id_in(request))


async def change(request: web.Request) -> web.StreamResponse:
    """Have it asked otherwise."""
    form, pacs_id = await read_form(request), id_in(request)
    try:
        await change_pacs(db(request), actor_of(request), pacs_id=pacs_id, form=_typed(form), **_own(request))
    except Invalid as error:
        return await _page(
            request, db(request), pacs_id=pacs_id, status=error.status, values=_shown(form), errors=error
        )
    flash(request, _("The PACS is asked as it is set now."))
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
    tried = await _ask(request, pacs)
    flash(request, f"{pacs.name}: {tried.words}", tried.tone)
    return to_page(request, "admin_pacs.index")


@own_transactions
async def trial(request: web.Request) -> web.StreamResponse:
    """Ask the one that the form tells of, before it is kept."""
    form, pacs_id = await read_form(request), id_in(request) if "id" in request.match_info else None
    try:
        async with transaction(sessions_of(request), actor_of(request)) as session:
            tried = await pacs_to_try(session, actor_of(request), pacs_id=pacs_id, form=_typed(form), **_own(request))
        answer = await _ask(request, tried)
    except Invalid as error:
        answer = Trial.of_errors(error)
    if page := trial_page(request, answer):
        return page
    async with transaction(sessions_of(request), actor_of(request)) as session:
        return await _page(request, session, pacs_id=pacs_id, values=_shown(form), errors=answer.errors, trial=answer)


async def _ask(request: web.Request, pacs: Pacs) -> Trial:
    try:
        await test_pacs(pacs, settings_of(request))
    except PacsFault as error:
        return Trial("warn", fault_in_words(error.fault))
    return Trial("ok", _("It answers, and can be searched and fetched from."))


def _typed(form: Form) -> PacsForm:
    values = {name: form.get(name, "") for name in FIELDS}
    return PacsForm(**values, uses_tls=form.get("tls") == "yes", forgets=form.get("forgets") == "yes")


def _shown(form: Form) -> dict[str, str]:
    """What was typed, to be typed no second time; of secrets nothing."""
    typed = {name: form.get(name, "") for name in (*FIELDS, *CHOICES) if name not in SECRETS}
    return {name: value for name, value in typed.items() if not holds_private_key(value)}


def _own(request: web.Request) -> dict[str, Any]:
    return {"own_title": settings_of(request).dimse_ae_title, "sealer": sealer_of(request)}


async def _page(
    request: web.Request,
    session: AsyncSession,
    *,
    pacs_id: uuid.UUID | None = None,
    status: int = 200,
    values: Mapping[str, object] | None = None,
    **context: Any,
) -> web.StreamResponse:
    """The page of all, or of one."""
    actor, settings = actor_of(request), settings_of(request)
    about: dict[str, object]
    sender_id = None
    if pacs_id is None:
        template, about = "admin/pacs.html.jinja", {"archives": await pacs_here(session, actor), "values": values or {}}
    else:
        pacs = await pacs_of_id(session, actor, pacs_id=pacs_id)
        sender_id = pacs.dicom_peer_id
        kept = {name: getattr(pacs, name) for name in ("name", "kind", "address", "ae_title", "calling_title")}
        kept |= {"authority": pacs.authority, "sender": sender_id, "tls": "yes" if pacs.uses_tls else ""}
        template, about = "admin/pacs_archive.html.jinja", {"pacs": pacs, "values": kept if values is None else values}
    return render(
        request,
        template,
        status=status,
        kinds=options(PacsKind),
        senders=[
            (peer.id, peer.name)
            for peer in await peers_here(session, actor)
            if peer.disabled_at is None or peer.id == sender_id
        ],
        ae_title=settings.dimse_ae_title,
        port=settings.dimse_port,
        has_certificate=settings.tls_cert is not None,
        **about,
        **context,
    )
