"""Key images of a note: put into it from the viewer, shown with its words, ordered, taken out again."""

import asyncio

from aiohttp import web

from teleconsult.consults.queries import consult_for
from teleconsult.db import transaction
from teleconsult.documents.pictures import ShownImage, shown_images
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.rendering import Drawing
from teleconsult.notes.choosing import image_to_choose, key_image
from teleconsult.notes.content import KeyImage
from teleconsult.notes.key_images import PICTURE_SIZE, add_key_image, as_jpeg, move_key_image, remove_key_image
from teleconsult.notes.models import Composition
from teleconsult.notes.queries import draft_for
from web.bodies import read_form
from web.forms.key_images import read_key_image
from web.i18n import current_locale
from web.rendering import render
from web.requests import actor_of, db, frame_of, id_in, own_transactions, renditions_of, sessions_of, to_page
from web.views.studies import not_acceptable

FRAME = "note-pictures"


async def index(request: web.Request) -> web.StreamResponse:
    """The key images of a draft, as a part of its page; on their own they lead to the note."""
    note = await draft_for(db(request), actor_of(request), id_in(request))
    if frame_of(request) != FRAME:
        return to_page(request, "notes.show", id=note.id)
    return render(request, "notes/_key_images.html.jinja", note=note, pictures=pictures_of(note))


def pictures_of(note: Composition) -> list[ShownImage]:
    """Those of a draft, in the reader's language; printed they speak the note's."""
    return shown_images(map(KeyImage.of, note.key_images), current_locale())


@own_transactions
async def create(request: web.Request) -> web.StreamResponse:
    """Put what is seen in the viewer into the note of a consult, which is begun where there is none."""
    actor, consult_id = actor_of(request), id_in(request)
    async with transaction(sessions_of(request), actor) as session:
        await consult_for(session, actor, consult_id)
    seen = await read_key_image(request)
    async with transaction(sessions_of(request), actor) as session:
        chosen = await image_to_choose(
            session,
            actor,
            consult_id=consult_id,
            study_uid=seen.study_uid,
            study_id=seen.study_id,
            sop_uid=seen.sop_uid,
            frame=seen.frame,
            reports=seen.reports,
        )
    is_large = max(chosen.instance.rows, chosen.instance.columns) > PICTURE_SIZE
    drawing = Drawing("image/png", window=seen.window, viewport=(PICTURE_SIZE, PICTURE_SIZE) if is_large else None)
    try:
        drawn = await renditions_of(request).drawn(chosen.instance, seen.frame, drawing)
    except Unreadable as error:
        return not_acceptable(error)
    picture = await asyncio.to_thread(as_jpeg, drawn, is_inverted=seen.is_inverted)
    image = key_image(chosen, window=seen.window, picture=picture)
    async with transaction(sessions_of(request), actor) as session:
        note = await add_key_image(session, actor, consult_id=consult_id, image=image)
    address = request.app.router["notes.show"].url_for(id=str(note.id))
    is_new = any(kept["id"] == image.id for kept in note.key_images)
    return web.json_response({"count": len(note.key_images), "note": address.path}, status=201 if is_new else 200)


async def remove(request: web.Request) -> web.StreamResponse:
    """Take one out of the draft again."""
    form = await read_form(request)
    note = await remove_key_image(
        db(request), actor_of(request), note_id=id_in(request), image_id=form.get("image", "")
    )
    return _again(request, note)


async def order(request: web.Request) -> web.StreamResponse:
    """Move one a place further up or down."""
    form = await read_form(request)
    earlier, later = form.get("earlier", ""), form.get("later", "")
    note = await move_key_image(
        db(request),
        actor_of(request),
        note_id=id_in(request),
        image_id=earlier or later,
        by=-1 if earlier else 1,
    )
    return _again(request, note)


def _again(request: web.Request, note: Composition) -> web.StreamResponse:
    return to_page(request, "key_images.index" if frame_of(request) == FRAME else "notes.show", id=note.id)
