"""What is no protocol, too much, too slow, or broken off: it harms nobody, and leaves nothing behind."""

import asyncio
import resource
import struct
from pathlib import Path

import pytest
import uvloop
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse import association, listener
from teleconsult.imaging.dimse.listener import MOST_CONNECTIONS, MOST_OF_ADDRESS, Door
from teleconsult.imaging.dimse.pdus import Reason, abort, leave
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.models import ImagingInstance
from teleconsult.settings import Settings
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.dimse.scanner import (
    ECHO,
    HOST,
    RELEASE,
    CTImageStorage,
    Scanner,
    Verification,
    command,
    data,
    proposal,
    status_in,
)
from tests.waiting import eventually

STORE = command(sop_class=CTImageStorage, field=1, message=1, data_set=1, instance="1.2.3")
UNRECOGNIZED, UNEXPECTED, INVALID = (
    abort(reason) for reason in (Reason.UNRECOGNIZED_PDU, Reason.UNEXPECTED_PDU, Reason.INVALID_PARAMETER)
)
ACCEPTED, REJECTED = b"\x02", b"\x03"
pytestmark = pytest.mark.usefixtures("peer")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"\x01\x00\xff\xff\xff\xff", INVALID),
        (b"\x01\x00" + struct.pack(">L", 256 * 1024 + 1) + bytes(100), INVALID),
        (b"\x00\x00\x00\x00\x00\x04", UNRECOGNIZED),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", UNRECOGNIZED),
        (b"\x16\x03\x01" + b"\xff" * 400, UNRECOGNIZED),
        (b"\x02\x00\x00\x00\x00\x04" + bytes(4), UNEXPECTED),
        (data((1, 3, ECHO)), UNEXPECTED),
        (RELEASE, UNEXPECTED),
        (b"\x01\x00\x00\x00\x00\x00", INVALID),
        (b"\x01\x00\x00\x00\x10\x00" + b"\xff" * 4096, INVALID),
    ],
)
async def test_what_is_no_request_is_answered_by_an_abort(scanner: Scanner, raw: bytes, told: bytes) -> None:
    assert await scanner.say(raw) == told
    assert await scanner.echo() == 0


async def test_every_piece_of_a_request_is_read_without_harm(scanner: Scanner) -> None:
    """A true request with one byte changed, each in turn of the first items, is accepted, rejected or aborted."""
    whole = proposal()
    for at in (*range(6, 10), *range(74, len(whole), 7)):
        heard = await scanner.say(whole[:at] + b"\xff" + whole[at + 1 :], RELEASE)
        assert heard[:1] in (ACCEPTED, REJECTED, b"\x07"), at
    assert await scanner.echo() == 0


@pytest.mark.parametrize(
    "pdus",
    [
        [b"\x04\x00\xff\xff\xff\xff"],
        [b"\x04\x00" + struct.pack(">L", 128 * 1024 + 1)],
        [b"\x04\x00\x00\x00\x00\x00"],
        [b"\x04\x00\x00\x00\x00\x06\xff\xff\xff\xff\x01\x03"],
        [b"\x04\x00\x00\x00\x00\x06\x00\x00\x00\x01\x01\x03"],
        [b"\x04\x00\x00\x00\x00\x03\x00\x00\x00"],
        [data((9, 3, ECHO))],
        [data((1, 2, b"no command before it"))],
        [data((1, 3, b"\xff" * 50))],
        [data((1, 3, b""))],
        [data((1, 1, bytes(10_000)))] * 2,
        [data((1, 3, command(sop_class=CTImageStorage, field=0x20, message=1, data_set=1)))],
        [data((1, 3, command(sop_class=CTImageStorage, field=1, message=1, data_set=0x0101, instance="1.2")))],
        [data((1, 3, STORE)), data((1, 3, STORE))],
        [data((1, 3, STORE)), data((3, 0, b"of another context"))],
        [data((1, 3, STORE)), RELEASE],
        [proposal()],
    ],
)
async def test_what_breaks_the_protocol_ends_the_association_alone(
    scanner: Scanner, settings: Settings, pdus: list[bytes]
) -> None:
    heard = await scanner.say(proposal(CTImageStorage, Verification), *pdus)
    assert heard[:1] == ACCEPTED
    assert heard[-10:] in (UNEXPECTED, INVALID)
    assert await scanner.echo() == 0
    assert not [path for path in (settings.data / "tmp").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (command(sop_class=CTImageStorage, field=1, message=1, data_set=1, instance="../../etc"), 0x0117),
        (command(sop_class="1.2.840.10008.5.1.4.1.1.4", field=1, message=1, data_set=1, instance="1.2"), 0x0122),
    ],
)
async def test_what_cannot_be_is_said_and_the_line_stays(scanner: Scanner, asked: bytes, status: int) -> None:
    heard = await scanner.say(proposal(CTImageStorage), data((1, 3, asked), (1, 2, b"x" * 400)), RELEASE)
    assert status_in(heard) == status
    assert heard.endswith(bytes((6, 0, 0, 0, 0, 4)) + bytes(4))


async def test_pieces_of_any_size_are_one_message(scanner: Scanner) -> None:
    heard = await scanner.say(
        proposal(Verification),
        data(*((1, 1, ECHO[at : at + 1]) for at in range(len(ECHO) - 1)), (1, 3, ECHO[-1:])),
        RELEASE,
    )
    assert status_in(heard) == 0


async def test_one_over_the_limit_is_refused_and_never_on_the_disk(
    scanner: Scanner, hall: Hall, tmp_path: Path
) -> None:
    pieces = hall.file_limit // 60_000 + 2
    heard = await scanner.say(
        proposal(CTImageStorage),
        data((1, 3, STORE)),
        *[data((1, 0, bytes(60_000)))] * pieces,
        data((1, 2, b"")),
        RELEASE,
    )
    assert status_in(heard) == 0xA700


async def test_without_room_nothing_is_taken(scanner: Scanner, monkeypatch: pytest.MonkeyPatch, cast: Cast) -> None:
    monkeypatch.setattr(association, "LEAST_ROOM", 2**62)
    assert await scanner.push(slice_of(cast)) == 0xA700


async def test_what_is_broken_off_leaves_nothing(
    scanner: Scanner, sessions: Sessions, cast: Cast, settings: Settings
) -> None:
    content = slice_of(cast)
    await scanner.say(proposal(CTImageStorage), data((1, 3, STORE)), data((1, 0, content[400:])), within=0.1)
    assert await eventually(lambda: _is_empty(settings))
    async with transaction(sessions) as session:
        assert not (await session.scalars(select(ImagingInstance))).all()


async def test_who_says_nothing_or_says_it_drop_by_drop_is_cut_off(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARTIM", "IDLE", "WITHIN"):
        monkeypatch.setattr(association, name, 0.3)
    unspecified = abort(Reason.UNSPECIFIED)
    assert await scanner.say() == unspecified
    assert (await scanner.say(proposal())).endswith(unspecified)
    assert (await scanner.say(proposal(), data((1, 3, STORE))[:20])).endswith(unspecified)
    reader, writer = await asyncio.open_connection(HOST, scanner.port)
    answer = asyncio.create_task(reader.read(10))
    rest = list(proposal())
    while rest and not answer.done():
        writer.write(bytes((rest.pop(0),)))
        await asyncio.sleep(0.02)
    assert await answer == unspecified
    writer.close()
    assert rest, "nobody waited for all of it"


async def test_more_connections_than_there_are_places_are_closed(scanner: Scanner) -> None:
    assert MOST_OF_ADDRESS < MOST_CONNECTIONS
    held = [await asyncio.open_connection(HOST, scanner.port) for _ in range(MOST_OF_ADDRESS)]
    try:
        assert await scanner.say(proposal()) == b""
    finally:
        for _reader, writer in held:
            writer.close()
    assert await eventually(lambda: _echoes(scanner))


async def test_stopping_says_so_to_those_who_wait_and_lets_the_rest_end(
    hall: Hall, cast: Cast, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "GRACE", 0.3)
    async with Door(hall).opened(HOST, 0, None) as server:
        port = server.sockets[0].getsockname()[1]
        idle, idle_writer = await asyncio.open_connection(HOST, port)
        slow, slow_writer = await asyncio.open_connection(HOST, port)
        idle_writer.write(proposal())
        slow_writer.write(proposal() + data((1, 3, STORE)))
        await asyncio.gather(idle.readexactly(1), slow.readexactly(1))
        store = asyncio.create_task(Scanner(port).push(slice_of(cast)))
        await asyncio.sleep(0.1)
    assert (await idle.read()).endswith(leave())
    assert (await slow.read()).endswith(leave())
    assert await store in (0, None)
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(ImagingInstance))).all()
    assert len(kept) == (await store == 0)
    for writer in (idle_writer, slow_writer):
        writer.close()


def test_the_process_bounds_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: said.append((what, limits)))
    listener.limit_memory()
    assert said[0][0] == resource.RLIMIT_DATA
    assert 0 < said[0][1][0] <= listener.MEMORY


async def _is_empty(settings: Settings) -> bool:
    return not list((settings.data / "tmp").glob("upload-dimse-*"))


async def _echoes(scanner: Scanner) -> bool:
    return await scanner.echo() == 0


def test_nobody_is_told_any_more_who_hung_up_meanwhile(hall: Hall) -> None:
    """On the event loop of the real process, which raises where a line is written to that is closed."""

    async def talk() -> None:
        served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def come(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()
            await asyncio.sleep(0.05)
            said = asyncio.StreamReader()
            said.feed_data(b"GET / HTTP/1.1\r\n\r\n")
            try:
                served.set_result(await association.Association(said, writer, hall=hall).serve())
            except Exception as error:
                served.set_exception(error)

        async with await asyncio.start_server(come, HOST, 0) as server:
            _reader, writer = await asyncio.open_connection(HOST, server.sockets[0].getsockname()[1])
            await asyncio.wait_for(served, 10)
            writer.close()

    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(talk())
