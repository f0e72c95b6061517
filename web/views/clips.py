"""Clips that the page of a session recorded by itself, kept among the consult's images once the line carries them."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Invalid, Refused
from teleconsult.imaging.captures.stills import Album
from teleconsult.imaging.receiving import Received
from teleconsult.settings import Settings
from web import captures
from web.forms.agreements import AGREED, agreement_in
from web.i18n import gettext as _
from web.kept_uploads import KeptUpload
from web.requests import actor_of, id_in, objects_of, receiver_of, sandbox_of, sessions_of
from web.tus import Landing, Whose

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of one clip: a minute, as browsers record it, is half of that."""


class ClipUploads(Landing):
    """A clip on its way among the images."""

    async def whose(self, request: web.Request) -> Whose:
        """One of the two whose session it is, while its room is open."""
        consult_id = id_in(request)
        async with transaction(sessions_of(request), actor_of(request)) as session:
            live = await encounter_for(session, actor_of(request), consult_id)
        if not live.is_open:
            raise Refused("The room of this consult is closed.")
        return Whose(consult_id, live.mine.participant.id)

    def largest(self, settings: Settings) -> int:
        """Of one clip."""
        return min(LARGEST, settings.upload_file_limit)

    def said(self, told: Mapping[str, str]) -> str:
        """Who agreed, as it will stand in the object's header."""
        name = agreement_in(told)
        if name:
            return _("Recorded during a teleconsultation; %(name)s agreed for the patient.", name=name)
        return _("Recorded during a teleconsultation; the patient agreed that it is kept.")

    async def take_in(self, request: web.Request, whose: Whose, upload: KeptUpload) -> dict[str, Any]:
        """Where it stands among the images."""
        if not upload.subject:  # it came by another door
            raise Invalid({AGREED: "Ask the patient first: without their agreement nothing is kept."})
        album = Album(
            sessions_of(request),
            receiver_of(request),
            sandbox_of(request),
            objects_of(request),
            videos=captures.videos_of(request),
        )
        kept = await album.keep(
            actor_of(request),
            consult_id=whose.consult_id,
            file=Received(upload.name, upload.bytes),
            words=captures.words(),
            comment=upload.subject,
        )
        return {"study": str(kept.study_id)}

    def in_words(self, request: web.Request, kept: dict[str, Any]) -> dict[str, Any]:
        """The page says it."""
        return kept


CLIPS: Final = ClipUploads("clip_uploads.show")
