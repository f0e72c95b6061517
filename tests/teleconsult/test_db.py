"""What the engine says when the database refuses."""

import traceback
import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.consults.models import Task
from teleconsult.consults.queries import consult_for
from teleconsult.db import (
    Sessions,
    driver_connection,
    make_engine,
    make_sessions,
    sqlalchemy_url,
    transaction,
)
from teleconsult.embedded import DatabaseUrls
from teleconsult.errors import NotFound
from tests.people import Cast

SECRET = "Bélanger Rose 1951"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("insert into organization (id, name) values (gen_random_uuid(), :secret)", "organization"),
        ("insert into account select id, :secret from account", ""),
        ("update account set email = :secret", "uq_account_email"),
        ("update account set locale = :secret, created_at = null", "created_at"),
        ("select cast(:secret as uuid)", "InvalidTextRepresentation"),
        ("select cast(:secret as timestamptz)", "InvalidDatetimeFormat"),
        ("select id from account where email = :secret and nothing", "nothing"),
    ],
)
async def test_an_error_names_the_rule_and_never_the_value(
    sessions: Sessions, cast: Cast, statement: str, named: str
) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with transaction(sessions) as session:
            await session.execute(text(statement), {"secret": SECRET})
    said = "".join(traceback.format_exception(caught.value))
    assert named in said
    for word in (*SECRET.split(), "DETAIL", *cast.emails.values()):
        assert word not in said


async def test_a_connection_that_died_while_it_lay_idle_is_never_handed_out(
    clean_database: DatabaseUrls, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleconsult.db.IDLE", 0.0)
    own = make_engine(clean_database.app, pool_size=1)
    try:
        async with own.connect() as connection:
            first = await connection.scalar(text("select pg_backend_pid()"))
        async with transaction(sessions) as session:
            await session.execute(text("select pg_terminate_backend(:first, 2000)"), {"first": first})
        async with own.connect() as connection:
            assert await connection.scalar(text("select pg_backend_pid()")) != first
    finally:
        await own.dispose()


async def test_of_several_servers_the_one_that_writes_is_taken(clean_database: DatabaseUrls) -> None:
    """As libpq takes them; the first is not there at all."""
    url = clean_database.app.replace("host=", "host=/nowhere,") + "&target_session_attrs=read-write"
    engine = make_engine(url, pool_size=1)
    async with engine.connect() as connection:
        assert (await connection.execute(text("select 1"))).scalar_one() == 1
    await engine.dispose()
    told = make_url(sqlalchemy_url("postgresql://app:s%40cret@db1:5432,db2:5433/tele?target_session_attrs=read-write"))
    _none, arguments = engine.dialect.create_connect_args(told)
    expected = {"host": "db1,db2", "port": "5432,5433", "user": "app", "password": "s@cret", "dbname": "tele"}
    assert {name: arguments[name] for name in expected} == expected
    assert arguments["target_session_attrs"] == "read-write"


async def test_codes_stand_in_a_question_and_values_do_not(sessions: Sessions, cast: Cast) -> None:
    """So that the plan kept for all values is as good as one made for these."""
    async with transaction(sessions, SYSTEM) as session:
        with pytest.raises(NotFound):
            await consult_for(session, cast.rural, uuid.uuid4())
        ((statement, _plans, _own_plans),) = await _prepared(session, "SELECT service_request.number")
    assert "appointment_1.status NOT IN ('cancelled', 'noshow')" in statement
    assert "service_request.id = $1" in statement


@pytest.fixture
async def one_connection(clean_database: DatabaseUrls) -> AsyncIterator[Sessions]:
    engine = make_engine(clean_database.app, pool_size=1)
    yield make_sessions(engine, acting="system")
    await engine.dispose()


async def test_a_question_is_planned_once_for_all_values(one_connection: Sessions) -> None:
    async with transaction(one_connection) as session:
        for _ in range(3):
            await session.scalars(select(Task.id).where(Task.id == uuid.uuid4()))
        ((_statement, plans, own_plans),) = await _prepared(session, "SELECT task.id")
    assert (plans, own_plans) == (3, 0)
    async with transaction(one_connection, is_planned_anew=True) as session:
        await session.scalars(select(Task.id).where(Task.id == uuid.uuid4()))
        ((_statement, plans, own_plans),) = await _prepared(session, "SELECT task.id")
    assert (plans, own_plans) == (3, 1)


async def test_what_is_rolled_back_takes_no_plan_with_it(one_connection: Sessions) -> None:
    for _ in range(3):
        with pytest.raises(NotFound):
            async with transaction(one_connection) as session:
                await session.scalars(select(Task.id).where(Task.id == uuid.uuid4()))
                with pytest.raises(NotFound):
                    async with session.begin_nested():
                        raise NotFound
                raise NotFound
    async with transaction(one_connection) as session:
        ((_statement, plans, _own_plans),) = await _prepared(session, "SELECT task.id")
    assert plans == 3


async def _fail(session: AsyncSession) -> None:
    await session.execute(text("select 1 / (:none)::int"), {"none": 0})


async def test_nothing_that_failed_stays_prepared(one_connection: Sessions) -> None:
    """Its name would be known to nobody: each new try would leave another."""
    for _ in range(3):
        async with transaction(one_connection) as session:
            with pytest.raises(DBAPIError):
                async with session.begin_nested():
                    await _fail(session)
    with pytest.raises(DBAPIError):
        async with transaction(one_connection) as session:
            await _fail(session)
    async with transaction(one_connection) as session:
        assert await _prepared(session, "select 1 /") == []
        await session.scalars(select(Task.id))
    async with transaction(one_connection) as session:
        assert len(await _prepared(session, "SELECT task.id")) == 1
        assert await _prepared(session, "SAVEPOINT") == await _prepared(session, "ROLLBACK") == []


async def test_a_table_that_another_version_has_changed_is_asked_anew(
    one_connection: Sessions, clean_database: DatabaseUrls
) -> None:
    question = text("select * from healthcare_service where false")

    async def ask() -> int:
        async with transaction(one_connection) as session:
            return len((await session.execute(question)).keys())

    before = await ask()
    with psycopg.connect(clean_database.owner, autocommit=True) as owner:
        owner.execute("alter table healthcare_service add column later int")
        try:
            with pytest.raises(DBAPIError, match="cached plan must not change result type"):
                await ask()
            assert await ask() == before + 1
        finally:
            owner.execute("alter table healthcare_service drop column later")


async def _prepared(session: AsyncSession, beginning: str) -> list[tuple[str, int, int]]:
    """Statements the session's connection keeps: how often a plan for all values was followed, how often one of its
    own."""
    driver = await driver_connection(session)
    asked = await driver.execute(
        "select statement, generic_plans, custom_plans from pg_prepared_statements where starts_with(statement, %s)",
        (beginning,),
    )
    return await asked.fetchall()


async def test_a_code_that_is_none_is_quoted(sessions: Sessions) -> None:
    async with transaction(sessions, SYSTEM) as session:
        question = select(Task.id).where(Task.status == "x' or 'a' = 'a' -- %(status_1)s $1 \\")
        assert (await session.scalars(question)).all() == []
