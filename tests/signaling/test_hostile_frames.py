"""What a client may send over a WebSocket, and what becomes of it; whoever else is there notices nothing."""

from collections.abc import AsyncIterator, Callable

import pytest

from signaling.allowance import BURST
from signaling.server import MAX_PACKET
from tests.signaling.wild import BINARY, PING, TEXT, Server, Wild, serving
from tests.waiting import eventually

Act = Callable[[Wild], None]

HUNG_UP = "hung up"
ANSWERS = "goes on"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    """One for all: who was hung up on leaves nothing behind."""
    async with serving(ping_interval=3600) as one:
        yield one


def text(*packets: str) -> Act:
    """These, one after the other."""

    def act(wild: Wild) -> None:
        for packet in packets:
            wild.say(packet)

    return act


def event(content: str, namespace: str = "/room,") -> Act:
    """An event with this JSON."""
    return text(f"42{namespace}{content}")


def pings(count: int) -> Act:
    """Of WebSocket's own kind."""

    def act(wild: Wild) -> None:
        for _ in range(count):
            wild.frame(b"x", kind=PING)

    return act


def in_parts(*parts: bytes) -> Act:
    """A text that does not end."""

    def act(wild: Wild) -> None:
        for number, part in enumerate(parts):
            wild.frame(part, kind=0 if number else TEXT, first=0)

    return act


ROWS: dict[str, tuple[Act, str]] = {
    # WebSocket frames (RFC 6455)
    "binary": (lambda wild: wild.frame(b"\0\1", kind=BINARY), HUNG_UP),
    "an event as binary": (lambda wild: wild.frame(b'42/room,["say","theirs",1]', kind=BINARY), HUNG_UP),
    "not UTF-8": (lambda wild: wild.frame(b'42/room,["say","\xff"]'), HUNG_UP),
    "a surrogate in UTF-8": (event('["say","\ud800"]'), HUNG_UP),
    "a reserved bit": (lambda wild: wild.frame(b"3", first=0xC0), HUNG_UP),
    "an unknown kind of frame": (lambda wild: wild.frame(b"3", kind=5), HUNG_UP),
    "a ping that is too long": (lambda wild: wild.frame(b"x" * 126, kind=PING), HUNG_UP),
    "a ping in parts": (lambda wild: wild.frame(b"x", kind=PING, first=0), HUNG_UP),
    "the rest of nothing": (lambda wild: wild.frame(b"3", kind=0), HUNG_UP),
    "more than may be, in parts": (in_parts(*[b"4" * 30_000] * 4), HUNG_UP),
    "a length of terabytes": (lambda wild: wild.writer.write(b"\x81\xff\x00\x00\x10" + bytes(9)), HUNG_UP),
    "an empty text": (text(""), HUNG_UP),
    "many pings": (pings(2 * BURST), HUNG_UP),
    "a few pings": (pings(3), ANSWERS),
    # Engine.IO packets
    "a greeting of the server's": (text('0{"sid":"x"}'), HUNG_UP),
    "a good-bye": (text("1"), HUNG_UP),
    "a ping of the server's": (text("2"), HUNG_UP),
    "a probe where nothing is upgraded": (text("2probe"), HUNG_UP),
    "probes again and again": (text(*["2probe"] * 50), HUNG_UP),
    "an upgrade of what is upgraded": (text("5"), HUNG_UP),
    "nothing, said so": (text("6"), HUNG_UP),
    "an unknown type": (text("9"), HUNG_UP),
    "no type": (text("hello"), HUNG_UP),
    "base64": (text("bNDIvcm9vbQ=="), HUNG_UP),
    "answers to no ping": (text(*["3"] * 10), ANSWERS),
    "many answers to no ping": (text(*["3"] * 2 * BURST), HUNG_UP),
    # Socket.IO packets
    "nothing in it": (text("4"), HUNG_UP),
    "JSON instead of a packet": (text('4["say"]'), HUNG_UP),
    "an acknowledgement nobody asked for": (text("43/room,1[]"), HUNG_UP),
    "a refusal of the server's": (text("44/room,{}"), HUNG_UP),
    "a binary event": (text('451-/room,["say",{"_placeholder":true,"num":0}]'), HUNG_UP),
    "a binary acknowledgement": (text("461-/room,1[]"), HUNG_UP),
    "a type past the last": (text("47/room,[]"), HUNG_UP),
    "attachments that do not come": (text('42999999999-/room,["say"]'), HUNG_UP),
    "a number without an end": (text("42" + "9" * 200 + '["say"]'), HUNG_UP),
    "a number of fifteen digits": (event('999999999999999["say","nowhere",1]'), ANSWERS),
    "connecting twice": (text("40/room,"), ANSWERS),
    "connecting where nobody is": (text(*(f"40/{number}," for number in range(50))), ANSWERS),
    "leaving where it is not": (text("41/looking,", "41/nowhere,"), ANSWERS),
    # JSON (RFC 8259)
    "a packet over the limit": (event('["say","' + "x" * MAX_PACKET + '"]'), HUNG_UP),
    "a packet just under it": (event('["say","nowhere","' + "x" * (MAX_PACKET - 100) + '"]'), ANSWERS),
    "NaN": (event('["say",NaN]'), HUNG_UP),
    "Infinity": (event('["say",-Infinity]'), HUNG_UP),
    "half a surrogate": (event('["say","\\ud800"]'), HUNG_UP),
    "no bottom": (event('["say",' + "[" * 5000 + "]" * 5000 + "]"), HUNG_UP),
    "no end": (event('["say"'), HUNG_UP),
    "more after the end": (event('["say"]["say"]'), HUNG_UP),
    "a key twice": (event('["say","nowhere",{"a":1,"a":2}]'), ANSWERS),
    # events
    "a forged disconnect": (event('["disconnect"]'), ANSWERS),
    "a forged connect": (event('["connect",{"HTTP_ORIGIN":"x"},{"token":"x"}]'), ANSWERS),
    "a forged refusal": (event('["connect_error",{}]'), ANSWERS),
    "a name for the library": (event('["newListener","x"]'), ANSWERS),
    "a method of the namespace": (event('["trigger_event","disconnect"]'), ANSWERS),
    "a name of Python's": (event('["__init__"]'), ANSWERS),
    "no name": (event("[]"), ANSWERS),
    "a number for a name": (event("[1]"), ANSWERS),
    "a list for a name": (event('[["say"]]'), ANSWERS),
    "an object": (event("{}"), ANSWERS),
    "more than it takes": (event('["say","nowhere",1,2,3]'), HUNG_UP),
    "an event where it is not": (event('["say","theirs",1]', "/looking,"), ANSWERS),
    "an event where nobody is": (event('["say","theirs",1]', "/" + "x" * 300 + ","), ANSWERS),
    "an event in the namespace of nobody": (event('["say","theirs",1]', ""), ANSWERS),
    "a namespace with a question": (event('["say","nowhere",1]', "/room?token=x,"), ANSWERS),
    "too many events": (text(*['42/room,["say","nowhere",1]'] * 2 * BURST), HUNG_UP),
    "too many to nobody": (text(*['42/looking,["say"]'] * 2 * BURST), HUNG_UP),
    "too many large ones": (text(*['42/room,["say","nowhere","' + "x" * 90_000 + '"]'] * 130), HUNG_UP),
}


@pytest.mark.parametrize(("act", "outcome"), ROWS.values(), ids=ROWS)
async def test_a_hostile_frame(server: Server, act: Act, outcome: str) -> None:
    wild = await server.connected()
    act(wild)
    if outcome == HUNG_UP:
        assert await wild.is_hung_up_on()
    else:
        assert await wild.is_answered()
    assert await server.is_unharmed()
    wild.close()


async def test_packets_before_connecting_are_for_nobody(server: Server) -> None:
    wild = await server.connected(room=False)
    await wild.hears("0{")
    wild.say('42/room,1["say","theirs","boo"]')
    wild.say('42/room,["disconnect"]')
    wild.say("41/room,")
    wild.say("40/room,")
    assert (await wild.hear()).startswith("40/room,{")
    assert await server.is_unharmed()
    wild.close()


async def test_who_has_left_the_namespace_says_nothing_there(server: Server) -> None:
    wild = await server.connected()
    wild.say("41/room,")
    wild.say('42/room,1["say","theirs","boo"]')
    wild.say("40/room,")
    assert (await wild.hear()).startswith("40/room,{")
    assert await server.is_unharmed()
    wild.close()


async def test_a_thousand_rooms_go_with_who_made_them(server: Server) -> None:
    wilds = [await server.connected() for _ in range(10)]
    for number, wild in enumerate(wilds):
        for room in range(100):
            wild.say(f'42/room,1["join","{number}-{room}"]')
    for wild in wilds:
        for _ in range(100):
            assert await wild.hear() == '43/room,1["in"]'
    assert await server.is_unharmed()
    for wild in wilds:
        wild.say("1")
        assert await wild.is_hung_up_on()
    rooms = server.live.manager.rooms["/room"]
    assert await eventually(lambda: not any(str(room)[0].isdigit() and "-" in str(room) for room in rooms))


async def test_nothing_is_left_of_them(server: Server) -> None:
    for _ in range(20):
        wild = await server.connected()
        wild.say("9")
        assert await wild.is_hung_up_on()
    assert await eventually(lambda: len(server.live.eio.sockets) <= len(server.neighbours) + 1)
    assert await eventually(lambda: set(server.live.environ) == set(server.live.eio.sockets))
