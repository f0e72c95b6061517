"""The notice that a booked session did not take place: owed in the act's own transaction, mailed within a minute.

It says when and where to look, never whom it was about.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from procrastinate import JobContext
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, Practitioner, PractitionerRole, RoleCode
from teleconsult.documents.letters import LetterKind, write_letter
from teleconsult.jobs import app
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.mail import compose, send
from teleconsult.scheduling.models import Appointment
from teleconsult.settings import Settings

NEWS: Final = timedelta(days=1)
"""Of a session that was booked longer ago nobody is told any more."""
MOST_TOLD: Final = 20


@app.task(name="tell_missed", pass_context=True, retry=RETRY)
async def tell_missed(context: JobContext, appointment_id: str) -> None:
    """Mail who asked, the specialist and the coordinators of the service."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        appointment = await session.get_one(Appointment, uuid.UUID(appointment_id))
        if appointment.ends_at < now() - NEWS:
            return
        consult = await session.get_one(ServiceRequest, appointment.service_request_id)
        told = await _concerned(session, consult, appointment)
    for account, role in told:
        values = {
            "name": account.practitioner.name,
            "number": consult.number,
            "link": f"{settings.base_url}/consults/{consult.id}",
        }
        locale = account.locale or role.organization.locale
        letter = write_letter(LetterKind.SESSION_MISSED, locale=locale, values=values)
        await send(settings, compose(settings, letter, to=account.email))


async def _concerned(
    session: AsyncSession, consult: ServiceRequest, appointment: Appointment
) -> Sequence[tuple[Account, PractitionerRole]]:
    service = await session.get_one(HealthcareService, consult.service_id)
    coordinates = (PractitionerRole.organization_id == service.organization_id) & (
        PractitionerRole.code == RoleCode.COORDINATOR
    )
    found = await session.execute(
        select(Account, PractitionerRole)
        .join(Practitioner, Practitioner.id == Account.practitioner_id)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        .where(
            or_(PractitionerRole.id.in_((consult.requester_role_id, appointment.specialist_role_id)), coordinates),
            PractitionerRole.ended_at.is_(None),
            Account.disabled_at.is_(None),
        )
        .options(joinedload(Account.practitioner), joinedload(PractitionerRole.organization))
        .order_by(PractitionerRole.code.desc(), Account.id)
        .limit(MOST_TOLD)
    )
    return [(account, role) for account, role in found]
