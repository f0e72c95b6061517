"""Rooms whose media Debian's Janus carries, over real lines: who sends, who gets it, and what becomes of it without."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import cast

import aiohttp
import pytest
from aiortc.sdp import SessionDescription

from signaling import course
from signaling.connection import Connection
from signaling.media import janus_line
from signaling.media.forwarder import BadOffer, Forwarder
from signaling.media.janus import Janus
from signaling.media.janus_line import JanusLost, JanusRefused, JanusSession, connected
from signaling.media.janus_room import JanusRoom, Made, Wish
from signaling.protocol import Done, Refusal
from signaling.protocol_through import Answered, Path, Through, ThroughAnswer, WantOf, Wants
from tests.peers import janus
from tests.signaling.media.peer import CODECS, Peer, Track, until
from tests.signaling.test_through import CONSULT, Someone, Table

SOUND, PICTURE = Track(7, "audio", "face"), Track(8, "video", "face")
SCREEN = Track(9, "video", "screen")
A, B, C = (uuid.UUID(int=number) for number in (1, 2, 3))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[janus.Running]:
    """The program; whoever kills it starts it again."""
    if not janus.is_installed():
        pytest.skip("Debian's janus is not installed")
    program = janus.Running(tmp_path_factory.mktemp("janus"))
    program.start()
    yield program
    program.kill()


class Room:
    """A room of it, and what is offered in it."""

    def __init__(self, server: Janus) -> None:
        self.made: dict[tuple[uuid.UUID, uuid.UUID], Made] = {}
        self.told: list[Made] = []
        self.failures = 0
        self.room: JanusRoom = server.room(offered=self._offered, failed=self._failed)

    async def _offered(self, viewer: uuid.UUID, made: Made) -> None:
        self.made[viewer, made.sender] = made
        self.told.append(made)

    def _failed(self) -> None:
        self.failures += 1

    async def publisher(self, pid: uuid.UUID, *tracks: Track) -> "Publisher":
        """Somebody who sends."""
        publisher = Publisher(cast("Forwarder", self.room), pid, sends=tracks)  # it answers offers as ours does
        await publisher.offer()
        await publisher.open()
        return publisher

    async def viewer(self, pid: uuid.UUID, sender: uuid.UUID, *, after: int = 0) -> "Viewer":
        """Somebody's connection by which they get another one."""
        await self.room.want(pid, {sender: Wish(with_video=True, after=after)})
        await until(lambda: (pid, sender) in self.made and self.made[pid, sender].number > after)
        return await Viewer(self.room, pid).take(self.made[pid, sender])


class Publisher(Peer):
    """A browser that sends; there is nothing it could wait for but its own line."""

    async def speak(self, track: Track, hearer: Peer, *, payload: bytes) -> None:
        """Send until it is heard."""
        before = len(hearer.packets)
        async with asyncio.timeout(10):
            for number in range(1, 10_000):
                await self.send(track, number, payload, timestamp=number * 960)
                await asyncio.sleep(0.01)
                if len(hearer.packets) > before:
                    return


class Viewer(Peer):
    """A browser's connection by which it gets one person: here the server offers."""

    def __init__(self, room: JanusRoom, pid: uuid.UUID) -> None:
        super().__init__(cast("Forwarder", room), pid)
        self.room = room

    async def take(self, made: Made) -> "Viewer":
        """Answer, and wait until media pass."""
        self.answer = SessionDescription.parse(made.sdp)
        await self.gatherer.gather()
        assert await self.room.answer(self.pid, made.sender, made.number, self._answered())
        await self.open()  # Janus is lite: we control (RFC 8445 §6.1.1)
        return self

    def _answered(self) -> str:
        ice, dtls = self.gatherer.getLocalParameters(), self.dtls.getLocalParameters()
        mids = " ".join(media.rtp.muxId for media in self.answer.media)
        lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
        for media in self.answer.media:
            number = media.rtp.codecs[0].payloadType
            lines += [
                f"m={media.kind} 9 UDP/TLS/RTP/SAVPF {number}",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{media.rtp.muxId}",
                f"a=ice-ufrag:{ice.usernameFragment}",
                f"a=ice-pwd:{ice.password}",
                "a=setup:passive",
                f"a=fingerprint:sha-256 {dtls.fingerprints[0].value}",
                "a=rtcp-mux",
                f"a=rtpmap:{number} {CODECS[media.kind].split()[1]}",
                "a=recvonly",
            ]
        return "\r\n".join(lines) + "\r\n"


@pytest.fixture
async def server(running: janus.Running) -> AsyncIterator[Janus]:
    """Reached."""
    one = Janus(running.url, janus.SECRET)
    async with one.reached():
        await until(lambda: one.is_up)
        yield one


@pytest.fixture
async def room(server: Janus) -> AsyncIterator[Room]:
    """A room of it."""
    one = Room(server)
    yield one
    await one.room.close()


def kinds(made: Made) -> set[tuple[str, str]]:
    """What an offer carries, by kind and stream."""
    return {(one.kind, one.stream) for one in made.carries.values()}


async def test_what_one_sends_another_gets_as_it_was(room: Room) -> None:
    sealed = b"\x90\x80\x01" + bytes(range(200))
    sender = await room.publisher(A, SOUND, PICTURE)
    viewer = await room.viewer(B, A)
    assert kinds(room.made[B, A]) == {("audio", "face"), ("video", "face")}
    await sender.speak(PICTURE, viewer, payload=sealed)
    assert viewer.packets[-1].payload == sealed
    await close(sender, viewer)


async def test_who_is_wanted_before_they_send_is_offered_when_they_do(room: Room) -> None:
    await room.room.want(B, {A: Wish(with_video=False, after=0)})
    sender = await room.publisher(A, SOUND, PICTURE)
    await until(lambda: (B, A) in room.made)
    assert kinds(room.made[B, A]) == {("audio", "face")}, "sound alone"
    await room.room.want(B, {A: Wish(with_video=True, after=0)})
    await until(lambda: room.made[B, A].number == 2)
    assert kinds(room.made[B, A]) == {("audio", "face"), ("video", "face")}
    told = len(room.told)
    await room.room.want(B, {A: Wish(with_video=True, after=0)})
    assert room.told[told:] == [room.made[B, A]], "what was not answered is told again"
    await close(sender)


async def test_a_screen_comes_and_goes(room: Room) -> None:
    sender = await room.publisher(A, SOUND)
    viewer = await room.viewer(B, A)
    for sends, number in ((SOUND, SCREEN), 2), ((SOUND,), 3):
        sender.sends = sends
        await sender.offer()
        await until(lambda number=number: room.made[B, A].number == number)  # type: ignore[misc]  # bound at once
        later = await Viewer(room.room, B).take(room.made[B, A])
        assert kinds(room.made[B, A]) == {(one.kind, one.stream) for one in sends}
        await sender.speak(sends[-1], later, payload=b"\x90\x80screen")
        await close(viewer)
        viewer = later
    await close(sender, viewer)


async def test_another_connection_takes_the_place_of_who_sends(room: Room) -> None:
    sender = await room.publisher(A, SOUND)
    viewer = await room.viewer(B, A)
    again = await room.publisher(A, SOUND)
    await until(lambda: room.made[B, A].number == 2)
    later = await Viewer(room.room, B).take(room.made[B, A])
    await again.speak(SOUND, later, payload=b"again")
    await until(lambda: sender.dtls.state == viewer.dtls.state == "closed")
    await close(again, later)


async def test_what_broke_is_offered_anew(room: Room) -> None:
    sender = await room.publisher(A, SOUND)
    viewer = await room.viewer(B, A)
    await viewer.close()
    later = await room.viewer(B, A, after=1)
    await sender.speak(SOUND, later, payload=b"still here")
    assert not await room.room.answer(B, A, 1, "v=0\r\n"), "that offer is none any more"
    await close(sender, later)


async def test_who_leaves_sends_and_gets_nothing_more(room: Room) -> None:
    sender, other = await room.publisher(A, SOUND), await room.publisher(B, SOUND)
    viewer, third = await room.viewer(B, A), await room.viewer(C, B)
    await room.room.leave(A)
    await room.room.leave(A)
    await until(lambda: sender.dtls.state == viewer.dtls.state == "closed")
    await other.speak(SOUND, third, payload=b"among ourselves")
    await room.room.close()
    await until(lambda: other.dtls.state == third.dtls.state == "closed")
    with pytest.raises(BadOffer):
        await other.offer()
    await close(sender, other, viewer, third)
    assert room.failures == 0


async def test_an_offer_that_comes_late_brings_back_nobody_who_left(room: Room) -> None:
    leaver = Publisher(cast("Forwarder", room.room), A, sends=[SOUND])
    await leaver.gatherer.gather()
    offers = [asyncio.create_task(room.room.offer(A, leaver.sdp())) for _ in range(2)]
    await asyncio.sleep(0)
    await room.room.leave(A)
    first, second = await asyncio.gather(*offers, return_exceptions=True)
    assert isinstance(first, str)
    assert isinstance(second, BadOffer)
    await close(leaver)


async def test_who_is_back_before_they_were_taken_out_is_got_anew(room: Room) -> None:
    sender = await room.publisher(A, SOUND)
    viewer = await room.viewer(B, A)
    async with room.room._members[A].turn:
        leaving = asyncio.create_task(room.room.leave(A))
        await asyncio.sleep(0)
        again = await room.publisher(A, SOUND)
        await until(lambda: room.made[B, A].number == 2)
    await leaving
    later = await Viewer(room.room, B).take(room.made[B, A])
    await again.speak(SOUND, later, payload=b"back")
    await close(sender, viewer, again, later)


@pytest.mark.parametrize("sdp", ["", "v=0", "v=0\r\n" + "a=mid:0\r\n" * 20_000])
async def test_what_is_no_offer_never_reaches_it(room: Room, sdp: str) -> None:
    with pytest.raises(BadOffer):
        await room.room.offer(A, sdp)


async def test_an_answer_that_is_none_is_the_browsers_own_fault(room: Room) -> None:
    sender = await room.publisher(A, SOUND)
    await room.room.want(B, {A: Wish(with_video=True, after=0)})
    await until(lambda: (B, A) in room.made)
    with pytest.raises(BadOffer):
        await room.room.answer(B, A, 1, "nonsense")
    assert room.failures == 0
    await close(sender)


@pytest.mark.parametrize("by", ["url", "http_url"])
async def test_it_is_reached_by_websocket_and_by_http(running: janus.Running, by: str) -> None:
    await Janus(getattr(running, by), janus.SECRET).look()
    with pytest.raises(JanusRefused, match="wrong or missing secret"):
        await Janus(getattr(running, by), "another").look()
    one = Janus(getattr(running, by), janus.SECRET)
    async with one.reached():
        await until(lambda: one.is_up)
        room = Room(one)
        sender = await room.publisher(A, SOUND)
        viewer = await room.viewer(B, A)
        await sender.speak(SOUND, viewer, payload=b"hello")
        await room.room.close()
        await close(sender, viewer)


async def test_nobody_makes_a_room_without_the_key(running: janus.Running) -> None:
    async with aiohttp.ClientSession() as http:
        session = JanusSession(await connected(http, running.url, janus.SECRET), janus.SECRET)
        await session.begin()
        with pytest.raises(JanusRefused, match="admin_key"):
            await (await session.attach()).ask("create", room=7)
        await session.end()


async def test_who_does_not_answer_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janus_line, "ANSWERS_WITHIN", 0.2)
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    for scheme in ("ws", "http"):
        with pytest.raises(JanusLost):
            await Janus(f"{scheme}://127.0.0.1:{port}").look()
    silent.close()
    with pytest.raises(JanusLost):
        await Janus(f"ws://127.0.0.1:{port}").look()


async def test_it_is_left_and_found_again(running: janus.Running, server: Janus, table: Table) -> None:
    people = await table.many(4)
    assert table.path == Path(2, "server", settled=False, split=True)
    running.kill()
    await until(lambda: table.path == Path(3, "server", settled=False))
    assert table.part.forwarder_of(CONSULT) is not None, "our own takes it over"
    offering = Peer(cast("Forwarder", None), sends=[SOUND])
    await offering.gatherer.gather()
    for path, meets in (2, Refusal), (3, ThroughAnswer):
        answer = await table.part.on_through(people[0].connection, Through(offering.sdp(), (), path=path))
        assert isinstance(answer, meets), "what is for the path before never meets our own"
    running.start()
    await until(lambda: table.path == Path(4, "server", settled=False, split=True))
    for sitting in people:
        await table.tried(sitting)
    assert table.path.settled
    assert table.part.forwarder_of(CONSULT) is None


async def test_a_recording_is_made_by_our_own(server: Janus, table: Table) -> None:
    await table.many(4)
    await table.part.ask_for_server(CONSULT, asked=True)
    assert table.path == Path(3, "server", settled=False)
    assert table.part.forwarder_of(CONSULT) is not None
    await table.part.ask_for_server(CONSULT, asked=False)
    await until(lambda: table.path.split)


async def test_where_it_is_not_reached_by_browsers_our_own_is(server: Janus, table: Table) -> None:
    people = await table.many(4)
    await table.tried(people[0], works=False)
    assert table.path == Path(3, "server", settled=False)
    await table.tried(people[0], works=False)
    assert table.path.way == "direct", "nor is our own"


async def test_what_is_said_is_said_of_this_path(server: Janus, table: Table) -> None:
    people = await table.many(4)
    me, part = people[0].connection, table.part
    assert await part.on_wants(me, Wants(1, ())) == Refusal("gone")
    assert await part.on_answer(me, Answered(2, people[1].seat.pid, 1, "v=0")) == Refusal("gone")
    assert await part.on_through(me, Through("v=0", (), path=1)) == Refusal("gone")
    assert await part.on_through(me, Through("v=0", (), path=2)) == Refusal("invalid")
    everybody = tuple(WantOf(sitting.seat.pid, video=True, after=0) for sitting in people)
    assert await part.on_wants(me, Wants(2, everybody)) == Done()
    nobody = cast("Connection", Someone())
    assert await part.on_wants(nobody, Wants(2, ())) == Refusal("not-joined")
    assert await part.on_answer(nobody, Answered(2, A, 1, "v=0")) == Refusal("not-joined")


@pytest.fixture
async def table(server: Janus, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Table]:
    """A room's seats, whose media Janus may carry."""
    monkeypatch.setattr(course, "CALM", 0.05)
    one = Table(janus=server)
    yield one
    await one.part.close()


async def close(*peers: Peer) -> None:
    """Go."""
    await asyncio.gather(*(one.close() for one in peers))
