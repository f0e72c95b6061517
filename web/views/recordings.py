"""Recordings of sessions: opened, played, deleted."""

from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.encounters.jobs import erase_soon
from teleconsult.encounters.kept_recordings import delete_recording, note_playing, playable_file, view_recording
from teleconsult.encounters.recorded_files import PURPOSE
from teleconsult.sealed_files import read_sealed
from teleconsult.sealing import Sealer
from web.api.parts import Part, send_one
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import LOOKS, actor_of, db, id_in, objects_of, own_transactions, sessions_of, settings_of, to_page

VIDEO: Final = "video/webm"
AUDIO: Final = "audio/webm"


async def show(request: web.Request) -> web.StreamResponse:
    """What was recorded, who agreed, and a player for each file."""
    actor = actor_of(request)
    kept = await view_recording(db(request), actor, id_in(request))
    request.app[LOOKS].note(actor, kept.recording.id)
    return render(request, "recordings/show.html.jinja", kept=kept)


@own_transactions
async def play(request: web.Request) -> web.StreamResponse:
    """A file or the range of it that a player asks for, opened a few chunks at a time."""
    actor, looks, objects = actor_of(request), request.app[LOOKS], objects_of(request)
    async with transaction(sessions_of(request), actor) as session:
        file, kept = await playable_file(session, actor, id_in(request, "file"))
        is_new = looks.are_new(actor, kept.recording.id)
        if is_new:
            note_playing(session, actor, kept)
    if is_new:
        looks.note(actor, kept.recording.id)
    assert file.sealed_key and file.object_key and file.size, "playable"
    key = Sealer(settings_of(request).secret_key, PURPOSE).open(file.sealed_key)
    object_key, size, name = file.object_key, file.size, file.id.bytes

    async def read(begin: int, end: int | None) -> AsyncIterator[bytes]:
        length = (size if end is None else end) - begin
        async for piece in read_sealed(objects, object_key, key, name=name, start=begin, length=length):
            yield piece

    part = Part(VIDEO if file.has_video else AUDIO, size, read)
    return await send_one(request, part, tag=f'"{file.id.hex}"', headers={"Cache-Control": "private, no-store"})


async def delete(request: web.Request) -> web.StreamResponse:
    """The doctor deletes it before its time, and says why."""
    form = await read_form(request)
    session, reason = db(request), str(form.get("reason", ""))
    kept = await delete_recording(session, actor_of(request), recording_id=id_in(request), reason=reason)
    await erase_soon(session)
    flash(request, _("The recording is deleted."))
    return to_page(request, "recordings.show", id=kept.recording.id)
