"""What a worker does for the audit log: sign how far it is, each minute, and check it when somebody asks."""

import uuid

import structlog
from procrastinate import JobContext
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.audit.checkpointing import make_checkpoint
from teleconsult.audit.checkpoints import folder_of
from teleconsult.audit.checks import ask_for_check, carry_out
from teleconsult.audit.models import AuditCheck
from teleconsult.jobs import app, defer

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="checkpoint_audit", queueing_lock="checkpoint_audit", pass_context=True)
async def checkpoint(context: JobContext, timestamp: int) -> None:
    """Every minute, where anything happened since the last time."""
    parts = context.additional_context
    try:
        await make_checkpoint(parts["sessions"], folder_of(parts["settings"]))
    except OSError as error:  # the disk is full, or the folder is not ours: the next minute tries again
        log.warning("audit.checkpoint_failed", error=error.strerror, due=timestamp)


@app.task(name="check_audit", pass_context=True)
async def check(context: JobContext, check_id: str) -> None:
    """Carry out a check that somebody asked for."""
    parts = context.additional_context
    await carry_out(parts["sessions"], folder_of(parts["settings"]), check_id=uuid.UUID(check_id))


async def begin_check(session: AsyncSession, actor: Actor) -> AuditCheck:
    """Ask for a check, and owe it: the job begins once this transaction commits. Raises as `ask_for_check`."""
    asked, is_new = await ask_for_check(session, actor)
    if is_new:
        await defer(session, check, check_id=str(asked.id))
    return asked
