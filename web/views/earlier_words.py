"""Earlier words of a draft: looked at, and taken back."""

from aiohttp import web

from teleconsult.errors import Conflict
from teleconsult.notes.drafting import take_back as take_words_back
from teleconsult.notes.earlier import earlier_words
from teleconsult.notes.models import CompositionStatus
from teleconsult.notes.queries import draft_for
from web.bodies import read_form
from web.flash import flash
from web.forms.notes import read_earlier, read_version
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, begin_again, db, frame_of, id_in, to_page

FRAME = "note"


async def index(request: web.Request) -> web.StreamResponse:
    """How the draft stood before, latest first."""
    return await _page(request)


async def take_back(request: web.Request) -> web.StreamResponse:
    """Put one of them back into the draft; what stands there now is kept as the others are."""
    form = await read_form(request)
    note = await draft_for(db(request), actor_of(request), id_in(request))
    try:
        await take_words_back(
            db(request),
            actor_of(request),
            note_id=note.id,
            earlier=read_earlier(form),
            version=read_version(form),
        )
    except Conflict:
        return await _page(request, status=409)
    flash(request, _("The earlier words are back in the note. Those that stood there are kept here too."))
    return to_page(request, "notes.show", id=note.id)


async def _page(request: web.Request, *, status: int = 200) -> web.StreamResponse:
    if status != 200:
        await begin_again(request)
    session, actor = db(request), actor_of(request)
    note = await draft_for(session, actor, id_in(request))
    if note.status is not CompositionStatus.PRELIMINARY:
        return to_page(request, "notes.show", id=note.id)
    prefix = "_" if frame_of(request) == FRAME else ""
    return render(
        request,
        f"notes/{prefix}earlier.html.jinja",
        status=status,
        note=note,
        kept=await earlier_words(session, actor, note_id=note.id),
        is_conflict=status != 200,
    )
