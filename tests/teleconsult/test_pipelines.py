"""Statements that travel together are one act like any other: behind the same walls, refused in the same words."""

import traceback

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from teleconsult import audit
from teleconsult.accounts.actor import NOBODY, SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.pipelines import Insertion, driver_sql, piped_transaction, pipeline
from tests.people import Cast

SECRET = "Bélanger Rose 1951"
PATIENTS = "select count(*) from patient"
EVENT = Insertion(AuditEvent)


async def patients(sessions: Sessions, acting: object) -> int:
    async with piped_transaction(sessions, acting) as session:  # type: ignore[arg-type]  # whoever it is
        async with pipeline(session) as connection:
            counted = await connection.execute(PATIENTS)
        return int((await counted.fetchall())[0][0])


async def test_its_first_statements_say_who_acts(cast: Cast, sessions: Sessions) -> None:
    assert await patients(sessions, SYSTEM) > 0
    assert await patients(sessions, NOBODY) == 0


async def test_before_them_nobody_does(cast: Cast, sessions: Sessions) -> None:
    async with piped_transaction(sessions, SYSTEM) as session:
        assert (await session.execute(text(PATIENTS))).scalar_one() == 0


async def test_rows_added_by_the_driver_are_as_the_session_s(cast: Cast, sessions: Sessions) -> None:
    added = audit.event_of(cast.rural, "images-stored", instances=3, reason="dürfen, 1.50")
    async with piped_transaction(sessions, SYSTEM) as session, pipeline(session) as connection:
        await connection.execute(EVENT.sql, EVENT.values(added))
    async with transaction(sessions) as session:
        told = (await session.scalars(select(AuditEvent).where(AuditEvent.id == added.id))).one()
    assert (told.action, told.actor_name, told.recorded_at) == (added.action, added.actor_name, added.recorded_at)
    assert told.detail == {"instances": 3, "reason": "dürfen, 1.50"}


async def test_one_that_is_refused_takes_the_others_back_and_tells_no_value(cast: Cast, sessions: Sessions) -> None:
    added = audit.event_of(cast.rural, "images-stored", reason=SECRET)
    with pytest.raises(DBAPIError) as caught:
        async with piped_transaction(sessions, SYSTEM) as session, pipeline(session) as connection:
            await connection.execute(EVENT.sql, EVENT.values(added))
            await connection.execute("update account set email = %(secret)s", {"secret": SECRET})
    said = "".join(traceback.format_exception(caught.value))
    assert "uq_account_email" in said
    for word in (*SECRET.split(), "DETAIL", *cast.emails.values()):
        assert word not in said
    async with transaction(sessions) as session:
        assert not (await session.scalars(select(AuditEvent).where(AuditEvent.id == added.id))).all()


def test_a_statement_keeps_its_named_parameters() -> None:
    assert driver_sql(text("select :one, 'a'")) == "select %(one)s, 'a'"
