"""What an establishment's rules do by night."""

import structlog
from procrastinate import JobContext
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import RetentionRule
from teleconsult.directory.retention import run_rule
from teleconsult.jobs import app

log = structlog.get_logger(__name__)


@app.periodic(cron="20 2 * * *")
@app.task(name="run_retention_rules", queueing_lock="run_retention_rules", pass_context=True)
async def run_retention_rules(context: JobContext, timestamp: int) -> None:
    """Every night: each rule in a transaction of its own; one that fails waits for the next night, the others run."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        rules = list(await session.scalars(select(RetentionRule.id)))
    for rule_id in rules:
        try:
            async with transaction(sessions, SYSTEM) as session:
                await run_rule(session, rule_id)
        except Exception:
            log.exception("retention.failed", rule=str(rule_id), due=timestamp)
