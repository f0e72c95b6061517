"""Appointments by day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import RequestStatus, ServiceRequest
from teleconsult.consults.queries import whole
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment

SHOWN: Final = timedelta(days=14)
MOST_SHOWN: Final = 300


async def agenda(session: AsyncSession, actor: Actor, *, start: datetime) -> Sequence[ServiceRequest]:
    """The consults of the actor whose time, proposed or booked, falls into the two weeks after `start`, in order."""
    query = (
        select(ServiceRequest)
        .join(Appointment, Appointment.service_request_id == ServiceRequest.id)
        .where(
            Appointment.starts_at >= start,
            Appointment.starts_at < start + SHOWN,
            Appointment.status.not_in(LOST_APPOINTMENTS),
            ServiceRequest.status.in_((RequestStatus.ACTIVE, RequestStatus.COMPLETED)),
            rows.consults(actor),
        )
        .order_by(Appointment.starts_at, ServiceRequest.id)
        .limit(MOST_SHOWN)
        .options(*whole())
    )
    return (await session.scalars(query)).all()
