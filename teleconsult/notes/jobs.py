"""What follows from a signature by itself: its key images are named within their studies, too."""

import uuid
from typing import Final

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.jobs import app, defer
from teleconsult.messages.audience import person_in
from teleconsult.messages.meeting_occasions import CO_SIGNATURE
from teleconsult.messages.telling import add_notice
from teleconsult.notes.co_signers import co_signatures_of
from teleconsult.notes.models import Composition
from teleconsult.notes.selecting import write_selections
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

RETRY: Final = RetryStrategy(max_attempts=8, exponential_wait=4)
"""Again after 4, 16, 64 seconds …, for the last time some hours later: the note stands without it."""

log = structlog.get_logger(__name__)


async def select_key_images(session: AsyncSession, note: Composition) -> None:
    """Have the key images of a note named in their studies once its signature commits; nothing where it has none."""
    if note.key_images:
        await defer(session, write_key_objects, note_id=str(note.id))


@app.task(name="write_key_objects", pass_context=True, retry=RETRY)
async def write_key_objects(context: JobContext, note_id: str) -> None:
    """Write a key object selection into each study whose images a note rests on (`selecting.write_selections`)."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    sandbox = Sandbox(workers=1)
    receiver = Receiver(
        sessions=sessions,
        objects=Objects(open_store(settings.objects_url, settings.data)),
        sandbox=sandbox,
        file_limit=settings.upload_file_limit,
    )
    try:
        written = await write_selections(sessions, receiver, note_id=uuid.UUID(note_id))
    finally:
        await sandbox.close()
    log.info("notes.key_objects_written", documents=written)


@app.task(name="tell_co_signers", pass_context=True, retry=RETRY)
async def tell_co_signers(context: JobContext, note_id: str) -> None:
    """Tell each member whose signature a conclusion waits for; each once, however often it runs."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        note = await session.get_one(Composition, uuid.UUID(note_id))
        consult = await session.get_one(ServiceRequest, note.service_request_id)
        for asked in await co_signatures_of(session, note):
            person = await person_in(session, asked.practitioner_role_id) if asked.waits(now()) else None
            if person is not None:
                await add_notice(
                    session,
                    person,
                    CO_SIGNATURE,
                    consult_id=consult.id,
                    occurrence=asked.id,
                    happened_at=asked.asked_at,
                    number=consult.number,
                )
