"""An emergency brought to where a test begins. Each step commits in a transaction of its own, as who acts."""

import uuid
from datetime import timedelta

from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import DutyShift, HealthcareService, RoleCode, Specialty
from teleconsult.emergencies.answering import answer_emergency
from teleconsult.emergencies.models import Emergency, EmergencyPage
from teleconsult.emergencies.paging import page_next, running_emergency
from teleconsult.emergencies.raising import Call, Unknown, raise_emergency
from tests.people import Cast, another_person

WHAT = "Crushed by a tractor, belly rigid, pressure 70."


async def on_duty(sessions: Sessions, service: HealthcareService, actor: Actor, *, since_minutes: int = 60) -> None:
    """Put somebody on duty for a service; who began last is rung first."""
    moment = now()
    async with transaction(sessions) as session:
        session.add(
            DutyShift(
                service_id=service.id,
                practitioner_role_id=actor.role_id,
                starts_at=moment - timedelta(minutes=since_minutes),
                ends_at=moment + timedelta(hours=8),
                created_at=moment,
            )
        )


async def next_hospital(cast: Cast, sessions: Sessions) -> tuple[HealthcareService, Actor]:
    """A trauma service at the provincial hospital, and who is on duty there."""
    async with transaction(sessions) as session:
        service = HealthcareService(
            organization_id=cast.organizations["provincial"].id, specialty=Specialty.TRAUMA, id=uuid.uuid4()
        )
        session.add(service)
        surgeon = await another_person(session, cast, "provincial", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, service, surgeon)
    return service, surgeon


def a_call(cast: Cast, *, key: uuid.UUID | None = None, patient: uuid.UUID | Unknown | None = None) -> Call:
    """To the trauma service, about the cast's patient."""
    return Call(key or uuid.uuid4(), patient or cast.patient.id, WHAT, cast.trauma.id)


async def raised(cast: Cast, sessions: Sessions, call: Call | None = None) -> Emergency:
    """By the rural doctor; `oncall` is on duty and rung."""
    await on_duty(sessions, cast.trauma, cast.oncall)
    return await pressed(cast, sessions, call)


async def pressed(cast: Cast, sessions: Sessions, call: Call | None = None) -> Emergency:
    """By the rural doctor, whoever is on duty."""
    async with transaction(sessions, cast.rural) as session:
        return await raise_emergency(session, cast.rural, call=call or a_call(cast))


async def answered(cast: Cast, sessions: Sessions) -> Emergency:
    """Raised, and `oncall` is in."""
    emergency = await raised(cast, sessions)
    async with transaction(sessions, cast.oncall) as session:
        return await answer_emergency(session, cast.oncall, emergency_id=emergency.id)


async def step(sessions: Sessions, emergency: Emergency) -> None:
    """The seconds are over: what the job does."""
    async with transaction(sessions, SYSTEM) as session:
        await page_next(session, *await running_emergency(session, emergency.id))


async def pages(sessions: Sessions, emergency: Emergency) -> list[EmergencyPage]:
    """Who was paged, in turn."""
    async with transaction(sessions) as session:
        found = select(EmergencyPage).where(EmergencyPage.emergency_id == emergency.id).order_by(EmergencyPage.paged_at)
        return list(await session.scalars(found))
