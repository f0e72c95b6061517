"""The audit chain: whole when nobody touched it, and it says where somebody did."""

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from teleconsult import audit
from teleconsult.audit.models import AuditChain, AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from tests.people import Cast


async def three_events(sessions: Sessions, cast: Cast) -> None:
    for number in range(3):
        async with transaction(sessions) as session:
            audit.record(session, cast.rural, "tested", cast.patient, patient_id=cast.patient.id, number=number)


async def test_events_are_chained_at_commit(sessions: Sessions, cast: Cast) -> None:
    await three_events(sessions, cast)
    async with sessions() as session:
        verdict = await audit.verify_chain(session)
        assert verdict.is_good
        assert verdict.events == 3


async def test_what_rolls_back_leaves_no_trace_and_no_gap(sessions: Sessions, cast: Cast) -> None:
    await three_events(sessions, cast)
    with pytest.raises(RuntimeError):
        async with transaction(sessions) as session:
            audit.record(session, cast.rural, "undone")
            await session.flush()
            raise RuntimeError
    await three_events(sessions, cast)
    async with sessions() as session:
        assert (await audit.verify_chain(session)).events == 6


@pytest.mark.parametrize(
    "statement", ["update audit_event set action = 'x'", "delete from audit_event", "truncate audit_event"]
)
async def test_the_apps_role_can_change_nothing(sessions: Sessions, cast: Cast, statement: str) -> None:
    await three_events(sessions, cast)
    with pytest.raises((ProgrammingError, IntegrityError)):
        async with transaction(sessions) as session:
            await session.execute(text(statement))


async def test_the_apps_role_cannot_write_the_chain(sessions: Sessions, cast: Cast) -> None:
    await three_events(sessions, cast)
    async with sessions() as session:
        event = (await session.scalars(select(AuditEvent).limit(1))).one()
    with pytest.raises(ProgrammingError):
        async with transaction(sessions) as session:
            session.add(AuditChain(position=99, audit_event_id=event.id, previous_hash=b"", hash=b""))


async def test_the_apps_role_cannot_put_a_table_of_its_own_before_the_chain(sessions: Sessions, cast: Cast) -> None:
    """The trigger works with the owner's rights: a temporary table it wrote to would lend them to whoever made it."""
    async with sessions() as session:
        await session.execute(text("create temp table audit_chain (like public.audit_chain, wrote text default user)"))
        audit.record(session, cast.rural, "tested")
        await session.commit()
        assert (await session.execute(text("select wrote from pg_temp.audit_chain"))).all() == []
        await session.execute(text("drop table pg_temp.audit_chain"))
        assert (await audit.verify_chain(session)).is_good


@pytest.mark.parametrize(
    ("tampering", "reason"),
    [
        ("update audit_event set action = 'nothing happened' where detail->>'number' = '1'", "changed"),
        ("delete from audit_event where detail->>'number' = '1'", "missing"),
        ("delete from audit_chain where position = 2", "missing"),
    ],
)
async def test_who_gets_past_the_walls_is_found(
    sessions: Sessions, cast: Cast, superuser_url: str, database: DatabaseUrls, tampering: str, reason: str
) -> None:
    await three_events(sessions, cast)
    name = psycopg.conninfo.conninfo_to_dict(database.app)["dbname"]
    with psycopg.connect(psycopg.conninfo.make_conninfo(superuser_url, dbname=name), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(tampering)
    async with sessions() as session:
        verdict = await audit.verify_chain(session)
    assert verdict.broken_at == 2
    assert reason in verdict.reason
