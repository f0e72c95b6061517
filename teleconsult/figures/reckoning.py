"""The figures of one establishment: numbers alone, of no patient and of nobody in particular."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import Specialty
from teleconsult.encounters.overview import Totals, overview
from teleconsult.figures.asking import Scope
from teleconsult.figures.emergencies import EmergencyTimes, emergency_times
from teleconsult.figures.waiting import Waiting, Week, waited


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the page shows."""

    waiting: Waiting
    by_service: Sequence[tuple[Specialty, str, Waiting]]
    by_asker: Sequence[tuple[str, Waiting]]
    weeks: Sequence[Week]
    emergencies: EmergencyTimes
    calls: Totals


async def figures(
    session: AsyncSession, actor: Actor, *, days: int, time_zone: str, service_id: uuid.UUID | None = None
) -> Figures:
    """Of consults submitted in the last so many days that the actor's establishment asked for or answered.

    `time_zone` says when a week begins; `service_id` narrows it to one service, but for the calls. Raises NotFound
    for who has no part in it.
    """
    require(actor, Permission.SESSIONS_OVERVIEW)
    assert actor.organization_id is not None, "the permission is an establishment's"
    scope = Scope.of_days(actor.organization_id, days, until=now(), service_id=service_id)
    calls = (await overview(session, actor, days=days)).totals
    await act_as(session, SYSTEM)  # only numbers come back: those who see them may see no consult
    try:
        told = await waited(session, scope, time_zone=time_zone)
        return Figures(
            waiting=told.all,
            by_service=told.by_service,
            by_asker=told.by_asker,
            weeks=told.weeks,
            emergencies=await emergency_times(session, scope),
            calls=calls,
        )
    finally:
        await act_as(session, actor)
