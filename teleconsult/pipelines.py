"""Several statements in one journey to the database, by the driver itself.

For what comes by thousands: a journey for each statement, and SQLAlchemy on the way, cost many times what the
database does. What decides stays where it was: in the database's own rules, in one transaction.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import ClauseElement, Dialect, Table, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import (
    ACTING,
    SAYS_LATER,
    SET_ACTING,
    Acts,
    Base,
    Sessions,
    driver_connection,
    engine_of,
    hide_values,
)
from teleconsult.exact import write_for_database


def driver_sql(statement: ClauseElement) -> str:
    """A statement as the driver takes it, with its named parameters."""
    return str(statement.compile(dialect=_DIALECT))


_DIALECT: Final[Dialect] = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it without types
_SAY_WHO_ACTS: Final = driver_sql(SET_ACTING)


@asynccontextmanager
async def piped_transaction(sessions: Sessions, actor: Acts) -> AsyncIterator[AsyncSession]:
    """As `db.transaction`, for what begins with a `pipeline`: that one says who acts, on the same journey."""
    async with sessions() as session:
        session.info.update({ACTING: actor.acting, SAYS_LATER: True})
        async with session.begin():
            yield session


@asynccontextmanager
async def pipeline(session: AsyncSession) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """What is executed in the block travels together; results are there after it. Raises as the session would."""
    connection = await driver_connection(session)
    with _raised_as_by_sessions():
        async with connection.pipeline():
            if session.info.pop(SAYS_LATER, False):
                await connection.execute(_SAY_WHO_ACTS, {"acting": session.info[ACTING]})
            yield connection


@asynccontextmanager
async def bare_connection(sessions: Sessions) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """The driver's, for one transaction of few statements, where a session costs more than all of them.

    It acts for nobody until a `bare_pipeline` says so. What was not committed when the block ends is rolled back.
    Raises as a session would.
    """
    with _raised_as_by_sessions():
        async with engine_of(sessions).connect() as connection:
            raw = await connection.get_raw_connection()
            assert isinstance(raw.driver_connection, psycopg.AsyncConnection)
            yield raw.driver_connection


@asynccontextmanager
async def bare_pipeline(connection: psycopg.AsyncConnection[Any], actor: Acts) -> AsyncIterator[None]:
    """As `pipeline`: the transaction begins, and is the actor's, on the same journey."""
    async with connection.pipeline():
        await connection.execute(_SAY_WHO_ACTS, {"acting": actor.acting})
        yield


@contextmanager
def _raised_as_by_sessions() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        hide_values(error)
        raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


class Insertion:
    """How rows of one kind are added by the driver, each column as the object has it: the session fills in nothing."""

    def __init__(self, kind: type[Base]) -> None:
        assert isinstance(kind.__table__, Table)
        self.sql: Final = driver_sql(insert(kind.__table__))
        self._table: Final = kind.__table__.name
        self._columns: Final = [(column.key, isinstance(column.type, JSONB)) for column in kind.__table__.columns]

    def values(self, row: Base) -> dict[str, Any]:
        """The parameters of `sql` for a row."""
        return {
            name: Jsonb(getattr(row, name), dumps=write_for_database) if is_json else getattr(row, name)
            for name, is_json in self._columns
        }

    def from_rows(self, source: str, *, prefix: str = "", **known: str) -> str:
        """One for each row of `source`, to stand in a larger statement: columns that are `known` are these expressions
        of it, the others the parameters of `values`, under `prefix` and their name.
        """
        names = [name for name, _is_json in self._columns]
        values = [known.get(name, f"%({prefix}{name})s") for name in names]
        columns, told = ", ".join(f'"{name}"' for name in names), ", ".join(values)
        return f"insert into {self._table} ({columns}) select {told} from {source}"  # noqa: S608  # names of our own
