"""A room lives in one process of several: who is asked first, who is led there, and what becomes of it afterwards."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from signaling import homes
from signaling.homes import MOST_A_SOCKET, Homes, place_in
from teleconsult.db import Sessions
from teleconsult.embedded import DatabaseUrls
from tests.signaling.booking import Booking
from tests.waiting import eventually


class Pair:
    """Two processes as far as rooms are concerned."""

    def __init__(self, url: str, sessions: Sessions) -> None:
        self.lost: list[str] = []
        self.one, self.two = (Homes(url, name, sessions, lost=self._lost) for name in ("one", "two"))

    async def _lost(self, sid: str) -> None:
        self.lost.append(sid)


@pytest.fixture
async def pair(
    clean_database: DatabaseUrls, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    monkeypatch.setattr(homes, "EVERY", 0.05)
    made = Pair(clean_database.app, sessions)
    async with AsyncExitStack() as stack:
        for each in (made.one, made.two):
            await stack.enter_async_context(each.kept())
        yield made


async def test_who_comes_first_has_it_and_others_are_led_there(pair: Pair) -> None:
    room, other = uuid.uuid4(), uuid.uuid4()
    assert await pair.one.come(room, "a") is None
    assert await pair.one.come(room, "b") is None
    assert await pair.two.come(room, "c") == "one"
    assert await pair.two.come(other, "c") is None
    assert await pair.one.come(other, "a") == "two"


async def test_the_last_one_who_goes_gives_it_back(pair: Pair) -> None:
    room = uuid.uuid4()
    for sid in ("a", "b"):
        await pair.one.come(room, sid)
    await pair.one.go("a")
    assert await pair.two.come(room, "c") == "one"
    await pair.one.go("b")
    await pair.one.go("nobody")
    assert await pair.two.come(room, "c") is None


async def test_a_process_that_ends_gives_all_back_and_takes_none(pair: Pair) -> None:
    room = uuid.uuid4()
    await pair.one.come(room, "a")
    await pair.one.leave()
    assert await pair.two.come(room, "b") is None
    assert await pair.one.come(uuid.uuid4(), "c") == ""


async def test_where_the_database_hung_up_a_room_comes_back_or_is_lost(
    pair: Pair, superuser_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, taken = uuid.uuid4(), uuid.uuid4()
    await pair.one.come(mine, "a")
    await pair.one.come(taken, "b")
    monkeypatch.setattr(homes, "EVERY", 3600)
    await asyncio.sleep(0.1)
    ended = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%room server one'"
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute(ended)

    async def is_taken() -> bool:
        return await pair.two.come(taken, "c") is None

    assert await eventually(is_taken)
    await pair.one._look()
    assert pair.lost == ["b"]
    assert await pair.two.come(mine, "d") == "one"
    assert await pair.one.come(taken, "b") == "two"


async def test_a_database_that_says_nothing_holds_nobody_up_and_no_room_is_lost_to_ourselves(
    pair: Pair, superuser_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = uuid.uuid4()
    await pair.one.come(room, "a")
    monkeypatch.setattr(homes, "EVERY", 3600)
    monkeypatch.setattr(homes, "PATIENCE", 0.3)
    await asyncio.sleep(0.1)
    asked = "select pid from pg_stat_activity where application_name like '%room server one'"
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        [(backend,)] = superuser.execute(asked).fetchall()
    os.kill(backend, signal.SIGSTOP)
    try:
        async with asyncio.timeout(5):
            await pair.one._look()  # another connection is made, and the one that is silent still holds the room
            assert await pair.one.come(uuid.uuid4(), "b") == ""
    finally:
        os.kill(backend, signal.SIGCONT)

    async def is_back() -> bool:
        await pair.one._look()
        return await pair.one.come(room, "c") is None

    assert await eventually(is_back)
    assert pair.lost == []
    assert await pair.two.come(room, "d") == "one"


async def test_a_socket_keeps_so_many_rooms_and_no_more(pair: Pair) -> None:
    """Each is a lock of PostgreSQL's, of which all share so many; and anybody may ask for what is no room at all."""
    rooms = [uuid.uuid4() for _ in range(MOST_A_SOCKET + 1)]
    assert [await pair.one.come(room, "a") for room in rooms] == [*[None] * MOST_A_SOCKET, ""]
    assert await pair.one.come(rooms[0], "a") is None
    assert await pair.two.come(rooms[-1], "b") is None
    await pair.one.go("a")
    assert await pair.two.come(rooms[0], "b") is None


async def test_a_consult_lives_under_its_own_id(pair: Pair, booking: Booking) -> None:
    assert await pair.one.come(booking.consult, "a") is None
    assert await pair.two.come(booking.consult, "b") == "one"


def test_an_address_says_which_room_it_is_for() -> None:
    room = uuid.uuid4()
    assert place_in({"QUERY_STRING": f"EIO=4&room={room}&transport=websocket"}) == room
    for query in ("", "room=", "room=nothing", "room=%00"):
        assert place_in({"QUERY_STRING": query}) is None
