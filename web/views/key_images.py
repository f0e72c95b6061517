"""Key images of a note: put into it from the viewer, shown beside its words, taken out again."""

import asyncio

from aiohttp import web

from teleconsult.consults.queries import consult_for
from teleconsult.db import transaction
from teleconsult.imaging.refusals import Unreadable
from teleconsult.notes.key_images import (
    PICTURE_SIZE,
    add_key_image,
    as_jpeg,
    described,
    image_to_choose,
    remove_key_image,
)
from teleconsult.notes.queries import draft_for
from web.bodies import read_form
from web.forms.key_images import read_key_image
from web.rendering import render
from web.requests import actor_of, db, frame_of, id_in, own_transactions, renditions_of, sessions_of, to_page
from web.views.studies import not_acceptable

FRAME = "note-pictures"


async def index(request: web.Request) -> web.StreamResponse:
    """The key images of a draft, as a part of its page; on their own they lead to the note."""
    note = await draft_for(db(request), actor_of(request), id_in(request))
    if frame_of(request) != FRAME:
        return to_page(request, "notes.show", id=note.id)
    return render(request, "notes/_key_images.html.jinja", note=note)


@own_transactions
async def create(request: web.Request) -> web.StreamResponse:
    """Put what is seen in the viewer into the note of a consult, which is begun where there is none."""
    actor, consult_id = actor_of(request), id_in(request)
    async with transaction(sessions_of(request), actor) as session:
        await consult_for(session, actor, consult_id)
    seen = await read_key_image(request)
    async with transaction(sessions_of(request), actor) as session:
        instance, series = await image_to_choose(
            session,
            actor,
            consult_id=consult_id,
            study_uid=seen.study_uid,
            study_id=seen.study_id,
            sop_uid=seen.sop_uid,
            frame=seen.frame,
        )
    try:
        drawn = await renditions_of(request).picture(instance, seen.frame, window=seen.window, size=PICTURE_SIZE)
    except Unreadable as error:
        return not_acceptable(error)
    image = described(
        instance,
        series,
        study_uid=seen.study_uid,
        frame=seen.frame,
        window=seen.window,
        measurements=seen.measurements,
        picture=await asyncio.to_thread(as_jpeg, drawn, is_inverted=seen.is_inverted),
    )
    async with transaction(sessions_of(request), actor) as session:
        note = await add_key_image(session, actor, consult_id=consult_id, image=image)
    return web.json_response({"count": len(note.key_images)}, status=201)


async def remove(request: web.Request) -> web.StreamResponse:
    """Take one out of the draft again."""
    form = await read_form(request)
    note = await remove_key_image(
        db(request), actor_of(request), note_id=id_in(request), image_id=form.get("image", "")
    )
    return to_page(request, "key_images.index" if frame_of(request) == FRAME else "notes.show", id=note.id)
