"""Rights of the specialist's that end, done straight to the rows. Each says whom it concerns, as an event would."""

import uuid
from collections.abc import Awaitable, Callable

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import Account, WebSession
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consults.models import Task, TaskStatus
from teleconsult.directory.models import PractitionerRole, RoleCode
from tests.people import Cast, another_neurologist
from tests.signaling.booking import Booking

Change = Callable[[AsyncSession, Cast, Booking], Awaitable[dict[str, uuid.UUID | None]]]


async def session_ends(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    mine = WebSession.account_id == cast.specialist.account_id
    ended = await session.scalar(update(WebSession).where(mine).values(ended_at=now()).returning(WebSession.id))
    return {"session": ended}


async def session_runs_out(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    mine = WebSession.account_id == cast.specialist.account_id
    await session.execute(update(WebSession).where(mine).values(expires_at=now()))
    return {"account": cast.specialist.account_id}


async def account_is_disabled(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    (await session.get_one(Account, cast.specialist.account_id)).disabled_at = now()
    return {"account": cast.specialist.account_id}


async def role_ends(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    (await session.get_one(PractitionerRole, cast.specialist.role_id)).ended_at = now()
    return {"role": cast.specialist.role_id}


async def role_changes(session: AsyncSession, cast: Cast, _booking: Booking) -> dict[str, uuid.UUID | None]:
    (await session.get_one(PractitionerRole, cast.specialist.role_id)).code = RoleCode.SECRETARY
    return {"role": cast.specialist.role_id}


async def consult_is_reassigned(session: AsyncSession, cast: Cast, booking: Booking) -> dict[str, uuid.UUID | None]:
    other = await another_neurologist(session, cast)
    (await session.get_one(Task, booking.task.id)).owner_role_id = other.role_id
    return {"consult": booking.consult}


async def consult_is_cancelled(session: AsyncSession, cast: Cast, booking: Booking) -> dict[str, uuid.UUID | None]:
    (await session.get_one(Task, booking.task.id)).status = TaskStatus.CANCELLED
    return {"consult": booking.consult}


async def consent_is_withdrawn(session: AsyncSession, cast: Cast, booking: Booking) -> dict[str, uuid.UUID | None]:
    of_consult = Consent.service_request_id == booking.consult
    await session.execute(update(Consent).where(of_consult).values(status=ConsentStatus.INACTIVE, withdrawn_at=now()))
    return {"consult": booking.consult}
