"""Looking through what was read: what the rules are brought, and how far a page looks."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit import watching
from teleconsult.audit.models import AuditEvent
from teleconsult.audit.unusual import Unusual
from teleconsult.audit.watching import unusual_reads
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import DutyShift, Practitioner
from teleconsult.errors import NotFound
from teleconsult.patients.models import CareRelation, Patient
from tests.people import Cast

NOON = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
SINCE = NOON - timedelta(days=7)


async def read(
    sessions: Sessions,
    cast: Cast,
    *,
    at: datetime = NOON,
    who: str = "rural",
    times: int = 1,
    action: str = "file-opened",
) -> None:
    """The file of the rural patient is opened, at that time."""
    actor = getattr(cast, who)
    async with transaction(sessions) as session:
        for number in range(times):
            session.add(
                AuditEvent(
                    recorded_at=at + timedelta(seconds=number),
                    action=action,
                    outcome="success",
                    account_id=actor.account_id,
                    practitioner_role_id=actor.role_id,
                    organization_id=actor.organization_id,
                    actor_name=actor.name,
                    entity_type="patient",
                    entity_id=cast.patient.id,
                    patient_id=cast.patient.id,
                    detail={},
                )
            )


@pytest.fixture(autouse=True)
async def treats_for_long(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(CareRelation).values(started_at=NOON - timedelta(days=99)))


async def told(sessions: Sessions, cast: Cast) -> list[tuple[list[Unusual], int]]:
    async with transaction(sessions) as session:
        found = await unusual_reads(session, cast.privacy, since=SINCE)
    return [(one.reasons, one.times) for one in found.reads]


async def test_an_ordinary_read_is_not_shown(sessions: Sessions, cast: Cast) -> None:
    await read(sessions, cast)
    assert await told(sessions, cast) == []


async def test_what_a_system_reads_by_itself_is_no_persons_curiosity(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        registry = replace(SYSTEM, name="Registry", client_id=uuid.uuid4(), organization_id=cast.rural.organization_id)
        event = audit.record(session, registry, "file-opened", cast.patient, patient_id=cast.patient.id)
        event.recorded_at = NOON
    assert await told(sessions, cast) == []


async def test_who_never_treated_them_is(sessions: Sessions, cast: Cast) -> None:
    await read(sessions, cast, who="colleague", times=3)
    assert await told(sessions, cast) == [([Unusual.NO_CONSULT], 3)]


async def test_a_consult_explains_it(sessions: Sessions, cast: Cast) -> None:
    await read(sessions, cast, who="colleague")
    await read(sessions, cast, at=NOON - timedelta(days=29), action="consult-submitted")
    assert await told(sessions, cast) == []


async def test_after_the_relation_ended(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(CareRelation).values(ended_at=NOON - timedelta(days=1)))
    await read(sessions, cast)
    assert await told(sessions, cast) == [([Unusual.AFTER_CARE], 1)]


async def test_at_night_but_for_those_on_duty(sessions: Sessions, cast: Cast) -> None:
    night = NOON.replace(hour=6)
    await read(sessions, cast, at=night)
    assert await told(sessions, cast) == [([Unusual.AT_NIGHT], 1)]
    async with transaction(sessions) as session:
        session.add(
            DutyShift(
                service_id=cast.trauma.id,
                practitioner_role_id=cast.rural.role_id,
                starts_at=night - timedelta(hours=1),
                ends_at=night + timedelta(hours=1),
                created_at=night,
            )
        )
    assert await told(sessions, cast) == []


async def test_names_are_compared_without_accents(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        await session.execute(
            update(Practitioner).where(Practitioner.id == cast.rural.practitioner_id).values(family="BELANGER")
        )
    await read(sessions, cast)
    assert await told(sessions, cast) == [([Unusual.SAME_FAMILY_NAME], 1)]


async def test_many_files_in_one_hour(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        for number in range(20):
            other = Patient(
                organization_id=cast.rural.organization_id,
                person_id=cast.patient.person_id,
                local_number=f"M{number}",
                family="X",
                given="Y",
                family_folded="x",
                given_folded="y",
                gender=cast.patient.gender,
                created_at=NOON,
                updated_at=NOON,
            )
            session.add(other)
            await session.flush()
            session.add_all(
                [
                    CareRelation(
                        patient_id=other.id,
                        practitioner_role_id=cast.rural.role_id,
                        reason="follow-up",
                        started_at=SINCE - timedelta(days=30),
                    ),
                    AuditEvent(
                        recorded_at=NOON + timedelta(minutes=number),
                        action="file-opened",
                        outcome="success",
                        practitioner_role_id=cast.rural.role_id,
                        organization_id=cast.rural.organization_id,
                        actor_name="",
                        entity_type="",
                        patient_id=other.id,
                        detail={},
                    ),
                ]
            )
    assert await told(sessions, cast) == [([Unusual.MANY_FILES], 1)] * 20


async def test_files_opened_in_an_emergency_have_their_own_list(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        audit.record(session, cast.oncall, "file-opened", patient_id=cast.patient.id, without_relation=True)
    assert await told(sessions, cast) == []


async def test_a_page_looks_only_so_far(sessions: Sessions, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PIECE", 2)
    monkeypatch.setattr(watching, "FARTHEST", 6)
    await read(sessions, cast, times=9)
    await read(sessions, cast, at=NOON - timedelta(hours=1), who="colleague")
    async with transaction(sessions) as session:
        first = await unusual_reads(session, cast.privacy, since=SINCE)
        assert (first.reads, first.after is not None) == ([], True)
        second = await unusual_reads(session, cast.privacy, since=SINCE, before=first.after)
    assert [one.reasons for one in second.reads] == [[Unusual.NO_CONSULT]]
    assert second.after is None


async def test_nobody_else_may(sessions: Sessions, cast: Cast) -> None:
    for actor in (cast.admin, cast.rural, cast.operator):
        async with transaction(sessions) as session:
            with pytest.raises(NotFound):
                await unusual_reads(session, actor, since=SINCE)
