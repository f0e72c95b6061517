"""A database that hangs: its sockets are open, and it says nothing. Every page says so, soon, and until it is back."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from teleconsult.settings import Settings
from tests.people import PASSWORD, Cast
from tests.waiting import eventually
from web import pulse
from web.app import make_app

SOCKET = ".s.PGSQL.5432"
SOON = 15.0
"""Seconds, on a busy machine; it is five where there is room."""


class Line:
    """Between the server and its database; while it is cut off, nothing is carried and nothing is closed."""

    def __init__(self, url: str) -> None:
        """`url` leads over it."""
        self.url = url
        self._carries = asyncio.Event()
        self._carries.set()
        self.tasks: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        self._carries.clear()

    def thaw(self) -> None:
        self._carries.set()

    async def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to: str) -> None:
        away_reader, away_writer = await asyncio.open_unix_connection(to)
        for source, sink in ((reader, away_writer), (away_reader, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            await self._carries.wait()
            writer.write(piece)
        writer.close()


@pytest.fixture
async def line(settings: Settings, tmp_path: Path) -> AsyncIterator[Line]:
    """A line to the database."""
    told = psycopg.conninfo.conninfo_to_dict(settings.database_url or "")
    line = Line(f"postgresql://{told['user']}@/{told['dbname']}?host={tmp_path}")
    server = await asyncio.start_unix_server(
        lambda reader, writer: line.come(reader, writer, to=f"{told['host']}/{SOCKET}"), tmp_path / SOCKET
    )
    yield line
    line.thaw()
    server.close()
    for task in line.tasks:
        task.cancel()


async def test_pages_say_so_soon_and_come_back(
    cast: Cast, line: Line, settings: Settings, aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "EVERY", 0.1)
    client: TestClient[web.Request, web.Application] = await aiohttp_client(
        make_app(settings.model_copy(update={"database_url": line.url}))
    )
    form = {"email": cast.emails["rural"], "password": PASSWORD}
    assert (await client.post("/sign-in", data=form, allow_redirects=False)).status == 303

    async def status(path: str) -> int:
        async with client.get(path, headers={"Accept": "text/html"}) as answer:
            assert "Traceback" not in await answer.text()
            return answer.status

    assert await status("/patients") == 200
    line.freeze()
    began = time.monotonic()
    assert await status("/patients") == 503, "it had begun to ask"
    assert time.monotonic() - began < SOON
    began = time.monotonic()
    assert await status("/patients") == 503, "it need not ask"
    assert time.monotonic() - began < SOON / 3
    assert await status("/healthz") == 200
    line.thaw()

    async def is_back() -> bool:
        return await status("/patients") == 200

    assert await eventually(is_back)


async def test_a_server_that_stood_still_itself_does_not_blame_the_database(
    client: TestClient[web.Request, web.Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "EVERY", 0.001)
    monkeypatch.setattr(pulse, "PATIENCE", 0.3)
    monkeypatch.setattr(pulse, "OWN_DELAY", 0.05)
    for _ in range(8):
        asking = asyncio.create_task(client.get("/sign-in"))
        await asyncio.sleep(0.005)
        time.sleep(0.5)  # noqa: ASYNC251  # nobody is served meanwhile
        assert (await asking).status == 200


async def test_a_server_that_ends_while_it_asks(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY", 0)
    for turn in range(40):
        asked = pulse.Pulse(settings.database_url or "")
        async with asked.felt():
            await asyncio.sleep(0.01 + turn / 10_000)
        assert not asked._asking
