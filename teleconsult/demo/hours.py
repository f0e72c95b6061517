"""The demonstration's hours: its specialists around the clock, so that any hour suits a walk; a room and a device."""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.demo.people import Cast
from teleconsult.scheduling.hours_models import ResourceKind
from teleconsult.scheduling.keeping_hours import DAY, add_resource, add_rule, set_hours

_ALWAYS_THERE: Final = ("specialist", "oncall")
_THINGS: Final = (
    (ResourceKind.ROOM, "Salle de téléconsultation 2"),
    (ResourceKind.DEVICE, "Chariot d’EEG"),
)


async def add_hours(session: AsyncSession, cast: Cast) -> None:
    """Hours for who answers, and what a session can have besides people."""
    coordinator = cast.actors["coordinator"]
    for name in _ALWAYS_THERE:
        role_id = cast.actors[name].role_id
        assert role_id is not None, "everybody of the demonstration has a role"
        await set_hours(
            session,
            coordinator,
            owner_id=role_id,
            time_zone=coordinator.time_zone,
            holidays="",
            buffer_minutes=0,
        )
        await add_rule(
            session,
            coordinator,
            owner_id=role_id,
            weekdays=range(1, 8),
            from_minute=0,
            until_minute=DAY,
            first_day=now().date() - timedelta(days=2),
        )
    for kind, label in _THINGS:
        await add_resource(session, coordinator, kind=kind, name=label)
