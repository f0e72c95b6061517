"""The demonstration's roster and the other systems of its tertiary hospital."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.demo.people import Cast
from teleconsult.directory.endpoints import add_endpoint
from teleconsult.directory.models import ConnectionType, Specialty
from teleconsult.directory.roster import add_shift

_ENDPOINTS: Final = (
    (ConnectionType.FHIR, "Dossier patient informatisé", "https://fhir.chu-capitale.example/r4"),
    (ConnectionType.DIMSE, "Archive d’images", "PACS@pacs.chu-capitale.example:11112"),
    (ConnectionType.SECURE_MAIL, "Messagerie sécurisée", "teleexpertise@chu-capitale.mssante.example"),
)
_SHIFTS: Final = (
    (Specialty.TRAUMA, "oncall", -1, time(8), timedelta(hours=24)),
    (Specialty.NEUROLOGY, "specialist", 0, time(7), timedelta(hours=12)),
)
"""A service, who answers, from which day on (0 is today), at what hour, and for how long each day."""
_DAYS: Final = 14


async def add_duty(session: AsyncSession, cast: Cast) -> None:
    """Two weeks of duty, traumatology by day and night and neurology by day; and the endpoints."""
    admin, coordinator = cast.actors["admin"], cast.actors["coordinator"]
    zone = ZoneInfo(coordinator.time_zone)
    for specialty, name, first, hour, length in _SHIFTS:
        role_id = cast.actors[name].role_id
        assert role_id is not None
        for day in range(first, _DAYS):
            begins = datetime.combine(now().astimezone(zone).date() + timedelta(days=day), hour, zone)
            await add_shift(
                session,
                coordinator,
                service_id=cast.services[specialty].id,
                role_id=role_id,
                starts_at=begins,
                ends_at=begins + length,
            )
    for kind, label, address in _ENDPOINTS:
        await add_endpoint(session, admin, connection_type=kind, name=label, address=address)
