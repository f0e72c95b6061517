"""A check of the whole log that somebody asked for on a page: a worker does it, piece by piece, and may be stopped."""

import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditCheck
from teleconsult.audit.recording import record
from teleconsult.audit.verifying import Verdict, count_events, verify
from teleconsult.clock import now
from teleconsult.db import Sessions, act_as, transaction
from teleconsult.errors import Conflict, NotFound

SILENT_FOR: Final = timedelta(minutes=2)
"""A check whose worker said nothing for so long is over."""
TELL_EVERY: Final = 1.0
"""Seconds between two words of the worker."""


class Stopped(Exception):
    """Somebody stopped the check."""


async def ask_for_check(session: AsyncSession, actor: Actor) -> tuple[AuditCheck, bool]:
    """The check that runs, and whether it is a new one: the caller then defers the job. One runs at a time.

    Raises NotFound for who may not ask, Conflict where the one that ran is over just now.
    """
    require(actor, Permission.AUDIT_CHECK)
    moment = now()
    silent = update(AuditCheck).where(
        AuditCheck.finished_at.is_(None), AuditCheck.cancelled_at.is_(None), AuditCheck.looked_at < moment - SILENT_FOR
    )
    await session.execute(silent.values(cancelled_at=moment))
    asked = await session.scalar(
        insert(AuditCheck)
        .values(
            id=uuid.uuid4(),
            asked_by_id=actor.role_id,
            asked_at=moment,
            looked_at=moment,
            checked=0,
            total=0,
            findings=[],
        )
        .on_conflict_do_nothing()
        .returning(AuditCheck)
    )
    if asked is not None:
        record(session, actor, "audit-check-asked", asked)
        return asked, True
    running = await session.scalar(
        select(AuditCheck).where(AuditCheck.finished_at.is_(None), AuditCheck.cancelled_at.is_(None))
    )
    if running is None:
        raise Conflict("The check before yours ended this very moment. Try again.")
    return running, False


async def latest_check(session: AsyncSession, actor: Actor) -> AuditCheck | None:
    """The check asked for last, by whomever: there is one log. Raises NotFound for who may not ask."""
    require(actor, Permission.AUDIT_CHECK)
    return await session.scalar(select(AuditCheck).order_by(AuditCheck.asked_at.desc()).limit(1))


async def stop_check(session: AsyncSession, actor: Actor, *, check_id: uuid.UUID) -> AuditCheck:
    """Ask a running check to stop; one that is over stays as it is. Raises NotFound."""
    require(actor, Permission.AUDIT_CHECK)
    check = await session.get(AuditCheck, check_id, with_for_update=True)
    if check is None:
        raise NotFound
    if check.finished_at is None and check.cancelled_at is None:
        check.cancelled_at = now()
        record(session, actor, "audit-check-stopped", check)
    return check


async def carry_out(sessions: Sessions, folder: Path, *, check_id: uuid.UUID) -> None:
    """Do the check: every second or so the row says how far it is. Stops without a word where somebody stopped it."""
    told_at = time.monotonic()

    async def tell(checked: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < TELL_EVERY:
            return
        told_at = time.monotonic()
        async with transaction(sessions, SYSTEM) as session:
            check = await session.get_one(AuditCheck, check_id, with_for_update=True)
            if check.cancelled_at is not None:
                raise Stopped
            check.checked, check.looked_at = checked, now()

    async with transaction(sessions, SYSTEM) as session:
        check = await session.get_one(AuditCheck, check_id, with_for_update=True)
        check.total = await count_events(session)
    try:
        async with sessions() as session:
            await act_as(session, SYSTEM)
            verdict = await verify(session, folder, progress=tell)
    except Stopped:
        return
    async with transaction(sessions, SYSTEM) as session:
        _close(await session.get_one(AuditCheck, check_id, with_for_update=True), verdict)


def _close(check: AuditCheck, verdict: Verdict) -> None:
    if check.cancelled_at is None:
        check.finished_at = check.looked_at = now()
        check.checked = check.total = verdict.events
        check.findings = [finding.as_json() for finding in verdict.findings]
