"""What follows a signed note: adding to it, correcting it, withdrawing it; and the forms in which it is taken along."""

from aiohttp import web

from teleconsult.accounts.stepping_up import ways_of
from teleconsult.db import transaction
from teleconsult.errors import Invalid, TooMany
from teleconsult.notes.bundling import SignedBundle
from teleconsult.notes.co_signers import further_signatures
from teleconsult.notes.content import NoteContent
from teleconsult.notes.following import begin_addendum, begin_amendment
from teleconsult.notes.models import Composition, RetractionReason
from teleconsult.notes.queries import draft_for, read_bundle, read_withdrawn_pdf
from teleconsult.notes.retracting import retract_note
from teleconsult.notes.versions import Version, goes_with, refuse_what_follows, versions_of
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
from web.views.step_up import read_proof


async def add(request: web.Request) -> web.StreamResponse:
    """Begin an addendum: a document of its own that appends."""
    draft = await begin_addendum(db(request), actor_of(request), note_id=id_in(request))
    return to_page(request, "notes.show", id=draft.id)


async def amend(request: web.Request) -> web.StreamResponse:
    """Begin a new version, which will replace the note."""
    draft = await begin_amendment(db(request), actor_of(request), note_id=id_in(request))
    return to_page(request, "notes.show", id=draft.id)


@own_transactions
async def retraction(request: web.Request) -> web.StreamResponse:
    """Say why, and show who one is."""
    return await _retraction(request)


@own_transactions
async def retract(request: web.Request) -> web.StreamResponse:
    """Withdraw the note, and show that it is."""
    form = await read_form(request)
    typed = {"reason": form.get("reason", ""), "explanation": form.get("explanation", "")}
    try:
        note = await retract_note(
            sessions_of(request),
            settings_of(request),
            actor_of(request),
            note_id=id_in(request),
            reason=_reason(typed["reason"]),
            explanation=typed["explanation"],
            proof=read_proof(form),
            address=address_of(request),
        )
    except (Invalid, TooMany) as error:
        return await _retraction(request, error, typed)
    flash(request, _("The note is withdrawn. All who had it are told."))
    return to_page(request, "notes.show", id=note.id)


@own_transactions
async def bundle(request: web.Request) -> web.StreamResponse:
    """The signed FHIR document with its signature, in one file."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        key, jws = await read_bundle(session, actor_of(request), id_in(request))
        further = await further_signatures(session, id_in(request))
    signed = SignedBundle(await objects_of(request).get(key), jws, further)
    return _kept(signed.exported(), "application/jose+json", f"note-{id_in(request)}.jws.json")


@own_transactions
async def withdrawn_pdf(request: web.Request) -> web.StreamResponse:
    """What was signed and withdrawn, for who guards privacy."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        key = await read_withdrawn_pdf(session, actor_of(request), id_in(request))
    return _kept(await objects_of(request).get(key), "application/pdf", f"withdrawn-{id_in(request)}.pdf")


async def _retraction(
    request: web.Request, error: Invalid | TooMany | None = None, typed: dict[str, str] | None = None
) -> web.StreamResponse:
    actor = actor_of(request)
    async with transaction(sessions_of(request), actor) as session:
        note = await draft_for(session, actor, id_in(request))
        await refuse_what_follows(session, actor, note)
        gone = _going(await versions_of(session, actor, note), note)
        ways = await ways_of(session, settings_of(request), actor)
    assert note.content is not None  # it is signed
    response = render(
        request,
        "notes/retraction.html.jinja",
        status=error.status if error else 200,
        note=note,
        content=NoteContent.from_bytes(note.content),
        gone=gone,
        reasons=list(RetractionReason),
        typed=typed or {"reason": "", "explanation": ""},
        errors=error or {},
        ways=ways,
    )
    tell_when(response, error)
    return response


def _going(versions: list[Version], note: Composition) -> list[Version]:
    return [one for one in goes_with(versions, note.id) if one.retraction is None]


def _reason(code: str) -> RetractionReason:
    try:
        return RetractionReason(code)
    except ValueError:
        raise Invalid({"reason": "Choose why the note is withdrawn."}) from None


def _kept(content: bytes, content_type: str, name: str) -> web.Response:
    return web.Response(
        body=content,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        },
    )
