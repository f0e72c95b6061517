"""Rows, connections and the one transaction an act lives in."""

import enum
import time
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final, Protocol

import psycopg
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    DateTime,
    Enum,
    MetaData,
    Text,
    any_,
    bindparam,
    event,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    Session,
    SessionTransaction,
    mapped_column,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler

from teleconsult.clock import now
from teleconsult.exact import read_exact, write_for_database
from teleconsult.prepared import keep_prepared

Sessions = async_sessionmaker[AsyncSession]

ACTING: Final = "acting"
SET_ACTING: Final = text("select set_config('teleconsult.acting', :acting, true)")
"""Until the transaction ends (`is_local`): a connection goes back to the pool knowing nobody."""
WAITS: Final = "-c statement_timeout=15s -c idle_in_transaction_session_timeout=60s -c lock_timeout=10s"
PLANNED_ONCE: Final = "-c plan_cache_mode=force_generic_plan -c jit=off"
"""A statement is prepared when it is first asked (`prepared`), and its plan serves for all values. Under the walls it
has hundreds of nodes, and takes five to ten times as long to make as to follow: PostgreSQL's own way, to try five plans
first, and the driver's, to prepare at the sixth time, made a new connection plan each question ten times. What a plan
for all values costs is a guess, and no reason to compile it."""
PLANNED_ANEW: Final = "planned_anew"
_SET_BOTH: Final = text(
    "select set_config('teleconsult.acting', :acting, true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)
_PLAN_ANEW: Final = text("select set_config('plan_cache_mode', 'force_custom_plan', true)")
SAYS_LATER: Final = "says_later"
"""Of a session: its first pipeline says who acts (`pipelines`). Until then it acts for nobody, and is shown nothing."""

IDLE: Final = 1.0
"""Seconds after which a connection is first asked whether it still answers."""
_IDLE_SINCE: Final = "idle_since"


def _codes(codes: type[enum.StrEnum]) -> list[str]:
    """Columns hold the standard's codes, not Python's names for them."""
    return [code.value for code in codes]


class Base(DeclarativeBase):
    """Every row has a random UUID: ids that leave the house tell nothing and can't be guessed."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        str: Text,
        uuid.UUID: UUID(as_uuid=True),
        enum.StrEnum: Enum(enum.StrEnum, native_enum=False, create_constraint=True, length=40, values_callable=_codes),
    }

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)


def sqlalchemy_url(url: str) -> str:
    """The same address, naming the driver: psycopg 3. It may name several servers, as libpq takes them."""
    told = psycopg.conninfo.conninfo_to_dict(url)
    hosts, ports = (str(told.get(name) or "").split(",") for name in ("host", "port"))
    if len(hosts) == 1 or ports == [""]:
        return "postgresql+psycopg://" + url.split("://", 1)[1]
    ports = ports * len(hosts) if len(ports) == 1 else ports
    rest = {
        name: str(value) for name, value in told.items() if name not in ("host", "port", "user", "password", "dbname")
    }
    return URL.create(
        "postgresql+psycopg",
        username=told.get("user"),  # type: ignore[arg-type]  # text, where it is there
        password=told.get("password"),  # type: ignore[arg-type]  # the same
        database=told.get("dbname"),  # type: ignore[arg-type]  # the same
        query={**rest, "host": [f"{host}:{port or 5432}" for host, port in zip(hosts, ports, strict=True)]},
    ).render_as_string(hide_password=False)


def make_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine whose every wait has an end: 5 s to connect, 15 s a statement, 60 s an idle transaction.

    Its errors say which rule was broken, never what was written: they end in logs.
    """
    engine = create_async_engine(
        sqlalchemy_url(url),
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_use_lifo=True,
        json_serializer=write_for_database,
        json_deserializer=read_exact,
        connect_args={
            "connect_timeout": 5,
            "options": f"-c timezone=UTC {WAITS} {PLANNED_ONCE}",
        },
    )
    event.listen(engine.sync_engine, "handle_error", _keep_values_out)
    event.listen(engine.sync_engine, "connect", keep_prepared)
    event.listen(engine.sync_engine, "checkin", _note_idle)
    event.listen(engine.sync_engine, "checkout", partial(_try_out, engine))
    return engine


def _note_idle(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_IDLE_SINCE] = time.monotonic()


def _try_out(engine: AsyncEngine, connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: object) -> None:
    """A connection that lay idle may be dead: then the pool makes new ones. One just used costs no question."""
    since = entry.info.get(_IDLE_SINCE)
    if since is None or time.monotonic() - since < IDLE:
        return
    try:
        engine.dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _keep_values_out(context: ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, psycopg.Error):
        hide_values(error)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = error.args


def hide_values(error: psycopg.Error) -> None:
    """PostgreSQL quotes whole rows in an error's DETAIL, and the value itself where it is of the wrong kind."""
    if error.diag.message_primary is not None:
        error.args = (type(error).__name__ if isinstance(error, psycopg.DataError) else error.diag.message_primary,)


class Acts(Protocol):
    """Whoever a transaction is opened for, as the database is told (`accounts.Actor`)."""

    @property
    def acting(self) -> str:
        """The role in force, `guest:` and a pass, `system`, or nothing for nobody."""


def make_sessions(engine: AsyncEngine, *, acting: str = "") -> Sessions:
    """Sessions that keep what they loaded after the commit. They act for nobody until told otherwise.

    What nobody may read is hidden by row-level security (`migrations/walls.py`): a look-up that forgot who asks
    finds nothing.
    """
    return async_sessionmaker(engine, expire_on_commit=False, info={ACTING: acting})


def engine_of(sessions: Sessions) -> AsyncEngine:
    """Whose connections they take."""
    engine = sessions.kw["bind"]
    assert isinstance(engine, AsyncEngine)
    return engine


@event.listens_for(Session, "after_begin")
def _say_who_acts(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    if not session.info.get(SAYS_LATER):
        said = _SET_BOTH if session.info.get(PLANNED_ANEW) else SET_ACTING
        connection.execute(said, {"acting": session.info.get(ACTING, "")})


@compiles(BindParameter, "postgresql")
def _spell_codes(parameter: BindParameter[Any], compiler: SQLCompiler, **how: Any) -> str:
    """A code that something is compared with stands in the statement itself.

    Only so can a plan that is kept for all values use an index on part of a table (`status not in ('cancelled', …)`);
    without that PostgreSQL plans the statement anew each time, which takes ten times as long as to answer it.
    """
    if isinstance(parameter.type, Enum) and not parameter._is_crud:  # what is written stays a value
        how["literal_execute"] = True
    return str(compiler.visit_bindparam(parameter, **how))  # type: ignore[no-untyped-call]


def is_one_of(column: InstrumentedAttribute[Any], ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """Whether the column holds one of thousands of ids: one array, where `in_` writes a statement anew for each list,
    which takes 10 ms a thousand.
    """
    return column == any_(literal(list(ids), ARRAY(UUID(as_uuid=True))))


def asked_at(*, less: timedelta = timedelta()) -> ColumnElement[datetime]:
    """The moment at which a question is asked, whenever it was written; or one so long before it."""
    return bindparam(None, callable_=lambda: now() - less, type_=DateTime(timezone=True))


@asynccontextmanager
async def transaction(
    sessions: Sessions, actor: Acts | None = None, *, is_planned_anew: bool = False
) -> AsyncIterator[AsyncSession]:
    """One act of the actor's: commits when the block ends, rolls back when it raises.

    What the act wants told or done afterwards (`events.tell`, `jobs.defer`) is written inside, so it
    happens exactly when the commit does. `is_planned_anew`: no plan of a statement serves for other values, as none can
    be good for a name that one patient bears and for one that half of them do.
    """
    async with sessions() as session:
        session.info[PLANNED_ANEW] = is_planned_anew
        if actor is not None:
            session.info[ACTING] = actor.acting
        async with session.begin():
            yield session


async def plan_anew(session: AsyncSession) -> None:
    """From here to the end of the transaction, as `is_planned_anew`: for a look over months of everybody's, for which a
    plan for a few rows would take for ever.
    """
    await session.execute(_PLAN_ANEW)


async def act_as(session: AsyncSession, actor: Acts) -> None:
    """From here on the session's transactions are the actor's; the one that is open, too."""
    session.info[ACTING] = actor.acting
    if session.in_transaction():
        await session.execute(SET_ACTING, {"acting": actor.acting})


async def driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection of the session's own transaction."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    assert isinstance(raw.driver_connection, psycopg.AsyncConnection)
    return raw.driver_connection


async def is_answering(sessions: Sessions) -> bool:
    """Whether the database answers a trivial question now."""
    async with sessions() as session:
        return bool((await session.execute(text("select 1"))).scalar_one())
