"""Whatever way it is called off: silence, and nobody sets out. What is under way is followed to its end."""

import uuid

import pytest
from sqlalchemy import text, update

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.models import RequestStatus, ServiceRequest
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization, PractitionerRole
from teleconsult.emergencies.deciding import call_off
from teleconsult.emergencies.models import Emergency, Transfer, TransferStatus
from teleconsult.emergencies.queries import is_rung
from teleconsult.emergencies.transferring import ask_transfer, move_transfer
from teleconsult.errors import Invalid
from tests.emergency_steps import answered, raised
from tests.people import Cast

WHY = "They said no at last."


@pytest.mark.parametrize("way", [withdraw_consent, cancel_consult, call_off])
async def test_every_device_falls_silent(cast: Cast, sessions: Sessions, way: object) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await way(session, cast.rural, consult_id=emergency.service_request_id, reason=WHY)  # type: ignore[operator]  # one of three acts
    await _is_silent(cast, sessions, emergency)


async def test_the_coordinator_closes_it_where_who_asked_has_left(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions) as session:
        left = update(PractitionerRole).where(PractitionerRole.id == cast.rural.role_id)
        await session.execute(left.values(ended_at=now()))
    async with transaction(sessions, cast.coordinator) as session:
        await call_off(session, cast.coordinator, consult_id=emergency.service_request_id, reason=WHY)
    await _is_silent(cast, sessions, emergency)


async def test_nobody_sets_out_any_more(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    transfer = await _asked(cast, sessions, emergency)
    async with transaction(sessions, cast.rural) as session:
        await call_off(session, cast.rural, consult_id=emergency.service_request_id, reason=WHY)
    async with transaction(sessions, SYSTEM) as session:
        assert (await session.get_one(Transfer, transfer.id)).status is TransferStatus.CANCELLED


async def test_who_has_left_arrives_after_the_note_was_acknowledged(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    transfer = await _asked(cast, sessions, emergency)
    for status in ("accepted", "departed"):
        await _noted(cast, sessions, transfer, status)
    async with transaction(sessions) as session:
        over = update(ServiceRequest).where(ServiceRequest.id == emergency.service_request_id)
        await session.execute(over.values(status=RequestStatus.COMPLETED))
    await _noted(cast, sessions, transfer, "arrived")


async def test_nobody_travels_out_of_the_network(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    place = cast.organizations["elsewhere"]
    async with transaction(sessions) as session:
        apart = update(Organization).where(Organization.id == place.id)
        await session.execute(apart.values(sharing_network=None))
    with pytest.raises(Invalid):
        await _asked(cast, sessions, emergency, to=place.id)


@pytest.mark.parametrize("who", ["oncall", "coordinator"])
async def test_by_sql_who_has_no_part_writes_no_times(cast: Cast, sessions: Sessions, who: str) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions, getattr(cast, who)) as session:
        ended = text("update emergency set ended_at = now() where id = :id returning id")
        assert (await session.execute(ended, {"id": emergency.id})).all() == []


async def _asked(cast: Cast, sessions: Sessions, emergency: Emergency, *, to: uuid.UUID | None = None) -> Transfer:
    async with transaction(sessions, cast.rural) as session:
        return await ask_transfer(
            session,
            cast.rural,
            consult_id=emergency.service_request_id,
            destination_id=to or cast.organizations["tertiary"].id,
            transport="plane",
        )


async def _noted(cast: Cast, sessions: Sessions, transfer: Transfer, status: str) -> None:
    async with transaction(sessions, cast.rural) as session:
        await move_transfer(session, cast.rural, transfer_id=transfer.id, status=status, answered_by="Dr Roy")


async def _is_silent(cast: Cast, sessions: Sessions, emergency: Emergency) -> None:
    async with transaction(sessions, SYSTEM) as session:
        assert not await is_rung(session, cast.oncall.account_id)
        kept = await session.get_one(Emergency, emergency.id)
        assert kept.ended_at is not None and kept.next_at is None
