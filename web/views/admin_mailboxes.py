"""The directory of mailboxes: found, brought in by files that are decided on, its doubtful addresses settled."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.directory.mailboxes.finding import (
    counts_here,
    find_mailboxes,
    questions_here,
    unsafe_here,
)
from teleconsult.directory.mailboxes.finding import (
    decide_question as settle,
)
from teleconsult.directory.mailboxes.importing import cancel_import, mailbox_import_for
from teleconsult.directory.mailboxes.jobs import begin_deciding, begin_import
from teleconsult.directory.mailboxes.listed import source_of
from teleconsult.directory.mailboxes.models import (
    ChoiceKind,
    ImportStatus,
    MailboxDecision,
    MailboxDifferenceKind,
    MailboxSource,
)
from teleconsult.directory.mailboxes.numbering import number_here, set_number
from teleconsult.directory.mailboxes.reviewing import (
    WHOLE_KINDS,
    counts_of,
    decide_differences,
    differences_of,
    is_newest,
    last_refresh,
    mailbox_imports,
)
from teleconsult.errors import Invalid, NotFound, Refused, TooLarge
from teleconsult.imaging.receiving import Received
from teleconsult.objects import new_key
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_code, read_ids
from web.i18n import gettext as _
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, db, id_in, objects_of, own_transactions, see_other, sessions_of, takes_files, to_page
from web.uploads import uploaded_form
from web.words import options

FIELD: Final = "file"
LIMIT: Final = 2 * 1024**3
"""Bytes; the national directory's Bundle has some 500 MB."""


async def index(request: web.Request) -> web.StreamResponse:
    """Search, the last files, and where to send the next."""
    return await _page(request)


@own_transactions
@takes_files
async def create(request: web.Request) -> web.StreamResponse:
    """Take a file; the worker reads it."""
    actor = actor_of(request)
    try:
        async with uploaded_form(request, name=FIELD, fields=("whole",), limit=LIMIT) as (files, values):
            sent = _only(files)
            path, source = sent.path, _source(sent.path)
            async with transaction(sessions_of(request), actor) as session:
                await mailbox_imports(session, actor)  # whether they may, before anything is kept
            key = new_key("mailboxes")
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").digest()
            size = path.stat().st_size
            await objects_of(request).put(key, path)
            async with transaction(sessions_of(request), actor) as session:
                kept = await begin_import(
                    session,
                    actor,
                    file_name=sent.name,
                    source=source,
                    object_key=key,
                    sha256=digest,
                    size=size,
                    is_whole=values.get("whole") == "yes",
                )
    except (Invalid, TooLarge, Refused) as error:
        async with transaction(sessions_of(request), actor) as session:
            return await _page(request, session=session, status=error.status, errors=error)
    return to_page(request, "mailbox_imports.show", id=kept.id)


async def number(request: web.Request) -> web.StreamResponse:
    """Say under which number the establishment stands in the national directory."""
    form = await read_form(request)
    try:
        await set_number(db(request), actor_of(request), number=form.get("number", ""))
    except Invalid as error:
        return await _page(request, status=422, errors=error, values=form)
    flash(request, _("Saved."), tone="ok")
    return to_page(request, "mailboxes.index")


async def show(request: web.Request) -> web.StreamResponse:
    """How far the reading is; then the differences that wait, 50 a page."""
    session, actor = db(request), actor_of(request)
    kept, kind = await mailbox_import_for(session, actor, id_in(request)), _kind(request)
    after = request.query.get("after", "")[:300].replace("\0", "")
    return render(
        request,
        "mailboxes/import.html.jinja",
        kept=kept,
        kind=kind,
        counts=await counts_of(session, kept),
        kinds=options(MailboxDifferenceKind),
        page=await differences_of(session, kept, kind=kind, after=after),
        is_open=kept.status is ImportStatus.READY and await is_newest(session, kept),
        at_once=kind in WHOLE_KINDS,
    )


async def decide(request: web.Request) -> web.StreamResponse:
    """Accept or leave out one difference, those of the page, or all of a kind."""
    session, actor, form, import_id = db(request), actor_of(request), await read_form(request), id_in(request)
    here = request.app.router["mailbox_imports.show"].url_for(id=str(import_id))
    back = here.with_query({"kind": kind} if (kind := request.query.get("kind")) else {})
    if "whole" in form:
        which = _kind(request)
        if which is None:
            raise NotFound
        decided = await begin_deciding(
            session, actor, import_id=import_id, kind=which, decision=read_code(form, "whole", MailboxDecision)
        )
        flash(
            request, ngettext("%(num)s difference is being decided.", "%(num)s differences are being decided.", decided)
        )
        return see_other(back)
    one = [name for name in (MailboxDecision.ACCEPTED, MailboxDecision.REJECTED) if name in form]
    decision = one[0] if one else read_code(form, "all", MailboxDecision)
    if decision is MailboxDecision.PENDING:
        raise NotFound
    chosen = read_ids(form, decision) if one else read_ids(form, "shown")
    decided = await decide_differences(session, actor, import_id=import_id, difference_ids=chosen, decision=decision)
    if decided < len(chosen):
        flash(request, _("Some were changed meanwhile. Read the file again."), "warn")
    else:
        flash(request, ngettext("%(num)s difference is decided.", "%(num)s differences are decided.", decided), "ok")
    return see_other(back)


async def cancel(request: web.Request) -> web.StreamResponse:
    """Stop the reading."""
    kept = await cancel_import(db(request), actor_of(request), import_id=id_in(request))
    flash(request, _("The reading is stopped. Nothing of this file was taken."))
    return to_page(request, "mailbox_imports.show", id=kept.id)


async def questions(request: web.Request) -> web.StreamResponse:
    """Addresses that raise a question, of one kind, and those that are not safe."""
    return await _questions(request)


async def decide_question(request: web.Request) -> web.StreamResponse:
    """Answer one question."""
    form = await read_form(request)
    kind = read_code(form, "kind", ChoiceKind)
    try:
        await settle(
            db(request),
            actor_of(request),
            kind=kind,
            subject=form.get("subject", ""),
            address=form.get("address", ""),
        )
    except Invalid as error:
        return await _questions(request, status=422, errors=error)
    flash(request, _("This is remembered."), tone="ok")
    return see_other(request.app.router["mailboxes.questions"].url_for().with_query(kind=kind.value))


async def _questions(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    try:
        kind = ChoiceKind(request.query.get("kind", ChoiceKind.SAME_ADDRESS))
    except ValueError as error:
        raise NotFound from error
    return render(
        request,
        "mailboxes/questions.html.jinja",
        status=status,
        kind=kind,
        kinds=options(ChoiceKind),
        questions=await questions_here(session, actor, kind=kind),
        unsafe=await unsafe_here(session, actor),
        **context,
    )


async def _page(request: web.Request, *, session: Any = None, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = session or db(request), actor_of(request)
    typed = request.query.get("q", "").replace("\0", " ").strip()[:200]
    page = int(asked) if (asked := request.query.get("page", "1")).isdecimal() and 0 < int(asked[:6]) < 10_000 else 1
    assert actor.organization_id is not None, "the permission is an establishment's"
    return render(
        request,
        "mailboxes/index.html.jinja",
        status=status,
        limit=LIMIT,
        text=typed,
        page=page,
        found=await find_mailboxes(session, actor, typed=typed, page=page),
        counts=await counts_here(session, actor),
        imports=await mailbox_imports(session, actor),
        refreshed=await last_refresh(session, actor.organization_id),
        own_number=await number_here(session, actor),
        **context,
    )


def _kind(request: web.Request) -> MailboxDifferenceKind | None:
    try:
        return MailboxDifferenceKind(request.query["kind"]) if request.query.get("kind") else None
    except ValueError as error:
        raise NotFound from error


def _only(files: Sequence[Received]) -> Received:
    if len(files) != 1:
        raise Invalid({FIELD: "Choose one file."})
    return files[0]


def _source(path: Path) -> MailboxSource:
    with path.open("rb") as file:
        source = source_of(file.read(8192))
    if source is None:
        raise Invalid({FIELD: "Choose a FHIR Bundle, NDJSON, or the extract of mailboxes."})
    return source
