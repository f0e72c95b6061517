"""How a session went, as the consult's page shows it and the note is offered it."""

from typing import Any

from aiohttp import web

from teleconsult.consults.models import ServiceRequest
from teleconsult.encounters.call_chart import chart_of
from teleconsult.encounters.chat_files import files_of
from teleconsult.encounters.chat_kept import chat_kept
from teleconsult.encounters.summing import latest_call
from teleconsult.notes.models import Composition
from web.call_words import RUNG_NAMES, WHY_NAMES, call_in_words, length_in_words, summary_of
from web.i18n import using_locale
from web.requests import actor_of, db


async def held_context(request: web.Request, consult: ServiceRequest) -> dict[str, Any]:
    """What `consults/_held.html.jinja` needs: the last session of a consult, `call` None where none was held; and what
    was sent in its chat, for who was in it.
    """
    files = await files_of(db(request), actor_of(request), consult.id)
    chat = await chat_kept(db(request), actor_of(request), consult.id)
    call = await latest_call(db(request), consult)
    if call is None:
        return {"call": None, "sent_files": files, "chat": chat}
    return {
        "sent_files": files,
        "chat": chat,
        "call": call,
        "told": call_in_words(call),
        "charts": chart_of(call),
        "rung_names": RUNG_NAMES,
        "why_names": WHY_NAMES,
        "length_in_words": length_in_words,
    }


async def summary_for(request: web.Request, note: Composition, consult: ServiceRequest) -> str:
    """How the session was held, as a sentence in the note's language; nothing where none was."""
    call = await latest_call(db(request), consult)
    if call is None:
        return ""
    with using_locale(note.language):
        return summary_of(call, actor_of(request).time_zone)
