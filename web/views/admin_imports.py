"""An extract of the national directory: sent, held against ours, decided on difference by difference."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.directory.importing import compare_extract, read_file
from teleconsult.directory.models import Decision, DifferenceKind
from teleconsult.directory.reviewing import (
    counts_of,
    decide_differences,
    differences_of,
    import_here,
    imports_here,
    is_newest,
)
from teleconsult.errors import Invalid, NotFound, TooLarge
from teleconsult.imaging.receiving import Received
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_code, read_ids
from web.i18n import gettext as _
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, db, id_in, own_transactions, see_other, sessions_of, takes_files, to_page
from web.uploads import uploaded_files
from web.words import options

FIELD: Final = "extract"
LIMIT: Final = 128 * 1024 * 1024
"""Bytes; a region's extract has some 40 MB."""


async def index(request: web.Request) -> web.StreamResponse:
    """The last imports, and where to send the next."""
    return await _page(request, imports=await imports_here(db(request), actor_of(request)))


@own_transactions
@takes_files
async def create(request: web.Request) -> web.StreamResponse:
    """Read an extract and keep its differences."""
    actor = actor_of(request)
    try:
        async with uploaded_files(request, name=FIELD, limit=LIMIT) as files:
            sent = _only(files)
            extract = await asyncio.to_thread(read_file, sent.path)
        async with transaction(sessions_of(request), actor) as session:
            kept = await compare_extract(session, actor, extract=extract, file_name=sent.name)
    except (Invalid, TooLarge) as error:
        async with transaction(sessions_of(request), actor) as session:
            imports = await imports_here(session, actor)
        return await _page(request, status=error.status, imports=imports, errors=error)
    return to_page(request, "admin_imports.show", id=kept.id)


async def show(request: web.Request) -> web.StreamResponse:
    """The differences that wait for a decision, 50 a page, of one kind or all."""
    session, actor = db(request), actor_of(request)
    kept, kind = await import_here(session, actor, id_in(request)), _kind(request)
    after = request.query.get("after", "")[:40].replace("\0", "")
    return render(
        request,
        "admin/import.html.jinja",
        kept=kept,
        kind=kind,
        after=after,
        counts=await counts_of(session, kept),
        kinds=options(DifferenceKind),
        page=await differences_of(session, kept, kind=kind, after=after),
        is_newest=await is_newest(session, kept),
    )


async def decide(request: web.Request) -> web.StreamResponse:
    """Accept or leave out one difference, or all of the page."""
    form, import_id = await read_form(request), id_in(request)
    one = [name for name in (Decision.ACCEPTED, Decision.REJECTED) if name in form]
    decision = one[0] if one else read_code(form, "all", Decision)
    if decision is Decision.PENDING:
        raise NotFound
    chosen = read_ids(form, decision) if one else read_ids(form, "shown")
    decided = await decide_differences(
        db(request), actor_of(request), import_id=import_id, difference_ids=chosen, decision=decision
    )
    flash(request, _said(decision, decided, chosen), "ok" if decided == len(chosen) else "warn")
    here = request.app.router["admin_imports.show"].url_for(id=str(import_id))
    return see_other(here.with_query({"kind": kind} if (kind := request.query.get("kind")) else {}))


def _only(files: Sequence[Received]) -> Received:
    if len(files) != 1:
        raise Invalid({FIELD: "Choose one file."})
    return files[0]


def _said(decision: Decision, decided: int, chosen: Sequence[object]) -> str:
    if decided < len(chosen):
        return _(
            "%(decided)s of %(chosen)s are decided. The others were changed meanwhile: read the extract again.",
            decided=decided,
            chosen=len(chosen),
        )
    if decision is Decision.ACCEPTED:
        return ngettext("%(num)s difference is accepted.", "%(num)s differences are accepted.", decided)
    return ngettext("%(num)s difference is left out.", "%(num)s differences are left out.", decided)


def _kind(request: web.Request) -> DifferenceKind | None:
    try:
        return DifferenceKind(request.query["kind"]) if request.query.get("kind") else None
    except ValueError as error:
        raise NotFound from error


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    return render(request, "admin/imports.html.jinja", status=status, limit=LIMIT, **context)
