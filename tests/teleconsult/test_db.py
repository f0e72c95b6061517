"""What the engine says when the database refuses."""

import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from teleconsult.db import Sessions, make_engine, transaction
from teleconsult.embedded import DatabaseUrls
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
