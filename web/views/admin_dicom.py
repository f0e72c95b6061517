"""Which systems of an establishment send images by DICOM."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.client_certificates import holds_private_key
from teleconsult.db import transaction
from teleconsult.errors import Conflict, Invalid
from teleconsult.imaging.commitment.lines import try_reports
from teleconsult.imaging.dimse.peers import (
    PeerForm,
    add_peer,
    change_peer,
    peer_of_id,
    peer_to_try,
    peers_here,
    switch_peer,
)
from teleconsult.imaging.pacs.faults import PacsFault
from web.bodies import Form, read_form
from web.flash import flash
from web.i18n import gettext as _
from web.pacs_words import fault_in_words
from web.rendering import render
from web.requests import actor_of, db, id_in, own_transactions, sessions_of, settings_of, to_page
from web.trials import Trial, trial_page

FIELDS: Final = ("name", "ae_title", "address", "certificate", "report_address", "report_authority")


async def index(request: web.Request) -> web.StreamResponse:
    """Who sends, and the form of a new one."""
    return await _page(request, db(request))


async def create(request: web.Request) -> web.StreamResponse:
    """Let one send."""
    form = await read_form(request)
    try:
        await add_peer(db(request), actor_of(request), form=_typed(form))
    except (Invalid, Conflict) as error:
        return await _page(request, db(request), status=error.status, values=_shown(form), errors=error)
    flash(request, _("The system may send now."))
    return to_page(request, "admin_dicom.index")


async def show(request: web.Request) -> web.StreamResponse:
    """One of them, to be changed."""
    return await _page(request, db(request), peer_id=id_in(request))


async def change(request: web.Request) -> web.StreamResponse:
    """Know it otherwise from now on."""
    form, peer_id = await read_form(request), id_in(request)
    try:
        await change_peer(db(request), actor_of(request), peer_id=peer_id, form=_typed(form))
    except (Invalid, Conflict) as error:
        return await _page(
            request, db(request), peer_id=peer_id, status=error.status, values=_shown(form), errors=error
        )
    flash(request, _("The system is known as it is set now."))
    return to_page(request, "admin_dicom.index")


async def switch(request: web.Request) -> web.StreamResponse:
    """Turn one off, or on again."""
    is_on = (await read_form(request)).get("on") == "yes"
    await switch_peer(db(request), actor_of(request), peer_id=id_in(request), is_on=is_on)
    flash(request, _("The system may send again.") if is_on else _("Nothing is taken from the system any more."))
    return to_page(request, "admin_dicom.index")


@own_transactions
async def trial(request: web.Request) -> web.StreamResponse:
    """Call the one that the form tells of, where it takes reports."""
    form, peer_id = await read_form(request), id_in(request) if "id" in request.match_info else None
    try:
        async with transaction(sessions_of(request), actor_of(request)) as session:
            tried = await peer_to_try(session, actor_of(request), peer_id=peer_id, form=_typed(form))
        await try_reports(tried, settings_of(request))
        answer = Trial("ok", _("It answers, and takes reports."))
    except Invalid as error:
        answer = Trial.of_errors(error)
    except PacsFault as error:
        answer = Trial("warn", fault_in_words(error.fault))
    if page := trial_page(request, answer):
        return page
    async with transaction(sessions_of(request), actor_of(request)) as session:
        return await _page(request, session, peer_id=peer_id, values=_shown(form), errors=answer.errors, trial=answer)


def _typed(form: Form) -> PeerForm:
    values = {name: form.get(name, "") for name in FIELDS}
    return PeerForm(**values, reports_by_tls=form.get("tls") == "yes", forgets=form.get("forgets") == "yes")


def _shown(form: Form) -> dict[str, str]:
    """What was typed, to be typed no second time; of private keys nothing."""
    return {name: value for name, value in form.items() if not holds_private_key(value)}


async def _page(
    request: web.Request,
    session: AsyncSession,
    *,
    peer_id: uuid.UUID | None = None,
    status: int = 200,
    values: Mapping[str, object] | None = None,
    **context: Any,
) -> web.StreamResponse:
    """The page of all, or of one."""
    actor, settings = actor_of(request), settings_of(request)
    about: dict[str, object]
    if peer_id is None:
        template, about = "admin/dicom.html.jinja", {"peers": await peers_here(session, actor), "values": values or {}}
    else:
        peer = await peer_of_id(session, actor, peer_id=peer_id)
        kept = {name: getattr(peer, name) for name in ("name", "ae_title", "report_address", "report_authority")}
        kept |= {"address": peer.network or "", "tls": "yes" if peer.reports_by_tls else ""}
        template, about = "admin/dicom_peer.html.jinja", {"peer": peer, "values": kept if values is None else values}
    return render(
        request,
        template,
        status=status,
        ae_title=settings.dimse_ae_title,
        port=settings.dimse_port,
        wants_certificates=settings.dimse_client_ca is not None,
        has_certificate=settings.tls_cert is not None,
        **about,
        **context,
    )
