"""How long an establishment keeps what it need not keep."""

from typing import Any

from aiohttp import web

from teleconsult.directory.models import RetentionSubject
from teleconsult.directory.retention import MOST_DAYS, set_rule, standings
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_code, read_days
from web.i18n import gettext as _
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, db, to_page


async def index(request: web.Request) -> web.StreamResponse:
    """The rules and what they would erase tonight."""
    return await _page(request)


async def change(request: web.Request) -> web.StreamResponse:
    """Set a rule, or remove it."""
    form, session, actor = await read_form(request), db(request), actor_of(request)
    try:
        subject, days = read_code(form, "subject", RetentionSubject), read_days(form)
        await set_rule(session, actor, subject=subject, keep_days=days)
    except Invalid as error:
        return await _page(request, status=422, values=form, errors=error)
    said = (
        _("This is kept for good from now on.")
        if days is None
        else ngettext("This is kept for %(num)s day from now on.", "This is kept for %(num)s days from now on.", days)
    )
    flash(request, said)
    return to_page(request, "admin_retention.index")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    return render(
        request,
        "admin/retention.html.jinja",
        status=status,
        standings=await standings(db(request), actor_of(request)),
        most=MOST_DAYS,
        **context,
    )
