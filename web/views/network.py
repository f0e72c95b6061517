"""The console of the whole network: establishments, keys, the health of every part. Numbers, and no patient's name."""

from typing import Any, Final
from zoneinfo import available_timezones

from aiohttp import web

from teleconsult.access import Permission, require
from teleconsult.accounts.queries import count_sessions
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.accounts.token_keys import rotate_keys
from teleconsult.db import transaction
from teleconsult.directory.inviting import Doubt, has_administrator, invite_first_administrator
from teleconsult.directory.models import OrganizationKind, RoleCode
from teleconsult.directory.network import (
    add_establishment,
    change_establishment,
    establishment,
    establishments,
    networks,
    token_keys,
)
from teleconsult.errors import Conflict, Invalid
from teleconsult.health import Parts, State, examine
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_invitee, read_particulars
from web.i18n import LOCALES
from web.i18n import gettext as _
from web.rendering import render
from web.requests import (
    actor_of,
    db,
    frame_of,
    id_in,
    objects_of,
    own_transactions,
    press_of,
    sandbox_of,
    sealer_of,
    sessions_of,
    settings_of,
    to_page,
)
from web.words import options

ZONES: Final = tuple(sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")))


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """How every part is; asked for by the frame of that page, only the frame."""
    actor = actor_of(request)
    require(actor, Permission.NETWORK)
    if not frame_of(request):
        async with transaction(sessions_of(request), actor) as session:
            counted = {
                "establishments": len(await establishments(session, actor)),
                "signed_in": await count_sessions(session, settings_of(request)),
            }
        return render(request, "network/show.html.jinja", **counted)
    readings = await examine(
        Parts(settings_of(request), sessions_of(request), objects_of(request), press_of(request), sandbox_of(request))
    )
    worst = next((state for state in (State.FAIL, State.WARN) if any(one.state is state for one in readings)), State.OK)
    return render(request, "network/_health.html.jinja", readings=readings, worst=worst)


async def index(request: web.Request) -> web.StreamResponse:
    """The establishments."""
    found = await establishments(db(request), actor_of(request))
    return render(request, "network/establishments.html.jinja", establishments=found)


async def new(request: web.Request) -> web.StreamResponse:
    """The form of a new one."""
    require_fresh(actor_of(request))
    return await _form(request, organization=None)


async def create(request: web.Request) -> web.StreamResponse:
    """Add an establishment."""
    form = await read_form(request)
    try:
        added = await add_establishment(db(request), actor_of(request), particulars=read_particulars(form))
    except Invalid as error:
        return await _form(request, status=422, organization=None, values=form, errors=error)
    flash(request, _("The establishment is added. Invite its administrator."))
    return to_page(request, "network.establishment", id=added.id)


async def edit(request: web.Request) -> web.StreamResponse:
    """One establishment: what is said of it, and who administers it."""
    return await _establishment_page(request)


async def change(request: web.Request) -> web.StreamResponse:
    """Say otherwise of it."""
    form = await read_form(request)
    try:
        await change_establishment(
            db(request), actor_of(request), organization_id=id_in(request), particulars=read_particulars(form)
        )
    except Invalid as error:
        return await _establishment_page(request, status=422, values=form, errors=error)
    flash(request, _("The establishment is changed."))
    return to_page(request, "network.establishment", id=id_in(request))


async def invite(request: web.Request) -> web.StreamResponse:
    """Invite its first administrator."""
    form = await read_form(request)
    try:
        person = await invite_first_administrator(
            db(request),
            actor_of(request),
            settings_of(request),
            organization_id=id_in(request),
            invitee=read_invitee(form, role=RoleCode.ADMINISTRATOR),
            is_confirmed=form.get("confirmed") == "yes",
        )
    except Doubt as doubt:
        return await _establishment_page(request, status=409, invited=form, doubt=doubt)
    except (Invalid, Conflict) as error:
        return await _establishment_page(request, status=error.status, invited=form, errors=error)
    flash(request, _("%(name)s administers this establishment now.", name=person.name))
    return to_page(request, "network.establishment", id=id_in(request))


async def keys(request: web.Request) -> web.StreamResponse:
    """The keys that sign machines' tokens."""
    return render(request, "network/keys.html.jinja", keys=await token_keys(db(request), actor_of(request)))


async def rotate(request: web.Request) -> web.StreamResponse:
    """Begin with a new key; at once where the one before leaked."""
    actor, form = actor_of(request), await read_form(request)
    require(actor, Permission.NETWORK)
    require_fresh(actor)
    at_once = form.get("at_once") == "yes"
    await rotate_keys(db(request), sealer_of(request), actor, at_once=at_once)
    said = (
        _("A new key signs from now on. Every token made before is worth nothing.")
        if at_once
        else _("A new key signs from now on. Tokens made before are good for what is left of their day.")
    )
    flash(request, said)
    return to_page(request, "network.keys")


async def _establishment_page(request: web.Request, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    organization = await establishment(session, actor, id_in(request))
    context = {"doubt": None, "invited": {}, **context}
    return await _form(
        request,
        organization=organization,
        is_administered=await has_administrator(session, organization.id),
        **context,
    )


async def _form(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    return render(
        request,
        "network/establishment.html.jinja",
        status=status,
        kinds=options(OrganizationKind),
        zones=ZONES,
        languages=list(LOCALES.items()),
        networks=await networks(db(request), actor_of(request)),
        **context,
    )
