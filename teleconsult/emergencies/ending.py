"""The consult is called off: every device falls silent, and nobody sets out."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import act_as
from teleconsult.emergencies.models import BEFORE_DEPARTURE, Emergency, Transfer, TransferStatus
from teleconsult.emergencies.paging import silence


async def stop_emergency(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> None:
    """What a consult that is called off takes along, if anything; whoever has left arrives all the same.

    Part of the act that holds the consult's lock.
    """
    await act_as(session, SYSTEM)  # nobody else changes the pages of others
    running = select(Emergency).where(Emergency.service_request_id == consult.id, Emergency.ended_at.is_(None))
    if (emergency := await session.scalar(running)) is not None:
        await silence(session, emergency)
    standing = select(Transfer).where(Transfer.service_request_id == consult.id, Transfer.status.in_(BEFORE_DEPARTURE))
    if (transfer := await session.scalar(standing)) is not None:
        transfer.status, transfer.cancelled_at = TransferStatus.CANCELLED, now()
        audit.record(session, actor, "transfer-noted", transfer, patient_id=consult.patient_id, status=transfer.status)
    await session.flush()
    await act_as(session, actor)
