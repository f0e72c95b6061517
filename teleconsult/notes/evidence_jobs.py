"""The jobs of evidence: at once after a signature, again while it is pending, and every night for renewals."""

import uuid
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.jobs import app, defer, defer_once
from teleconsult.notes.completing import (
    complete_evidence,
    due_notes,
    owe_evidence,
    owe_first_evidence,
    owe_renewals,
)
from teleconsult.notes.models import Composition
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

TURNS: Final = "evidence"
"""One after the other: a thousand notes of a night do not keep an emergency's bell waiting."""

log = structlog.get_logger(__name__)


async def begin_evidence(session: AsyncSession, settings: Settings, note: Composition) -> None:
    """Have evidence gathered once the signature commits; nothing where no time-stamp authority is set."""
    if settings.timestamp_addresses:
        await owe_evidence(session, note.id, number=1)
        await defer(session, gather_evidence, note_id=str(note.id))


@app.task(name="gather_evidence", pass_context=True, lock=TURNS)
async def gather_evidence(context: JobContext, note_id: str) -> None:
    """Time-stamp a note, and add what shows that its certificates are good (`completing.complete_evidence`)."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    objects = Objects(open_store(settings.objects_url, settings.data))
    if settings.timestamp_addresses:
        await complete_evidence(sessions, settings, objects, note_id=uuid.UUID(note_id))


@app.periodic(cron="* * * * *")
@app.task(name="gather_due_evidence", queueing_lock="gather_due_evidence", pass_context=True)
async def gather_due_evidence(context: JobContext, timestamp: int) -> None:
    """Every minute: what is pending and due is tried again."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    if not settings.timestamp_addresses:
        return
    async with transaction(sessions, SYSTEM) as session:
        due = await due_notes(session)
        for note_id in due:
            await defer_once(session, gather_evidence, lock=f"evidence:{note_id}", note_id=str(note_id))
    if due:
        log.info("notes.evidence_due", notes=len(due), due=timestamp)


@app.periodic(cron="17 * * * *")
@app.task(name="renew_evidence", queueing_lock="renew_evidence", pass_context=True)
async def renew_evidence(context: JobContext, timestamp: int) -> None:
    """Every hour: owe a new time-stamp where the last one's certificate expires soon, and to notes that have none."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    if not settings.timestamp_addresses:
        return
    async with transaction(sessions, SYSTEM) as session:
        renewals, first = await owe_renewals(session, at=now()), await owe_first_evidence(session)
    if renewals or first:
        log.info("notes.evidence_owed", renewals=renewals, first=first, due=timestamp)
