"""The conclusion of a team meeting, signed by those who were asked to: asking them, reading it, signing."""

import uuid

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import Conflict, Invalid, Refused, TooMany
from teleconsult.notes.co_signers import ask_to_co_sign
from teleconsult.notes.co_signing import co_sign_note, note_to_co_sign
from teleconsult.notes.content import NoteContent
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.unlocking import ways_to_sign
from web.bodies import read_form
from web.errors import tell_when
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import (
    actor_of,
    address_of,
    db,
    id_in,
    objects_of,
    own_transactions,
    sessions_of,
    settings_of,
    to_page,
)
from web.views.notes import inline_pdf, signing_of
from web.views.step_up import read_proof


async def ask(request: web.Request) -> web.StreamResponse:
    """Ask those who were ticked."""
    form = await read_form(request)
    try:
        asked = await ask_to_co_sign(
            db(request), actor_of(request), note_id=id_in(request), role_ids=_ids(form.getall("member", []))
        )
    except Invalid:
        flash(request, _("Choose members who were there and were not asked yet."))
    else:
        flash(request, _("Asked: %(names)s", names=", ".join(one.name for one in asked)))
    return to_page(request, "notes.show", id=id_in(request))


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """The very file to sign, and what it takes to sign it."""
    return await _page(request)


@own_transactions
async def sign(request: web.Request) -> web.StreamResponse:
    """Sign it too, and show who signed."""
    form = await read_form(request)
    try:
        await co_sign_note(
            signing_of(request),
            actor_of(request),
            note_id=id_in(request),
            proof=read_proof(form),
            address=address_of(request),
        )
    except (Conflict, Invalid, Refused, TooMany) as error:
        return await _page(request, error)
    flash(request, _("You have signed the conclusion."))
    return to_page(request, "notes.show", id=id_in(request))


@own_transactions
async def pdf(request: web.Request) -> web.StreamResponse:
    """The signed file as it is today, to read before one signs it too."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        newest = await current_pdf(session, await note_to_co_sign(session, actor_of(request), note_id=id_in(request)))
    return inline_pdf(await objects_of(request).get(newest.object_key), f"note-{id_in(request)}.pdf")


async def _page(
    request: web.Request, error: Conflict | Invalid | Refused | TooMany | None = None
) -> web.StreamResponse:
    actor = actor_of(request)
    try:
        async with transaction(sessions_of(request), actor) as session:
            note = await note_to_co_sign(session, actor, note_id=id_in(request))
            ways = await ways_to_sign(session, settings_of(request), actor)
    except Refused as gone:  # signed already, withdrawn or replaced: the note itself tells
        flash(request, _(gone.message))
        return to_page(request, "notes.show", id=id_in(request))
    assert note.content is not None  # it is signed
    response = render(
        request,
        "notes/co_signature.html.jinja",
        status=error.status if error else 200,
        note=note,
        content=NoteContent.from_bytes(note.content),
        ways=ways,
        errors=error or {},
    )
    tell_when(response, error)
    return response


def _ids(values: list[str]) -> list[uuid.UUID]:
    """Raises Invalid for what is no id."""
    try:
        return [uuid.UUID(value) for value in values]
    except ValueError:
        raise Invalid({"members": "Choose members who were there and were not asked yet."}) from None
