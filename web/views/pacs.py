"""Images of a request's patient in the archive of the hospital: searched for, chosen, on their way."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import transaction
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.actions import consult_to_fill
from teleconsult.imaging.identity import Difference
from teleconsult.imaging.pacs.answers import Answers, FoundStudy
from teleconsult.imaging.pacs.asking import ask_for_study, cancel_fetch, fetches_of
from teleconsult.imaging.pacs.faults import PacsFault
from teleconsult.imaging.pacs.searching import Search, begin_search, carry_out, differences, numbers_of, pacs_asked
from teleconsult.imaging.refusals import sentence
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.pacs_choices import opened_choice, sealed_choice
from web.pacs_words import fault_in_words
from web.rendering import render
from web.requests import (
    actor_of,
    begin_again,
    db,
    frame_of,
    id_in,
    own_transactions,
    sessions_of,
    settings_of,
    to_page,
)

PAGE: Final = "pacs/show.html.jinja"
FRAME: Final = "pacs-fetches"
FIELDS: Final = ("pacs", "number", "accession")
_WORDS: Final[dict[str, Any]] = {"fault_in_words": fault_in_words, "refusal_in_words": sentence}


async def index(request: web.Request) -> web.StreamResponse:
    """What to search by, and what is on its way; asked for by the frame of that page, only the latter."""
    session, actor = db(request), actor_of(request)
    consult = await consult_to_fill(session, actor, id_in(request))
    if frame_of(request) == FRAME:
        fetches = await fetches_of(session, actor, consult_id=consult.id)
        return render(request, "pacs/_fetches.html.jinja", consult=consult, fetches=fetches, **_WORDS)
    return render(request, PAGE, **await _context(request, db(request), consult))


@own_transactions
async def search(request: web.Request) -> web.StreamResponse:
    """Ask the archive, and show what it has: an answer to a form, so that no number stands in an address."""
    form, actor, sessions = await read_form(request), actor_of(request), sessions_of(request)
    values = {name: form.get(name, "") for name in FIELDS}
    try:
        async with transaction(sessions, actor) as session:
            begun = await begin_search(
                session,
                actor,
                consult_id=id_in(request),
                pacs_id=_id_of(values["pacs"]),
                number=values["number"],
                accession=values["accession"],
            )
    except Invalid as error:
        async with transaction(sessions, actor) as session:
            consult = await consult_to_fill(session, actor, id_in(request))
            context = await _context(request, session, consult)
        return render(request, PAGE, status=error.status, errors=error, **context | {"values": values})
    answers, fault = Answers(()), ""
    try:
        answers = await carry_out(begun, settings_of(request))
    except PacsFault as error:
        fault = fault_in_words(error.fault)
    async with transaction(sessions, actor) as session:
        consult = await consult_to_fill(session, actor, id_in(request))
        context = await _context(request, session, consult)
    found = {"search": begun, "fault": fault, "answers": answers, "studies": _studies(request, begun, answers)}
    return render(request, PAGE, **context | {"values": values} | found)


async def create(request: web.Request) -> web.StreamResponse:
    """Have a study fetched that was found."""
    form, consult_id = await read_form(request), id_in(request)
    try:
        pacs_id, study = opened_choice(request, form.get("study", ""), consult_id=consult_id)
        await ask_for_study(
            db(request),
            actor_of(request),
            consult_id=consult_id,
            pacs_id=pacs_id,
            study=study,
            is_confirmed=form.get("confirmed") == "yes",
        )
    except Invalid as error:
        await begin_again(request)
        consult = await consult_to_fill(db(request), actor_of(request), consult_id)
        return render(request, PAGE, status=error.status, errors=error, **await _context(request, db(request), consult))
    flash(request, _("The images are on their way. You may leave this page."))
    return to_page(request, "pacs.index", id=consult_id)


async def cancel(request: web.Request) -> web.StreamResponse:
    """Give it up."""
    fetch = await cancel_fetch(db(request), actor_of(request), fetch_id=id_in(request))
    return to_page(request, "pacs.index", id=fetch.service_request_id)


async def _context(request: web.Request, session: AsyncSession, consult: ServiceRequest) -> dict[str, Any]:
    actor = actor_of(request)
    archives = await pacs_asked(session, actor)
    return {
        "consult": consult,
        "archives": [(one.id, one.name) for one in archives],
        "numbers": [(number, number) for number in await numbers_of(session, consult.patient)],
        "fetches": await fetches_of(session, actor, consult_id=consult.id),
        "search": None,
        **_WORDS,
    }


def _studies(
    request: web.Request, begun: Search, answers: Answers
) -> list[tuple[FoundStudy, Sequence[Difference], str]]:
    """Each with what differs, and what its form carries."""
    return [
        (
            study,
            differences(begun, study),
            sealed_choice(request, study, consult_id=begun.consult.id, pacs_id=begun.pacs.id),
        )
        for study in answers.studies
    ]


def _id_of(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError as error:
        raise NotFound from error
