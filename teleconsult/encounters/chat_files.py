"""Files in the chat of a session: pictures and PDFs, looked through before anybody gets them.

They belong to the chat and not to the patient's file: who reads a line may fetch what it carries, and it is erased with
the chat. A guest sends one as they write a line, and fetches what was sent since they were let in.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.audit import record
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import say, session_for
from teleconsult.encounters.guest_room import guest_session
from teleconsult.encounters.models import ChatMessage, Encounter, FileKind, GuestPass, SentFile
from teleconsult.encounters.queries import RoomSession, encounter_for
from teleconsult.errors import Invalid, NotFound, Refused, TooMany
from teleconsult.imaging.archives import shown_name
from teleconsult.imaging.captures.kinds import Medium
from teleconsult.imaging.captures.making import medium_at
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal, Unreadable, sentence
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, new_keys

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of one file, as it comes: a telephone's photograph."""
MOST: Final = 50
"""Files one participant may send in one session."""
KIND: Final = "chat"
_PREVIEW: Final = {"most": 320 * 320, "quality": 70}
_AGAIN: Final = 3600
"""Seconds after which it is worth asking again: the session will be over."""


@dataclass(frozen=True, slots=True)
class ChatFiles:
    """Where they are looked through and kept."""

    sessions: Sessions
    sandbox: Sandbox
    objects: Objects

    async def send(self, actor: Actor, *, consult_id: uuid.UUID, message_id: uuid.UUID, file: Received) -> ChatMessage:
        """Put a file into the chat; the same `message_id` from the same person again is the same line.

        The caller removes what came. Raises NotFound and Refused as `say`, TooMany after fifty of one person, Invalid
        for what is neither a picture nor a PDF that can be read.
        """
        async with transaction(self.sessions, actor) as session:
            await may_send(session, actor, consult_id=consult_id)
        kind, content, preview = await self._looked_through(file)
        key, preview_key = new_keys(KIND, 2)
        sent = SentFile(kind, key, len(content), preview_key if preview else None)
        line: ChatMessage | None = None
        try:
            await self.objects.put(key, content)
            if preview:
                await self.objects.put(preview_key, preview)
            name = shown_name(file.name)
            async with transaction(self.sessions, actor) as session:
                line = await say(session, actor, consult_id=consult_id, message_id=message_id, text=name, file=sent)
        finally:
            if line is None or line.file_key != key:  # refused meanwhile, or here already
                await self.objects.delete(key)
                await self.objects.delete(preview_key)
        return line

    async def _looked_through(self, file: Received) -> tuple[FileKind, bytes, bytes]:
        """What is kept of it, and a small picture of it where it is one."""
        medium = await asyncio.to_thread(medium_at, file.path)
        try:
            match medium:
                case Medium.PICTURE:
                    whole = await self.sandbox.ask("photograph", file.path)
                    small = await self.sandbox.ask("photograph", file.path, **_PREVIEW)
                    return FileKind.PICTURE, whole.body, small.body
                case Medium.PDF:
                    return FileKind.DOCUMENT, (await self.sandbox.ask("document", file.path)).body, b""
        except Unreadable as error:
            raise Invalid({"file": sentence(error.refusal)}) from error
        if medium is Medium.HEIC:
            raise Invalid({"file": sentence(Refusal.HEIC)})
        raise Invalid({"file": "Only pictures and PDFs can be sent here."})


async def may_send(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> RoomSession:
    """The session, if the actor may send a file in it now. Raises NotFound, Refused once it is closed, TooMany."""
    live = await session_for(session, actor, consult_id)
    if not live.is_open:
        raise Refused("The room of this consult is closed.")
    own = (ChatMessage.participant_id == live.mine.participant.id, ChatMessage.file_key.is_not(None))
    if (await session.scalar(select(func.count()).where(*own)) or 0) >= MOST:
        raise TooMany("You have sent many files in this session. Send no more.", retry_after=_AGAIN)
    return live


async def chat_file(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, line_id: uuid.UUID, is_opened: bool = True
) -> ChatMessage:
    """A line with a file, for who may read it: the two whose session it was, and a guest while they are in it.

    That it `is_opened` is written down. Raises NotFound for anybody else, and for a line without one.
    """
    query = _with_files().where(ChatMessage.id == line_id)
    if actor.guest_pass_id is None:
        live: RoomSession = await encounter_for(session, actor, consult_id)
        query = query.where(rows.encounters(actor))
    else:
        live = await guest_session(session, actor, consult_id)
        let_in = select(GuestPass.admitted_at).where(GuestPass.id == actor.guest_pass_id)
        query = query.where(Encounter.id == live.encounter.id, ChatMessage.sent_at >= let_in.scalar_subquery())
    line = await session.scalar(query, {"consult_id": consult_id})
    if line is None:
        raise NotFound
    if is_opened:
        record(
            session,
            actor,
            "chat-file-opened",
            live.encounter,
            patient_id=live.patient_id,
            consult=consult_id,
            message=str(line.id),
        )
        await session.flush()
    return line


async def files_of(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> Sequence[ChatMessage]:
    """The files that were sent in a consult's sessions, oldest first; none for who was not in them."""
    question, ids = _FILES.asked_by(actor)
    return (await session.scalars(question, {**ids, "consult_id": consult_id})).all()


def _with_files() -> Select[ChatMessage]:
    return (
        select(ChatMessage)
        .join(Encounter, Encounter.id == ChatMessage.encounter_id)
        .where(Encounter.service_request_id == bindparam("consult_id"), ChatMessage.file_key.is_not(None))
    )


def _files_for(actor: Actor) -> Select[ChatMessage]:
    return _with_files().where(rows.encounters(actor)).order_by(ChatMessage.sent_at, ChatMessage.id)


_FILES: Final = Kept(_files_for)
