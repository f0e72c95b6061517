"""The chains: one for each establishment, whole when nobody touched them, and closed to everybody but the trigger."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import NO_ESTABLISHMENT, AuditChain, AuditEvent
from teleconsult.db import Sessions, transaction
from tests.people import Cast
from tests.teleconsult.audit.log import verdict_of


async def three_events(sessions: Sessions, cast: Cast, actor: Actor | None = None) -> None:
    for number in range(3):
        async with transaction(sessions) as session:
            audit.record(
                session, actor or cast.rural, "tested", cast.patient, patient_id=cast.patient.id, number=number
            )


async def links(sessions: Sessions) -> list[AuditChain]:
    async with sessions() as session:
        return list(
            await session.scalars(select(AuditChain).order_by(AuditChain.chain, AuditChain.lane, AuditChain.position))
        )


async def test_each_establishment_has_a_chain_of_its_own(sessions: Sessions, cast: Cast) -> None:
    await three_events(sessions, cast)
    await three_events(sessions, cast, cast.specialist)
    await three_events(sessions, cast, SYSTEM)
    chains = {link.chain for link in await links(sessions)}
    assert chains == {cast.rural.organization_id, cast.specialist.organization_id, NO_ESTABLISHMENT}
    assert all(link.position in (1, 2, 3) and link.lane == 0 for link in await links(sessions))
    verdict = await verdict_of(sessions)
    assert (verdict.is_good, verdict.events, verdict.chains) == (True, 9, 3)


async def test_writers_of_one_establishment_wait_for_nobody(sessions: Sessions, cast: Cast) -> None:
    """The first has not committed yet, and holds its lane; the second takes the next one and is through."""
    async with sessions() as first, transaction(sessions) as second:
        audit.record(first, cast.rural, "tested")
        await first.flush()
        await first.execute(text("set constraints all immediate"))
        audit.record(second, cast.rural, "tested")
        await asyncio.wait_for(second.flush(), 30)
        await asyncio.wait_for(second.execute(text("set constraints all immediate")), 30)
        await first.commit()
    assert [(link.lane, link.position) for link in await links(sessions)] == [(0, 1), (1, 1)]
    assert (await verdict_of(sessions)).is_good


async def test_when_every_lane_is_taken_one_waits(sessions: Sessions, cast: Cast) -> None:
    lock = text(
        "select pg_advisory_xact_lock(hashtextextended('audit ' || cast(:chain as text), lane))"
        " from generate_series(0, 7) lane"
    )
    async with sessions() as holder:
        await holder.execute(lock, {"chain": str(cast.rural.organization_id)})
        waiting = asyncio.create_task(three_events(sessions, cast))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await holder.commit()
        await asyncio.wait_for(waiting, 30)
    assert (await verdict_of(sessions)).events == 3


async def test_many_writers_at_once_leave_one_whole_log(sessions: Sessions, cast: Cast) -> None:
    await asyncio.gather(*(three_events(sessions, cast, actor) for actor in [cast.rural, cast.specialist] * 8))
    verdict = await verdict_of(sessions)
    assert (verdict.is_good, verdict.events, verdict.chains) == (True, 48, 2)


async def test_what_rolls_back_leaves_no_trace_and_no_gap(sessions: Sessions, cast: Cast) -> None:
    await three_events(sessions, cast)
    with pytest.raises(RuntimeError):
        async with transaction(sessions) as session:
            audit.record(session, cast.rural, "undone")
            await session.flush()
            raise RuntimeError
    await three_events(sessions, cast)
    verdict = await verdict_of(sessions)
    assert (verdict.is_good, verdict.events) == (True, 6)


async def test_the_database_says_itself_whose_patient_it_is(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        audit.record(session, cast.specialist, "tested", patient_id=cast.patient.id)
    async with sessions() as session:
        event = (await session.scalars(select(AuditEvent))).one()
    assert event.patient_organization_id == cast.patient.organization_id


@pytest.mark.parametrize("table", ["audit_event", "audit_chain"])
@pytest.mark.parametrize("statement", ["update {} set id = id", "delete from {}", "truncate {} cascade"])
async def test_the_apps_role_can_change_nothing(sessions: Sessions, cast: Cast, table: str, statement: str) -> None:
    await three_events(sessions, cast)
    with pytest.raises((ProgrammingError, IntegrityError)):
        async with transaction(sessions) as session:
            await session.execute(text(statement.format(table)))


async def test_the_apps_role_cannot_write_the_chain(sessions: Sessions, cast: Cast) -> None:
    await three_events(sessions, cast)
    async with sessions() as session:
        event = (await session.scalars(select(AuditEvent).limit(1))).one()
    with pytest.raises(ProgrammingError):
        async with transaction(sessions) as session:
            link = AuditChain(id=event.id, chain=NO_ESTABLISHMENT, lane=0, position=99, recipe=2)
            link.previous_hash = link.hash = b""
            session.add(link)


async def test_the_apps_role_cannot_switch_the_trigger_off(sessions: Sessions) -> None:
    for statement in ("alter table audit_event disable trigger all", "set session_replication_role = replica"):
        with pytest.raises(DBAPIError):
            async with transaction(sessions) as session:
                await session.execute(text(statement))


async def test_the_apps_role_cannot_put_a_table_of_its_own_before_the_chain(sessions: Sessions, cast: Cast) -> None:
    """The trigger works with the owner's rights: a temporary table it wrote to would lend them to whoever made it."""
    async with sessions.kw["bind"].connect() as connection, sessions(bind=connection) as session:
        await session.execute(text("create temp table audit_chain (like public.audit_chain, wrote text default user)"))
        audit.record(session, cast.rural, "tested")
        await session.commit()
        assert (await session.execute(text("select wrote from pg_temp.audit_chain"))).all() == []
        await session.execute(text("drop table pg_temp.audit_chain"))
        await session.commit()
    assert (await verdict_of(sessions)).is_good
