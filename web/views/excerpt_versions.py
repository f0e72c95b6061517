"""Sharing more of a file with a consult under way, and reading what was shared before."""

import uuid
from typing import Final

from aiohttp import web

from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Invalid, NotFound
from teleconsult.excerpts.adding import add_to_excerpt, newest_version, not_shared, still_shared
from teleconsult.excerpts.choosing import by_kind
from teleconsult.patients.care import open_file
from web.bodies import read_form
from web.flash import flash
from web.forms.consults import read_entries, read_listed, read_version
from web.forms.numbers import read_number
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, begin_again, db, id_in, see_other, to_page
from web.views.excerpts import excerpt_context
from web.views.picking import picker_context

MOST_CARRIED: Final = 100
"""Ticked entries that a search takes along in its address, which is 8 KB at the most."""


async def show(request: web.Request) -> web.StreamResponse:
    """One version of what a consult shares, by its number."""
    version = read_number(request.query.get("version", ""), digits=6)
    if version is None:
        raise NotFound
    # First the consult: its page and its excerpt look it up in the same way.
    consult = await consult_for(db(request), actor_of(request), id_in(request))
    shown = await excerpt_context(request, consult.id, version=version)
    return render(request, "excerpts/version.html.jinja", consult=consult, **shown)


async def new(request: web.Request) -> web.StreamResponse:
    """The list out of which more is shared."""
    return await _page(request, tuple(read_entries(request.query)))


async def create(request: web.Request) -> web.StreamResponse:
    """Share more: the next version of the excerpt. A search in the list comes back to it with what is ticked."""
    session, actor, consult_id = db(request), actor_of(request), id_in(request)
    form = await read_form(request)
    entries, version = read_entries(form), read_version(form)
    if (listed := read_listed(form)) is not None:
        page = request.app.router["excerpts.new"].url_for(id=str(consult_id))
        chosen = [("entries", str(entry)) for entry in entries[:MOST_CARRIED]]
        return see_other(page.with_query([*listed.items(), *chosen]))
    try:
        excerpt = await add_to_excerpt(session, actor, consult_id=consult_id, entries=entries, version=version)
    except Invalid as errors:
        await begin_again(request)
        return await _page(request, entries, errors=errors)
    added = sum(item.since_version == excerpt.version for item in excerpt.items)
    flash(
        request,
        ngettext(
            "One entry was added. The other side has been told.",
            "%(num)s entries were added. The other side has been told.",
            added,
        ),
    )
    return to_page(request, "consults.show", id=consult_id)


async def _page(
    request: web.Request, entries: tuple[uuid.UUID, ...], *, errors: Invalid | None = None
) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    consult = await consult_for(session, actor, id_in(request))
    require(consult, actor, Verb.ADD_ENTRIES)
    await open_file(session, actor, patient_id=consult.patient_id)
    newest = await newest_version(session, consult)
    shared = still_shared(newest)
    picked, wrong = await picker_context(request, patient_id=consult.patient_id, chosen=entries)
    others = not_shared(picked["listed"].others, shared)
    picked |= {
        "entries": by_kind(others),
        "arrived": {entry.id for entry in others if entry.recorded_at > newest.frozen_at},
        "changed": {item.record_entry_id for item in shared},
    }
    return render(
        request,
        "excerpts/new.html.jinja",
        status=errors.status if errors else 200,
        errors=errors or wrong,
        consult=consult,
        newest=newest,
        shared=shared,
        **picked,
    )
