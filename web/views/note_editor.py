"""The draft of a note to write in: what stands beside it to be put in, and its saves."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.directory.dictation import allows_dictation
from teleconsult.errors import Conflict, Invalid
from teleconsult.notes.content import SECTIONS
from teleconsult.notes.drafting import save_draft
from teleconsult.notes.keeping import keeping_secret
from teleconsult.notes.measured import measured_on_images
from teleconsult.notes.models import Composition
from teleconsult.notes.phrasing import phrases_at_hand, put_below, template_for, templates_at_hand
from teleconsult.notes.queries import draft_for
from web.bodies import read_form
from web.errors import wants_json
from web.file_lines import lines_to_insert
from web.forms import notes as forms
from web.requests import actor_of, begin_again, db, id_in, settings_of, to_page
from web.views.calls import summary_for
from web.views.excerpts import excerpt_context
from web.views.key_images import pictures_of
from web.views.note_pages import is_framed, note_page, to_note


async def save(request: web.Request) -> web.StreamResponse:
    """Keep the draft: by script every time something changed (JSON), by a button without one, or on to signing."""
    version, sections = await forms.read_note(request)
    chosen = "" if wants_json(request) else (await read_form(request)).get("next", "")
    put_in = {} if wants_json(request) else await _put_in(request, sections)
    try:
        note = await save_draft(
            db(request),
            actor_of(request),
            note_id=id_in(request),
            version=version,
            sections=sections | put_in,
            is_turn=bool(put_in),
        )
    except (Conflict, Invalid) as error:
        if wants_json(request):
            raise
        return await editor_again(request, error, sections | put_in)
    if wants_json(request):
        return web.json_response({"version": note.version, "saved_at": note.updated_at.isoformat()})
    if chosen == "signature":
        return to_page(request, "notes.signature", id=note.id)
    return to_note(request, note)


async def editor_again(
    request: web.Request, error: Conflict | Invalid, sections: Mapping[str, str]
) -> web.StreamResponse:
    """The editor with the words that were sent; after a conflict, beside those that were saved elsewhere."""
    await begin_again(request)
    note = await draft_for(db(request), actor_of(request), id_in(request))
    return await editor_page(request, note, typed=sections, error=error)


async def editor_page(
    request: web.Request,
    note: Composition,
    *,
    typed: Mapping[str, str] | None = None,
    error: Conflict | Invalid | None = None,
) -> web.StreamResponse:
    """The draft to write in, and what can be put into it; on a page of its own with the excerpt beside it."""
    session, actor = db(request), actor_of(request)
    consult = await consult_for(session, actor, note.service_request_id)
    assert actor.account_id is not None, "who writes a note has signed in"
    secret = keeping_secret(settings_of(request).secret_key, account_id=actor.account_id, note_id=note.id)
    return note_page(
        request,
        "editor",
        status=error.status if error else 200,
        note=note,
        consult=consult,
        typed={**dict.fromkeys(SECTIONS, ""), **note.sections, **(typed or {})},
        errors=error or {},
        is_conflict=isinstance(error, Conflict),
        pictures=pictures_of(note),
        summary=await summary_for(request, note, consult),
        keeping_secret=secret,
        is_beside_call=is_framed(request),
        **await _at_hand(request, note, consult),
    )


async def _at_hand(request: web.Request, note: Composition, consult: ServiceRequest) -> dict[str, Any]:
    """Templates, phrases, and lines of what was shared; whether they may dictate."""
    session, actor = db(request), actor_of(request)
    beside = await excerpt_context(request, consult.id, again=is_framed(request))
    measured = await measured_on_images(session, actor, consult_id=consult.id) if beside["excerpt"] else ()
    return beside | {
        "templates": await templates_at_hand(
            session, actor, specialty=consult.service.specialty if consult.service else None
        ),
        "phrases": await phrases_at_hand(session, actor),
        "file_lines": lines_to_insert(beside["entries"], measured, language=note.language, zone=actor.time_zone),
        "allows_dictation": await allows_dictation(session, actor),
    }


async def _put_in(request: web.Request, sections: Mapping[str, str]) -> dict[str, str]:
    """What a button puts below the words that stand there, where no script does: a template, a phrase, a line."""
    session, actor, form = db(request), actor_of(request), await read_form(request)
    if form.get("template"):
        template = await template_for(session, actor, forms.read_template_id(form))
        return {name: put_below(sections.get(name, ""), str(text)) for name, text in template.sections.items() if text}
    if form.get("phrase"):
        return {"opinion": put_below(sections.get("opinion", ""), form["phrase"])}
    if form.get("line"):
        return {"findings": put_below(sections.get("findings", ""), form["line"])}
    if form.get("next") == "summary":
        note = await draft_for(session, actor, id_in(request))
        consult = await consult_for(session, actor, note.service_request_id)
        findings = [sections.get("findings", "").strip(), await summary_for(request, note, consult)]
        return {"findings": "\n\n".join(filter(None, findings))}
    return {}
