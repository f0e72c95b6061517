"""Pictures out of the video, kept among the consult's images: asked for by the room's script."""

from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Invalid
from teleconsult.imaging.captures.stills import LARGEST, Album
from web import captures
from web.forms.agreements import FIELDS, agreement_in
from web.i18n import gettext as _
from web.requests import (
    actor_of,
    id_in,
    objects_of,
    own_transactions,
    receiver_of,
    sandbox_of,
    sessions_of,
    takes_files,
)
from web.uploads import uploaded_form

PICTURE: Final = "picture"
_BODY: Final = LARGEST + 64 * 1024


@own_transactions
@takes_files
async def create(request: web.Request) -> web.StreamResponse:
    """Keep a picture that was frozen out of the video; the patient agrees, or there is none."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        await encounter_for(session, actor_of(request), id_in(request))
    async with uploaded_form(request, name=PICTURE, fields=FIELDS, limit=_BODY) as (files, told):
        name = agreement_in(told)
        if len(files) != 1:
            raise Invalid({PICTURE: "Choose the files to send."})
        comment = _("Out of the video of a teleconsultation; the patient agreed that it is kept.")
        if name:
            comment = _("Out of the video of a teleconsultation; %(name)s agreed for the patient.", name=name)
        album = Album(sessions_of(request), receiver_of(request), sandbox_of(request), objects_of(request))
        kept = await album.keep(
            actor_of(request), consult_id=id_in(request), file=files[0], words=captures.words(), comment=comment
        )
    address = request.app.router["studies.show"].url_for(uid=kept.study_uid).with_query(id=str(kept.study_id))
    return web.json_response({"study": str(kept.study_id), "url": str(address)}, status=201)
