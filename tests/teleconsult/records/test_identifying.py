"""Entries known by another system's number."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from teleconsult.records.identifying import keep_numbers, known_as
from teleconsult.records.models import RecordEntry, RecordIdentifier, ResourceType
from tests.people import Cast

NUMBER = ("urn:oid:1.2.3", "W-1")


async def numbered(session: AsyncSession, actor: Actor, patient_id: Any, kind: str = "Observation") -> RecordEntry:
    """An entry that another system knows as `NUMBER`."""
    entry = await file_entry(
        session, actor, patient_id=patient_id, resource={"resourceType": kind}, title="Weight", effective_at=now()
    )
    await keep_numbers(session, entry, numbers=[NUMBER, NUMBER])
    return entry


async def known(sessions: Sessions, actor: Actor, kind: ResourceType = ResourceType.OBSERVATION) -> list[Any]:
    async with transaction(sessions, actor) as session:
        return [entry.id for entry in await known_as(session, actor, kind=kind, number=NUMBER)]


async def test_an_entry_is_found_by_its_number(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions, cast.rural) as session:
        entry = await numbered(session, cast.rural, cast.patient.id)
        await keep_numbers(session, entry, numbers=[NUMBER])
    assert await known(sessions, cast.rural) == [entry.id]
    assert await known(sessions, cast.rural, ResourceType.CONDITION) == []
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(RecordIdentifier)) == 1


async def test_numbers_of_two_establishments_never_meet(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions, cast.stranger) as session:
        await numbered(session, cast.stranger, cast.strangers_patient.id)
    assert await known(sessions, cast.rural) == []


async def test_nor_those_of_a_file_that_is_not_open(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions, cast.rural) as session:
        await numbered(session, cast.rural, cast.patient.id)
    assert await known(sessions, cast.colleague) == []


async def test_several_are_two(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions, cast.rural) as session:
        for _ in range(3):
            await numbered(session, cast.rural, cast.patient.id)
    assert len(await known(sessions, cast.rural)) == 2
