"""Two server processes on one database, for real: rooms, hints, a rolling restart, a process that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import socketio

from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.events import tell
from teleconsult.settings import Settings
from tests.people import SECRET, Cast
from tests.signaling.booking import Booking, book
from tests.signaling.conftest import cookie_of
from tests.signaling.visitors import Visitor
from tests.waiting import eventually
from tests.web.test_running import free_port
from web.cookies import session_cookie

ORIGIN = "http://127.0.0.1:8080"


@dataclass
class Server:
    """One of several."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1):
                return True
        except OSError:
            return False


def start(name: str, urls: DatabaseUrls, data: Path) -> Server:
    port = free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("TELECONSULT_")},
        "TELECONSULT_DATABASE_URL": urls.app,
        "TELECONSULT_DATA": str(data),
        "TELECONSULT_SECRET_KEY": SECRET,
        "TELECONSULT_PORT": str(port),
        "TELECONSULT_PUBLIC_URL": ORIGIN,
        "TELECONSULT_PROCESS": name,
    }
    return Server(name, port, subprocess.Popen([sys.executable, "-m", "web", "serve"], env=environment))


@dataclass
class Visits:
    """Who comes to which process."""

    booking: Booking
    cookies: dict[str, str]
    came: list[Visitor]

    async def to(self, server: Server, who: str, namespace: str = "/room") -> Visitor:
        """Raises ConnectionError, with what the server said as `refused`."""
        headers = {"Cookie": f"{session_cookie(secure=False)}={self.cookies[who]}", "Origin": ORIGIN}
        url = f"http://127.0.0.1:{server.port}?room={self.booking.consult}"
        visitor = Visitor(url, namespace=namespace, headers=headers)
        self.came.append(visitor)
        await visitor.connect()
        return visitor

    async def led_from(self, server: Server, who: str) -> str:
        """Where a page that comes there is led."""
        said: list[dict[str, dict[str, str]]] = []
        headers = {"Cookie": f"{session_cookie(secure=False)}={self.cookies[who]}", "Origin": ORIGIN}
        client = socketio.AsyncClient(reconnection=False)
        client.on("connect_error", said.append, namespace="/room")
        url = f"http://127.0.0.1:{server.port}?room={self.booking.consult}"
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(url, headers=headers, namespaces=["/room"], transports=["websocket"])
        await client.disconnect()
        assert said[0]["message"] == "elsewhere"
        return said[0]["data"]["process"]


@pytest.fixture
async def visits(sessions: Sessions, settings: Settings, cast: Cast) -> AsyncIterator[Visits]:
    booking = await book(cast, sessions)
    people = ("rural", "specialist", "coordinator")
    made = Visits(booking, {who: await cookie_of(sessions, settings, getattr(cast, who)) for who in people}, [])
    yield made
    for visitor in made.came:
        await visitor.close()


async def test_two_processes_are_one_site(
    visits: Visits, clean_database: DatabaseUrls, settings: Settings, sessions: Sessions
) -> None:
    one, two = (start(name, clean_database, settings.data) for name in ("one", "two"))
    try:
        await _ready(one, two)
        await _meet(visits, one, two, sessions)
        seconds, taken = await _restart(visits, one)
        assert seconds <= 10
        # the room begins in the other process, with every line that was answered for
        rural = await visits.to(two, "rural")
        joined = await rural.join(visits.booking.consult)
        said = {line["id"] for line in joined["chat"]} or {event["body"]["id"] for event in joined["log"]["events"]}
        assert taken <= said
        assert len(taken) > 3
        specialist = await visits.to(two, "specialist")
        await specialist.join(visits.booking.consult)
        # killed, and begun again: it can be had at once
        two.process.kill()
        two.process.wait()
        two = start("two", clean_database, settings.data)
        await _ready(two)
        back = await visits.to(two, "rural")
        assert "error" not in await back.join(visits.booking.consult)
    finally:
        for server in (one, two):
            server.process.kill()
            server.process.wait()


async def _ready(*servers: Server) -> None:
    """A process loads for seconds, and on a machine that is busy for long."""
    for _patience in range(8):
        if await eventually(lambda: all(server.answers() for server in servers)):
            return
    raise AssertionError("a server did not begin")


async def _meet(visits: Visits, one: Server, two: Server, sessions: Sessions) -> None:
    """One comes by each process; both sit in one room, and lists change in both."""
    rural = await visits.to(one, "rural")
    assert "error" not in await rural.join(visits.booking.consult)
    assert await visits.led_from(two, "specialist") == "one"
    specialist = await visits.to(one, "specialist")
    joined = await specialist.join(visits.booking.consult)
    assert [peer["present"] for peer in joined["peers"]] == [True]
    assert (await rural.next("peer"))["change"] == "joined"
    assert await specialist.ask("chat", {"id": str(uuid.uuid4()), "text": "Can you hear me?"}) == {"ok": "yes"}
    assert (await rural.next("chat"))["text"] == "Can you hear me?"
    for server in (one, two):
        watching = await visits.to(server, "coordinator", "/worklist")
        async with transaction(sessions) as session:
            await tell(session, "ConsultSubmitted", consult=visits.booking.consult)
        assert (await watching.next("changed"))["id"] == str(visits.booking.consult)


async def _restart(visits: Visits, server: Server) -> tuple[float, set[str]]:
    """End a process in the middle of a conversation: how long that took, and what it had answered for."""
    rural, taken = visits.came[0], set[str]()

    async def talk() -> None:
        while True:
            line = str(uuid.uuid4())
            if await rural.ask("chat", {"id": line, "text": "…"}) == {"ok": "yes"}:
                taken.add(line)

    talking = asyncio.create_task(talk())
    assert await eventually(lambda: len(taken) > 3)
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(rural.gone.wait(), 10)
    status = await asyncio.to_thread(server.process.wait, 15)
    seconds = time.monotonic() - begun
    talking.cancel()
    await asyncio.wait({talking})
    assert status == 0
    return seconds, taken
