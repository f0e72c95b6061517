"""Appointments by day."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import RequestStatus, ServiceRequest
from teleconsult.consults.queries import whole
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment, AppointmentStatus

SHOWN: Final = timedelta(days=14)
MOST_SHOWN: Final = 300


async def agenda(
    session: AsyncSession, actor: Actor, *, start: datetime, end: datetime | None = None
) -> Sequence[ServiceRequest]:
    """The consults of the actor whose time, proposed or booked, falls into the two weeks after `start`, in order.

    With `end`, until then.
    """
    query = (
        select(ServiceRequest)
        .join(Appointment, Appointment.service_request_id == ServiceRequest.id)
        .where(
            Appointment.starts_at >= start,
            Appointment.starts_at < (end or start + SHOWN),
            Appointment.status.not_in(LOST_APPOINTMENTS),
            ServiceRequest.status.in_((RequestStatus.ACTIVE, RequestStatus.COMPLETED)),
            rows.consults(actor),
        )
        .order_by(Appointment.starts_at, ServiceRequest.id)
        .limit(MOST_SHOWN)
        .options(*whole())
    )
    return (await session.scalars(query)).all()


async def last_missed(session: AsyncSession, consult_id: uuid.UUID) -> Appointment | None:
    """The consult's last time that was booked and missed. The caller has looked the consult up."""
    missed = (Appointment.service_request_id == consult_id, Appointment.status == AppointmentStatus.NOSHOW)
    found = select(Appointment).where(*missed).order_by(Appointment.starts_at.desc()).limit(1)
    return (await session.scalars(found)).one_or_none()
