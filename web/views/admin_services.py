"""What an establishment offers to others."""

from typing import Any

from aiohttp import web

from teleconsult.consults.models import RequestPriority
from teleconsult.consults.promises import hours_of, set_promises
from teleconsult.directory.dictation import allows_dictation, set_dictation
from teleconsult.directory.models import Specialty
from teleconsult.directory.next_services import MOST, services_elsewhere, set_next_services
from teleconsult.directory.services import (
    add_service,
    services_here,
    set_page_seconds,
    specialists_here,
    switch_service,
)
from teleconsult.directory.telephones import set_service_phone
from teleconsult.errors import Conflict, Invalid
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_code, read_services
from web.forms.numbers import read_number
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, to_page
from web.words import label, options


async def index(request: web.Request) -> web.StreamResponse:
    """The services, and those that could be added."""
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Offer one more."""
    form = await read_form(request)
    try:
        await add_service(db(request), actor_of(request), specialty=read_code(form, "specialty", Specialty))
    except (Invalid, Conflict) as error:
        return await _page(request, status=error.status, errors=error)
    flash(request, _("The service takes requests from now on."))
    return to_page(request, "admin_services.index")


async def open(request: web.Request) -> web.StreamResponse:
    """Take requests again."""
    await switch_service(db(request), actor_of(request), service_id=id_in(request), is_active=True)
    flash(request, _("The service takes requests from now on."))
    return to_page(request, "admin_services.index")


async def dictation(request: web.Request) -> web.StreamResponse:
    """Whether the establishment's specialists may dictate."""
    is_allowed = (await read_form(request)).get("allowed") == "yes"
    await set_dictation(db(request), actor_of(request), is_allowed=is_allowed)
    flash(request, _("Notes may be dictated from now on.") if is_allowed else _("Notes are typed from now on."))
    return to_page(request, "admin_services.index")


async def close(request: web.Request) -> web.StreamResponse:
    """Take no more."""
    await switch_service(db(request), actor_of(request), service_id=id_in(request), is_active=False)
    flash(request, _("The service takes no more requests; those under way go on."))
    return to_page(request, "admin_services.index")


async def phone(request: web.Request) -> web.StreamResponse:
    """Say where a service answers the telephone."""
    number = (await read_form(request)).get("phone", "")
    try:
        await set_service_phone(db(request), actor_of(request), service_id=id_in(request), phone=number)
    except Invalid as error:
        return await _page(request, status=error.status, errors=error, wrong_phone={id_in(request): number})
    flash(request, _("The number is kept."))
    return to_page(request, "admin_services.index")


async def pace(request: web.Request) -> web.StreamResponse:
    """Say how long one waits in an emergency before the next person is rung."""
    seconds = (await read_form(request)).get("page_seconds", "")
    try:
        await set_page_seconds(db(request), actor_of(request), service_id=id_in(request), seconds=seconds)
    except Invalid as error:
        return await _page(request, status=error.status, errors=error, wrong_pace={id_in(request): seconds})
    flash(request, _("It is kept."))
    return to_page(request, "admin_services.index")


async def next_hospitals(request: web.Request) -> web.StreamResponse:
    """Say which hospitals are called where nobody answers here."""
    form = await read_form(request)
    try:
        then = read_services(form)
        await set_next_services(db(request), actor_of(request), service_id=id_in(request), then=then)
    except Invalid as error:
        typed = form.getall("next", [])
        return await _page(request, status=error.status, errors=error, wrong_next={id_in(request): typed})
    flash(request, _("It is kept."))
    return to_page(request, "admin_services.index")


async def promise(request: web.Request) -> web.StreamResponse:
    """Say how soon a service answers, and when one asks what became of it."""
    form = await read_form(request)
    hours = {priority: read_number(form.get(priority.value, ""), digits=4) for priority in RequestPriority}
    days = read_number(form.get("follow_up_days", ""), digits=3)
    try:
        await set_promises(db(request), actor_of(request), service_id=id_in(request), hours=hours, follow_up_days=days)
    except Invalid as error:
        return await _page(request, status=error.status, errors=error, wrong_promise={id_in(request): form})
    flash(request, _("The promise is kept. Coordinators see it on their board."))
    return to_page(request, "admin_services.index")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    services = await services_here(session, actor)
    offered = {service.specialty for service in services}
    return render(
        request,
        "admin/services.html.jinja",
        status=status,
        services=services,
        specialists=await specialists_here(session, actor),
        missing=[(code, words) for code, words in options(Specialty) if code not in offered],
        priorities=[(priority, label(priority)) for priority in RequestPriority],
        hours_of=hours_of,
        elsewhere=await services_elsewhere(session, actor),
        places=range(MOST),
        allows_dictation=await allows_dictation(session, actor),
        **{"wrong_phone": {}, "wrong_pace": {}, "wrong_promise": {}, "wrong_next": {}, **context},
    )
