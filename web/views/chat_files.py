"""Files of the chat: sent in as many requests as the link needs (`web.tus`), fetched by who may read their line.

The two whose session it is come by the consult, a guest by the device that opened their link.
"""

import re
import uuid
from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.encounters.chat_files import LARGEST, ChatFiles, chat_file, may_send
from teleconsult.encounters.models import FileKind
from teleconsult.errors import NotFound
from teleconsult.imaging.receiving import Received
from teleconsult.settings import Settings
from web.api.parts import Part, part_of_bytes, part_of_object, send_one
from web.kept_uploads import KeptUpload
from web.requests import id_in, objects_of, own_transactions, sandbox_of, sessions_of
from web.tus import Landing, Whose
from web.visitors import visitor_of

_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._ -]")
"""What browsers write to the disk in different ways (RFC 6266 §4.3)."""
PRIVATE: Final = {"Cache-Control": "private, no-store"}


class ChatUploads(Landing):
    """A picture or a PDF on its way into the chat."""

    async def whose(self, request: web.Request) -> Whose:
        """Theirs who sit in the session, a guest's who was let in."""
        actor, consult_id = await visitor_of(request)
        async with transaction(sessions_of(request), actor) as session:
            live = await may_send(session, actor, consult_id=consult_id)
        return Whose(consult_id, live.mine.participant.id)

    def largest(self, settings: Settings) -> int:
        """Less than images may have."""
        return min(LARGEST, settings.upload_file_limit)

    async def take_in(self, request: web.Request, whose: Whose, upload: KeptUpload) -> dict[str, Any]:
        """The line it became: the same for the same upload, however often that is asked."""
        actor, _consult_id = await visitor_of(request)
        files = ChatFiles(sessions_of(request), sandbox_of(request), objects_of(request))
        message_id = uuid.uuid5(whose.consult_id, upload.token)
        file = Received(upload.name, upload.bytes)
        line = await files.send(actor, consult_id=whose.consult_id, message_id=message_id, file=file)
        return {"line": str(line.id)}

    def in_words(self, request: web.Request, kept: dict[str, Any]) -> dict[str, Any]:
        """There is nothing to say: the chat shows it."""
        return kept


OWN: Final = ChatUploads("chat_uploads.show")
GUESTS: Final = ChatUploads("guest_chat_uploads.show")


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """The file: a picture to be seen, a document to be kept. That it was fetched is written down."""
    actor, consult_id = await visitor_of(request)
    line_id = id_in(request, "file")
    async with transaction(sessions_of(request), actor) as session:
        line = await chat_file(session, actor, consult_id=consult_id, line_id=line_id)
    assert line.file_key is not None and line.file_size is not None and line.file_kind is not None, "it has a file"
    part = part_of_object(objects_of(request), line.file_key, line.file_kind.value, start=0, length=line.file_size)
    return await _send(request, part, line.id, "" if line.file_kind is FileKind.PICTURE else line.text)


@own_transactions
async def preview(request: web.Request) -> web.StreamResponse:
    """A small picture of it, for the chat. Raises NotFound where it has none."""
    actor, consult_id = await visitor_of(request)
    line_id = id_in(request, "file")
    async with transaction(sessions_of(request), actor) as session:
        line = await chat_file(session, actor, consult_id=consult_id, line_id=line_id, is_opened=False)
    if line.preview_key is None:
        raise NotFound
    content = await objects_of(request).get(line.preview_key)
    return await _send(request, part_of_bytes(content, FileKind.PICTURE.value), line.id, "")


async def _send(request: web.Request, part: Part, line_id: uuid.UUID, name: str) -> web.StreamResponse:
    plain = _UNUSUAL.sub("_", name)
    return await send_one(request, part, tag=f'"{line_id.hex}"', name=plain, headers=PRIVATE)
