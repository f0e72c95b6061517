"""The privacy officer's pages: who read this patient, what this person read, and what of it is unusual."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from teleconsult.access import Permission, require
from teleconsult.audit import record
from teleconsult.audit.entries import Entry, entries_of
from teleconsult.audit.exporting import begin_export, exported
from teleconsult.audit.kinds import Kind
from teleconsult.audit.queries import PAGE, Asked, Cursor, events
from teleconsult.audit.watching import unusual_reads
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.errors import Invalid
from web.audit_words import act_name, why_in_words
from web.bodies import read_form
from web.forms.audit import Question, read_cursor, read_period, read_question
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, own_transactions, sessions_of
from web.words import label

WATCHED: Final = timedelta(days=7)


async def index(request: web.Request) -> web.StreamResponse:
    """The log, narrowed to a patient, a person, a kind of act, some days."""
    session, actor = db(request), actor_of(request)
    require(actor, Permission.AUDIT_READ)
    try:
        question = await read_question(session, actor, request.query)
    except Invalid as error:
        values = {name: request.query.get(name, "") for name in ("number", "who", "kind", "from", "until")}
        return _page(request, status=422, errors=error, question=Question(Asked(), values))
    if question.people:
        return _page(request, question=question)
    found = await events(session, actor, asked=question.asked, before=read_cursor(request.query))
    record(session, actor, "audit-read", patient_id=question.asked.patient_id, about=question.asked.practitioner_id)
    return _page(
        request,
        question=question,
        entries=await entries_of(session, actor, found),
        older=_after(question.query, Cursor.of(found[-1])) if len(found) == PAGE else None,
    )


async def unusual(request: web.Request) -> web.StreamResponse:
    """Reading that deserves a question, of the last week or of the days that are named."""
    session, actor = db(request), actor_of(request)
    require(actor, Permission.AUDIT_READ)
    values = {name: request.query.get(name, "") for name in ("from", "until")}
    errors, asked = None, Asked()
    try:
        asked = read_period(actor, values)
    except Invalid as error:
        errors = error
    since = asked.since or now() - WATCHED
    found = await unusual_reads(session, actor, since=since, until=asked.until, before=read_cursor(request.query))
    record(session, actor, "audit-read", unusual=True)
    entries = await entries_of(session, actor, [read.event for read in found.reads])
    return render(
        request,
        "audit/unusual.html.jinja",
        status=errors.status if errors else 200,
        errors=errors or {},
        values=values,
        why=why_in_words,
        reads=list(zip(entries, found.reads, strict=True)),
        older=_after({name: value for name, value in values.items() if value}, found.after) if found.after else None,
    )


@own_transactions
async def export(request: web.Request) -> web.StreamResponse:
    """The same entries as a table; that they are taken away stands in the log before the first leaves."""
    actor, form = actor_of(request), await read_form(request)
    async with transaction(sessions_of(request), actor) as session:
        question = await read_question(session, actor, form)
        begin_export(session, actor, asked=question.asked)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="audit-{now():%Y-%m-%d}.csv"',
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(request)
    async for piece in exported(sessions_of(request), actor, asked=question.asked, header=_header(), line=_line):
        await response.write(piece)
    await response.write_eof()
    return response


def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.Response:
    return render(
        request,
        "audit/index.html.jinja",
        status=status,
        kinds=[(kind.value, label(kind)) for kind in Kind],
        why=why_in_words,
        **{"entries": [], "older": None, "errors": {}, **context},
    )


def _after(query: Mapping[str, str], cursor: Cursor) -> dict[str, str]:
    return {**query, "before": str(cursor)}


def _header() -> list[str]:
    return [
        *(_("Time (UTC)"), _("Person"), _("Role"), _("Establishment"), _("Address"), _("Act"), _("Code"), _("Outcome")),
        *(_("File number"), _("Patient"), _("Patient of"), _("Reason")),
    ]


def _line(entry: Entry) -> list[str]:
    event, role, patient = entry.event, entry.role, entry.patient
    return [
        event.recorded_at.isoformat(timespec="milliseconds"),
        event.actor_name,
        str(label(role.code)) if role else "",
        role.organization.name if role else "",
        *(event.address, act_name(event.action), event.action),
        _("Done") if event.outcome == "success" else _("Refused"),
        *((patient.local_number, patient.name) if patient else ("", "")),
        entry.patient_house,
        why_in_words(entry),
    ]
