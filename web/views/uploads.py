"""Large files to a consult in as many requests as the link needs (`web.tus`).

Once whole, a file goes in by the same door as those of the form (`images.create`).
"""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.imaging.actions import consult_to_fill
from teleconsult.imaging.receiving import Received
from teleconsult.settings import Settings
from web import captures
from web.kept_uploads import KeptUpload
from web.receipts import Receipt
from web.requests import actor_of, id_in, sessions_of
from web.tus import Landing, Whose


class ImageUploads(Landing):
    """Images, and what else a doctor brings to a consult."""

    async def whose(self, request: web.Request) -> Whose:
        """Theirs who may add images to this consult now."""
        actor, consult_id = actor_of(request), id_in(request)
        async with transaction(sessions_of(request), actor) as session:
            await consult_to_fill(session, actor, consult_id)
        return Whose(consult_id, actor.role_id)

    def largest(self, settings: Settings) -> int:
        """As for any file."""
        return settings.upload_file_limit

    def said(self, told: Mapping[str, str]) -> str:
        """What it shows, where it is no DICOM."""
        subject = told.get("subject", "")
        captures.brought(subject)
        return subject

    async def take_in(self, request: web.Request, whose: Whose, upload: KeptUpload) -> dict[str, Any]:
        """What became of each file in it."""
        files = [Received(upload.name, upload.bytes)]
        return Receipt.of(await captures.take_in(request, whose.consult_id, files, subject=upload.subject)).as_kept()

    def in_words(self, request: web.Request, kept: dict[str, Any]) -> dict[str, Any]:
        """With the reasons of what was refused."""
        return Receipt(**kept).in_words()


IMAGES: Final = ImageUploads("uploads.show")
