"""Reports about our mails, taken from our mailbox each minute and written beside the deliveries they speak of.

One that names no mail of ours, or speaks of another mailbox than the one that mail went to, is counted and left alone:
anybody can write a report. Ordinary mail stays for people and for `teleconsult.received`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.mail_reports import LARGEST, Report, read_report
from teleconsult.delivery.models import Channel, Delivery
from teleconsult.delivery.receiving_receipts import note_receipt
from teleconsult.delivery.server_standing import require_standing
from teleconsult.errors import Unavailable
from teleconsult.jobs import app
from teleconsult.received.inbox import Inbox, visited
from teleconsult.settings import Settings

PATIENCE: Final = 30
"""Seconds until one report must be written down."""
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Count:
    """What a visit found."""

    taken: int = 0
    foreign: int = 0


@app.periodic(cron="* * * * *")
@app.task(name="fetch_receipts", queueing_lock="fetch_receipts", lock="fetch_receipts", pass_context=True)
async def fetch_receipts(context: JobContext, timestamp: int) -> None:
    """Every minute, where a mailbox is set."""
    del timestamp
    settings: Settings = context.additional_context["settings"]
    if not settings.inbox_url:
        return
    try:
        count = await fetch(context.additional_context["sessions"], settings)
    except Unavailable as error:
        log.warning("receipts.unavailable", reason=error.message)
        return
    if count.foreign:
        log.warning("receipts.foreign", reports=count.foreign)


async def fetch(sessions: Sessions, settings: Settings) -> Count:
    """Take what came since the last time. Raises Unavailable where the mailbox cannot be read."""
    count, loop = Count(), asyncio.get_running_loop()

    def take(content: bytes) -> None:
        waiting = asyncio.run_coroutine_threadsafe(_write_down(sessions, read_report(content), count), loop)
        waiting.result(PATIENCE)

    await asyncio.to_thread(_visit, _inbox(settings), take)
    return count


def _inbox(settings: Settings) -> Inbox:
    return Inbox(settings.inbox_url or "", settings.inbox_ca, partial(require_standing, settings=settings))


def _visit(inbox: Inbox, take: Callable[[bytes], None]) -> None:
    """In a thread: imaplib waits. What is marked was written down before."""
    with visited(inbox) as visit:
        for mail in visit.reports(most=LARGEST):
            take(mail.content or b"")
            visit.mark(mail.uid)


async def _write_down(sessions: Sessions, reports: Sequence[Report], count: Count) -> None:
    """All that one mail says, in one transaction."""
    if not reports:
        count.foreign += 1
        return
    async with transaction(sessions, SYSTEM) as session:
        for report in reports:
            went_to = await session.scalar(
                select(Delivery.destination).where(
                    Delivery.external_id == report.number, Delivery.channel == Channel.SECURE_MAIL
                )
            )
            if went_to is None or went_to.lower() not in report.addresses:
                count.foreign += 1
                continue
            await note_receipt(
                session,
                external_id=report.number,
                state=report.state,
                reason=report.reason,
                detail=report.detail,
                receipt={"kind": report.kind},
            )
            count.taken += 1
