"""Media through the server, over real sockets and real lines: who holds a seat gets them, and nobody else."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import cast

import pytest
import socketio

from signaling.media.forwarder import Forwarder, Wanted
from tests.signaling.booking import Booking
from tests.signaling.changes import session_ends
from tests.signaling.conftest import Changer, LiveSite
from tests.signaling.media.peer import Peer, Track, until
from tests.signaling.visitors import Visitor, VisitorMaker

SOUND = Track(7, "audio", "face")


@dataclass
class Wire:
    """A forwarder, by a visitor's socket."""

    visitor: Visitor
    refusal: str = ""
    is_answered: bool = False

    async def offer(self, _pid: uuid.UUID, sdp: str, wants: dict[str, Wanted]) -> str:
        """What the server answers."""
        named = [
            {"mid": mid, "pid": str(one.pid), "stream": one.stream, "kind": one.kind} for mid, one in wants.items()
        ]
        answer = await self.visitor.ask("through", {"sdp": sdp, "wants": named})
        self.refusal = answer.get("error", "")
        self.is_answered = not self.refusal
        return str(answer.get("sdp", "v=0\r\n"))

    def is_open(self, _pid: uuid.UUID) -> bool:
        """Whether there is a line: what is sent before it is open at the server is lost, as with a browser."""
        return self.is_answered


def peer(visitor: Visitor, *, wants: str | None = None) -> Peer:
    """A browser's connection by a visitor's socket, which sends sound and wants somebody's."""
    wanted = [Wanted(uuid.UUID(wants), "audio", SOUND.stream)] if wants else []
    return Peer(cast("Forwarder", Wire(visitor)), sends=[SOUND], wants=wanted)


def refusal(one: Peer) -> str:
    """Why the server did not answer."""
    return cast("Wire", one.forwarder).refusal


async def by_server(site: LiveSite, booking: Booking) -> None:
    """The room's media pass through the server, as for a recording."""
    await site.live.room.through.ask_for_server(booking.consult, asked=True)


async def speak(one: Peer, first: int, *, packets: int = 20) -> None:
    """Send some sound."""
    for number in range(first, first + packets):
        await one.send(SOUND, number, b"\x78sound")
        await asyncio.sleep(0.005)


async def until_heard(speaker: Peer, hearer: Peer) -> None:
    """Speak until it is."""
    numbers = iter(range(0, 100, 5))
    while not hearer.packets:
        await speak(speaker, next(numbers), packets=5)


async def test_the_answer_to_join_names_the_path(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural = await visit("rural")
    assert (await rural.join(booking.consult))["path"] == {"number": 1, "way": "direct", "settled": True}
    await by_server(site, booking)
    told = {"number": 2, "way": "server", "settled": False}
    assert await rural.next("path") == told
    specialist = await visit("specialist")
    assert (await specialist.join(booking.consult))["path"] == told
    for visitor in (rural, specialist):
        assert await visitor.ask("path", {"number": 2, "works": True}) == {"ok": "yes"}
    assert await rural.next("path") == told | {"settled": True}


async def test_sound_passes_between_those_who_sit_there(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    mine, theirs = (await rural.join(booking.consult))["pid"], (await specialist.join(booking.consult))["pid"]
    await by_server(site, booking)
    speaker, hearer = peer(rural, wants=theirs), peer(specialist, wants=mine)
    await asyncio.gather(speaker.connect(), hearer.connect())
    await until_heard(speaker, hearer)
    await rural.close()
    await speak(speaker, 200)
    await until(lambda: hearer.packets[-1].sequence - hearer.packets[0].sequence > 100)
    assert await specialist.ask("leave", {}) == {"ok": "yes"}
    await until(lambda: hearer.dtls.state == "closed")
    before = len(hearer.packets)
    await speak(speaker, 300)
    assert len(hearer.packets) == before
    for one in (speaker, hearer):
        await one.close()


async def test_who_holds_no_seat_gets_nothing(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural, stranger = await visit("rural"), await visit("stranger")
    mine = (await rural.join(booking.consult))["pid"]
    await by_server(site, booking)
    listener = peer(stranger, wants=mine)
    await listener.offer()
    assert refusal(listener) == "not-joined"
    await stranger.join(booking.consult)
    await listener.offer()
    assert refusal(listener) == "not-joined"
    assert await stranger.ask("path", {"number": 2, "works": False}) == {"error": "not-joined"}
    await listener.close()


async def test_ids_of_nobody_here_bring_nothing(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    mine = (await rural.join(booking.consult))["pid"]
    await specialist.join(booking.consult)
    await by_server(site, booking)
    for wanted in (mine, str(uuid.uuid4())):
        listener = peer(rural, wants=wanted)
        await listener.offer()
        assert listener.answer.media[1].direction == "inactive"
        await listener.close()


@pytest.mark.parametrize("told", [True, False], ids=["told", "silent"])
async def test_who_is_turned_out_hears_no_more(
    visit: VisitorMaker, booking: Booking, site: LiveSite, change: Changer, told: bool
) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    mine = (await rural.join(booking.consult))["pid"]
    await specialist.join(booking.consult)
    await by_server(site, booking)
    speaker, hearer = peer(rural), peer(specialist, wants=mine)
    await asyncio.gather(speaker.connect(), hearer.connect())
    await until_heard(speaker, hearer)
    await change(session_ends, told=told)
    assert (await specialist.next("bye"))["reason"] == "signed-out"
    await until(lambda: hearer.dtls.state == "closed")
    await speak(speaker, 200)
    assert hearer.packets[-1].sequence - hearer.packets[0].sequence < 100
    again = peer(specialist, wants=mine)
    with pytest.raises(socketio.exceptions.SocketIOError):
        await again.offer()
    for one in (speaker, hearer, again):
        await one.close()


async def test_another_page_of_theirs_takes_the_place(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    mine = (await rural.join(booking.consult))["pid"]
    await specialist.join(booking.consult)
    await by_server(site, booking)
    older = await peer(specialist, wants=mine).connect()
    newer = await visit("specialist")
    await newer.join(booking.consult)
    await until(lambda: older.dtls.state == "closed")
    again = await peer(newer, wants=mine).connect()
    for one in (older, again):
        await one.close()
