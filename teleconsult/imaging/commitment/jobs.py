"""The report on an association of our own, to a sender that did not wait for it on the line it asked by."""

import uuid
from dataclasses import replace
from typing import Final

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, driver_connection, transaction
from teleconsult.imaging.commitment.committing import note_report, report_on
from teleconsult.imaging.commitment.lines import line_of_reports
from teleconsult.imaging.commitment.models import StorageCommitment
from teleconsult.imaging.commitment.reporting import event_type, information
from teleconsult.imaging.dimse.negotiating import COMMITMENT
from teleconsult.imaging.pacs.calling import associated
from teleconsult.imaging.pacs.faults import PacsFault
from teleconsult.imaging.pacs.proposing import to_report
from teleconsult.jobs import app
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

FIRST_WAIT: Final = 60
"""Seconds in which the sender may take the report on its own association."""
MOST_TRIES: Final = 9
RETRY: Final = RetryStrategy(max_attempts=MOST_TRIES, exponential_wait=4)
"""Again after 4, 16, 64 seconds …, for the last time a day later."""

log = structlog.get_logger(__name__)


class Unreported(Exception):
    """The report did not arrive; it is tried again."""


async def report_later(session: AsyncSession, commitment_id: uuid.UUID) -> None:
    """Have it reported after a while, unless that has happened by then."""
    connection = await driver_connection(session)
    task = report_commitment.configure(connection=connection, schedule_in={"seconds": FIRST_WAIT})
    await task.defer_async(commitment_id=str(commitment_id))


@app.task(name="report_commitment", pass_context=True, retry=RETRY)
async def report_commitment(context: JobContext, commitment_id: str) -> None:
    """Tell the sender, where it said to; the end of trying is in the audit."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    is_last = context.job.attempts + 1 >= MOST_TRIES
    await report(sessions, settings, commitment_id=uuid.UUID(commitment_id), is_last_try=is_last)


async def report(sessions: Sessions, settings: Settings, *, commitment_id: uuid.UUID, is_last_try: bool) -> None:
    """One try. Raises Unreported where another is to follow."""
    async with transaction(sessions, SYSTEM) as session:
        commitment: StorageCommitment | None = await session.scalar(
            select(StorageCommitment)
            .where(StorageCommitment.id == commitment_id)
            .options(joinedload(StorageCommitment.dicom_peer))
        )
    if commitment is None or commitment.reported_at or commitment.ended_at:
        return
    peer = commitment.dicom_peer
    actor = replace(SYSTEM, organization_id=peer.organization_id, name=peer.name)
    reason = "turned-off" if peer.disabled_at else "" if peer.report_address else "no-address"
    if not reason:
        objects = Objects(open_store(settings.objects_url, settings.data))
        told = await report_on(sessions, SYSTEM, objects, commitment)
        try:
            line = await line_of_reports(peer, settings)
            async with associated(line, to_report()) as caller:
                syntax = caller.syntax_of(COMMITMENT)
                content = information(told, transfer_syntax=syntax, retrieve_title=settings.dimse_ae_title)
                status = await caller.report(event_type(told), content)
        except PacsFault as fault:
            reason = fault.fault.value
        else:
            if status == 0:
                async with transaction(sessions, SYSTEM) as session:
                    await note_report(session, actor, commitment_id=commitment_id, report=told)
                return
            reason = f"status {status:04X}"
        log.info("commitment.unreported", reason=reason)
        if not is_last_try:
            raise Unreported
    async with transaction(sessions, SYSTEM) as session:
        ended = await session.get_one(StorageCommitment, commitment_id, with_for_update=True)
        ended.ended_at = now()
        audit.record(session, actor, "commitment-unreported", ended, reason=reason)
