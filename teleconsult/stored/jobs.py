"""The worker's share: a minute of reading every ten, and a day of rest once everything was read."""

from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext

from teleconsult.db import Sessions
from teleconsult.jobs import app
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from teleconsult.stored.scrubbing import scrub_when_due

A_TURN: Final = 60.0
"""Seconds: with 8 MiB a second some 70 GB a day."""
REST: Final = timedelta(days=1)

log = structlog.get_logger(__name__)


@app.periodic(cron="*/10 * * * *")
@app.task(name="scrub_objects", queueing_lock="scrub_objects", lock="scrub_objects", pass_context=True)
async def scrub_objects(context: JobContext, timestamp: int) -> None:
    """Go on reading stored objects."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    objects = Objects(open_store(settings.objects_url, settings.data))
    state = await scrub_when_due(sessions, objects, settings.data, seconds=A_TURN, rest=REST)
    if state.standing:
        log.error("objects.damaged", number=len(state.standing), due=timestamp)
