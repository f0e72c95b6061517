"""The note of a consult: writing it, signing it, reading it. Each page is also a part of the room's page."""

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.db import transaction
from teleconsult.delivery.actions import acknowledge_note
from teleconsult.delivery.queries import deliveries_of, to_requester
from teleconsult.documents.pictures import shown_images
from teleconsult.errors import Conflict, Invalid, NotFound, Refused, TooMany
from teleconsult.notes.co_signers import candidates, co_signatures_of
from teleconsult.notes.content import NoteContent
from teleconsult.notes.drafting import open_note
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for, note_for, read_note, read_pdf
from teleconsult.notes.showing import show_rendering, shown_pdf
from teleconsult.notes.signing import Signing, content_to_sign, preview_content, sign_note
from teleconsult.notes.unlocking import WaysToSign, ways_to_sign
from teleconsult.notes.versions import versions_of
from teleconsult.patients.breaking_glass import opening_about
from web.bodies import read_form
from web.delivery_words import TONES, reason_in_words
from web.errors import tell_when
from web.flash import flash
from web.forms import notes as forms
from web.i18n import current_locale
from web.i18n import gettext as _
from web.requests import (
    actor_of,
    address_of,
    db,
    frame_of,
    id_in,
    objects_of,
    opened_transaction,
    own_transactions,
    press_of,
    sealer_of,
    sessions_of,
    settings_of,
    to_page,
)
from web.views.note_editor import editor_page
from web.views.note_pages import STATE_FRAME, note_page, to_note
from web.views.step_up import read_proof

PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""For a document of our own making that the browser shows with its own viewer (which styles itself)."""


async def create(request: web.Request) -> web.StreamResponse:
    """Open the note of a consult: the draft there is, or a new one."""
    note = await open_note(db(request), actor_of(request), consult_id=id_in(request))
    return to_note(request, note)


async def show(request: web.Request) -> web.StreamResponse:
    """The editor while it is the author's draft, the note once it is signed."""
    session, actor, frame = db(request), actor_of(request), frame_of(request)
    looked_at_again = frame == STATE_FRAME
    note = await (note_for if looked_at_again else read_note)(session, actor, id_in(request))
    if note.status is CompositionStatus.PRELIMINARY:
        return await editor_page(request, note)
    assert note.content is not None  # a signed note is whole: the database checks
    try:
        consult = await consult_for(session, actor, note.service_request_id)
    except NotFound:  # who treats the patient elsewhere reads the note and knows nothing of the consult
        consult = None
    versions = await versions_of(session, actor, note)
    own = next(version for version in versions if version.id == note.id)
    if own.retraction is not None and note.author_role_id != actor.role_id:
        return note_page(
            request,
            "withdrawn",
            note=note,
            retraction=own.retraction,
            versions=versions,
            opening=await opening_about(session, actor, note.patient_id),
            consult=consult,
        )
    is_authors = note.author_role_id == actor.role_id
    pdf, deliveries = await current_pdf(session, note), await deliveries_of(session, note)
    return note_page(
        request,
        "state" if looked_at_again else "signed",
        note=note,
        versions=versions,
        evidence=pdf,
        retraction=own.retraction,
        replaced_by=own.replaced_by,
        may_follow=own.stands and is_authors and consult is not None and may(consult, actor, Verb.FOLLOW_NOTE),
        **_content(NoteContent.from_bytes(note.content)),
        co_signatures=await co_signatures_of(session, note),
        may_ask=await candidates(session, note) if own.stands and is_authors else [],
        opening=await opening_about(session, actor, note.patient_id),
        consult=consult,
        delivery=to_requester(deliveries),
        deliveries=deliveries,
        delivery_tones=TONES,
        delivery_reason=reason_in_words,
        may_acknowledge=consult is not None and may(consult, actor, Verb.ACKNOWLEDGE),
    )


@own_transactions
async def preview(request: web.Request) -> web.StreamResponse:
    """The draft as it would be printed."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        content = await preview_content(session, actor_of(request), settings_of(request), note_id=id_in(request))
    printed = await press_of(request).note(content, is_signed=False)
    return _pdf(printed, f"draft-{content.consult_number}.pdf", inline=True)


@own_transactions
async def shown(request: web.Request) -> web.StreamResponse:
    """The rendering that its author was shown, and signs."""
    printed = await shown_pdf(signing_of(request), actor_of(request), note_id=id_in(request))
    return _pdf(printed, f"note-{id_in(request)}.pdf", inline=True)


@own_transactions
async def signature(request: web.Request) -> web.StreamResponse:
    """Read once more, as it will be signed, then show who one is. Printed between transactions, as it takes a while."""
    try:
        async with opened_transaction(request) as session:
            note = await draft_for(session, actor_of(request), id_in(request))
            if note.status is not CompositionStatus.PRELIMINARY:
                return to_note(request, note)
            content = await content_to_sign(session, actor_of(request), settings_of(request), note_id=note.id)
            ways = await _ways_to_sign(session, request)
    except Invalid as error:
        async with opened_transaction(request) as session:
            return await editor_page(request, await draft_for(session, actor_of(request), id_in(request)), error=error)
    return await _step_up(request, note, content, ways=ways)


@own_transactions
async def sign(request: web.Request) -> web.StreamResponse:
    """Sign, and show the signed note."""
    form = await read_form(request)
    try:
        note = await sign_note(
            signing_of(request),
            actor_of(request),
            note_id=id_in(request),
            version=forms.read_version(form),
            key_images=form.getall("key_image", []),
            proof=read_proof(form),
            address=address_of(request),
            shown=form.get("shown", ""),
        )
    except (Conflict, Invalid, Refused, TooMany) as error:
        return await _refused(request, error)
    return to_note(request, note)


@own_transactions
async def pdf(request: web.Request) -> web.StreamResponse:
    """The signed file, to keep. A stranger's viewer opens it, never our own page."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        newest = await read_pdf(session, actor_of(request), id_in(request))
    return _pdf(await objects_of(request).get(newest.object_key), f"note-{id_in(request)}.pdf", inline=False)


async def acknowledge(request: web.Request) -> web.StreamResponse:
    """The requester has read the note: the consult is closed."""
    consult = await acknowledge_note(
        db(request), actor_of(request), consult_id=id_in(request), excerpt_days=settings_of(request).excerpt_days
    )
    flash(request, _("The note is acknowledged. The consult is closed."))
    return to_page(request, "consults.show", id=consult.id)


async def _refused(request: web.Request, error: Conflict | Invalid | Refused | TooMany) -> web.StreamResponse:
    """The step again with what was wrong; the signed note for who pressed twice."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        note = await draft_for(session, actor_of(request), id_in(request))
        if note.status is not CompositionStatus.PRELIMINARY:
            flash(request, _("This note is already signed."))
            return to_note(request, note)
        content = await preview_content(session, actor_of(request), settings_of(request), note_id=note.id)
        ways = await _ways_to_sign(session, request)
    response = await _step_up(request, note, content, ways=ways, errors=error, status=error.status)
    tell_when(response, error)
    return response


async def _ways_to_sign(session: AsyncSession, request: web.Request) -> WaysToSign:
    return await ways_to_sign(session, settings_of(request), actor_of(request))


async def _step_up(request: web.Request, note: Composition, content: NoteContent, **context: Any) -> web.Response:
    """The last step: the very rendering that will be signed, and what it takes to sign it."""
    shown = await show_rendering(signing_of(request), actor_of(request), content)
    return note_page(request, "signature", note=note, shown=shown.digest, **_content(shown.content), **context)


def signing_of(request: web.Request) -> Signing:
    """What signing needs of this installation."""
    return Signing(
        sessions_of(request), settings_of(request), objects_of(request), sealer_of(request), press_of(request)
    )


def _content(content: NoteContent) -> dict[str, Any]:
    """What a note says, and its pictures with words in the reader's language."""
    return {"content": content, "pictures": shown_images(content.key_images, current_locale())}


def inline_pdf(content: bytes, name: str) -> web.Response:
    """A file of ours that the browser shows with its own viewer."""
    return _pdf(content, name, inline=True)


def _pdf(content: bytes, name: str, *, inline: bool) -> web.Response:
    return web.Response(
        body=content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'{"inline" if inline else "attachment"}; filename="{name}"',
            "Content-Security-Policy": PREVIEW_POLICY if inline else "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        },
    )
