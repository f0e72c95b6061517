"""The administrator's page: who works here, what was done, and whether the audit chain is whole."""

from datetime import datetime

from aiohttp import web

from teleconsult.accounts.queries import accounts_of_establishment
from teleconsult.audit import verify_chain
from teleconsult.audit.queries import PAGE, audit_events
from teleconsult.errors import Invalid
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, to_page


async def show(request: web.Request) -> web.StreamResponse:
    """People and the audit log of the administrator's establishment."""
    actor, before = actor_of(request), request.query.get("before")
    try:
        events = await audit_events(
            db(request), actor, before=datetime.fromisoformat(before).astimezone() if before else None
        )
    except (ValueError, OverflowError) as error:
        raise Invalid({"": "This address is not whole. Go back and try again."}) from error
    older = events[-1].recorded_at.isoformat() if len(events) == PAGE else None
    people = await accounts_of_establishment(db(request), actor)
    return render(request, "admin/show.html.jinja", people=people, events=events, older_than=older)


async def check_chain(request: web.Request) -> web.StreamResponse:
    """Recompute the audit chain and say what was found."""
    await audit_events(db(request), actor_of(request))  # the same rule says who may
    verdict = await verify_chain(db(request))
    if verdict.is_good:
        flash(request, _("The audit log is whole: %(n)s events, none changed, none missing.", n=verdict.events))
    else:
        flash(request, _("The audit log is broken at event %(n)s.", n=verdict.broken_at), "danger")
    return to_page(request, "admin.show")
