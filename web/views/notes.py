"""The note of a consult: writing it, signing it, reading it. Each page is also a part of the room's page."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from teleconsult.accounts.stepping_up import ways_of
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.db import transaction
from teleconsult.delivery.actions import acknowledge_note
from teleconsult.delivery.queries import delivery_of
from teleconsult.documents.pictures import shown_images
from teleconsult.errors import Conflict, Invalid, NotFound, Refused, TooMany
from teleconsult.notes.content import SECTIONS, NoteContent
from teleconsult.notes.drafting import open_note, save_draft
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for, note_for, read_note, read_pdf
from teleconsult.notes.signing import Signing, content_to_sign, preview_content, sign_note
from teleconsult.patients.breaking_glass import opening_about
from web.bodies import read_form
from web.errors import wants_json
from web.flash import flash
from web.forms import notes as forms
from web.i18n import current_locale
from web.i18n import gettext as _
from web.rendering import render
from web.requests import (
    actor_of,
    address_of,
    begin_again,
    db,
    frame_of,
    id_in,
    objects_of,
    own_transactions,
    press_of,
    sealer_of,
    sessions_of,
    settings_of,
    to_page,
)
from web.views.calls import summary_for
from web.views.excerpts import excerpt_context
from web.views.key_images import pictures_of
from web.views.step_up import read_proof

FRAME = "note"
STATE_FRAME = "note-state"
"""The part of a signed note that changes: its delivery, and the requester's word."""

PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""For a document of our own making that the browser shows with its own viewer (which styles itself)."""


async def create(request: web.Request) -> web.StreamResponse:
    """Open the note of a consult: the draft there is, or a new one."""
    note = await open_note(db(request), actor_of(request), consult_id=id_in(request))
    return _to_note(request, note)


async def show(request: web.Request) -> web.StreamResponse:
    """The editor while it is the author's draft, the note once it is signed."""
    session, actor, frame = db(request), actor_of(request), frame_of(request)
    looked_at_again = frame == STATE_FRAME
    note = await (note_for if looked_at_again else read_note)(session, actor, id_in(request))
    if note.status is CompositionStatus.PRELIMINARY:
        return await _editor(request, note)
    assert note.content is not None  # a signed note is whole: the database checks
    try:
        consult = await consult_for(session, actor, note.service_request_id)
    except NotFound:  # who treats the patient elsewhere reads the note and knows nothing of the consult
        consult = None
    return _page(
        request,
        "state" if looked_at_again else "signed",
        note=note,
        **_content(NoteContent.from_bytes(note.content)),
        opening=await opening_about(session, actor, note.patient_id),
        consult=consult,
        delivery=await delivery_of(session, note),
        may_acknowledge=consult is not None and may(consult, actor, Verb.ACKNOWLEDGE),
    )


async def save(request: web.Request) -> web.StreamResponse:
    """Keep the draft: by script every time something changed (JSON), by a button without one, or on to signing."""
    version, sections = await forms.read_note(request)
    chosen = "" if wants_json(request) else (await read_form(request)).get("next", "")
    if chosen == "summary":
        sections = await _with_summary(request, sections)
    try:
        note = await save_draft(
            db(request), actor_of(request), note_id=id_in(request), version=version, sections=sections
        )
    except (Conflict, Invalid) as error:
        if wants_json(request):
            raise
        return await _editor_again(request, error, sections)
    if wants_json(request):
        return web.json_response({"version": note.version, "saved_at": note.updated_at.isoformat()})
    if chosen == "signature":
        return to_page(request, "notes.signature", id=note.id)
    return _to_note(request, note)


@own_transactions
async def preview(request: web.Request) -> web.StreamResponse:
    """The draft as it would be printed."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        content = await preview_content(session, actor_of(request), settings_of(request), note_id=id_in(request))
    printed = await press_of(request).note(content, is_signed=False)
    return _pdf(printed, f"draft-{content.consult_number}.pdf", inline=True)


async def signature(request: web.Request) -> web.StreamResponse:
    """Read once more, then show who one is."""
    return await _step_up(request)


@own_transactions
async def sign(request: web.Request) -> web.StreamResponse:
    """Sign, and show the signed note."""
    form = await read_form(request)
    signing = Signing(
        sessions_of(request), settings_of(request), objects_of(request), sealer_of(request), press_of(request)
    )
    try:
        note = await sign_note(
            signing,
            actor_of(request),
            note_id=id_in(request),
            version=forms.read_version(form),
            key_images=form.getall("key_image", []),
            proof=read_proof(form),
            address=address_of(request),
        )
    except (Conflict, Invalid, Refused, TooMany) as error:
        return await _refused(request, error)
    return _to_note(request, note)


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
            flash(request, _(error.message, **error.values))
            return _to_note(request, note)
        content = await preview_content(session, actor_of(request), settings_of(request), note_id=note.id)
        ways = await ways_of(session, settings_of(request), actor_of(request))
    response = _page(request, "signature", note=note, **_content(content), ways=ways, errors=error, status=error.status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _step_up(request: web.Request) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    note = await draft_for(session, actor, id_in(request))
    if note.status is not CompositionStatus.PRELIMINARY:
        return _to_note(request, note)
    try:
        content = await content_to_sign(session, actor, settings_of(request), note_id=note.id)
    except Invalid as error:
        return await _editor_again(request, error, note.sections)
    ways = await ways_of(session, settings_of(request), actor)
    return _page(request, "signature", note=note, **_content(content), ways=ways)


async def _editor_again(
    request: web.Request, error: Conflict | Invalid, sections: Mapping[str, str]
) -> web.StreamResponse:
    """The editor with the words that were sent; after a conflict, beside those that were saved elsewhere."""
    await begin_again(request)
    note = await draft_for(db(request), actor_of(request), id_in(request))
    return await _editor(request, note, typed=sections, error=error)


async def _editor(
    request: web.Request,
    note: Composition,
    *,
    typed: Mapping[str, str] | None = None,
    error: Conflict | Invalid | None = None,
) -> web.StreamResponse:
    """The draft to write in; on a page of its own with the excerpt beside it."""
    session, actor = db(request), actor_of(request)
    consult = await consult_for(session, actor, note.service_request_id)
    context: dict[str, Any] = {"consult": consult, "summary": await summary_for(request, note, consult)}
    if not _framed(request):
        context |= await excerpt_context(request, note.service_request_id)
    return _page(
        request,
        "editor",
        status=error.status if error else 200,
        note=note,
        typed={**dict.fromkeys(SECTIONS, ""), **note.sections, **(typed or {})},
        errors=error or {},
        is_conflict=isinstance(error, Conflict),
        pictures=pictures_of(note),
        **context,
    )


async def _with_summary(request: web.Request, sections: dict[str, str]) -> dict[str, str]:
    """What is written, and below the findings how the session was held."""
    note = await draft_for(db(request), actor_of(request), id_in(request))
    consult = await consult_for(db(request), actor_of(request), note.service_request_id)
    findings = [sections.get("findings", "").strip(), await summary_for(request, note, consult)]
    return sections | {"findings": "\n\n".join(filter(None, findings))}


def _content(content: NoteContent) -> dict[str, Any]:
    """What a note says, and its pictures with words in the reader's language."""
    return {"content": content, "pictures": shown_images(content.key_images, current_locale())}


def _page(request: web.Request, name: str, *, status: int = 200, **context: Any) -> web.Response:
    """A whole page, or only the frame that was asked for."""
    prefix = "_" if _framed(request) else ""
    return render(request, f"notes/{prefix}{name}.html.jinja", status=status, **context)


def _framed(request: web.Request) -> bool:
    return frame_of(request) in (FRAME, STATE_FRAME)


def _to_note(request: web.Request, note: Composition) -> web.Response:
    return to_page(request, "notes.show", id=note.id)


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
