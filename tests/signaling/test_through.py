"""How the way of a room's media changes: who is told, who is waited for, and when the old one ends."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import cast

import pytest

from signaling import course, through
from signaling.connection import Connection
from signaling.media.forwarder import Forwarder
from signaling.media.janus import Janus
from signaling.presence import Seat, Sitting
from signaling.protocol import Done, ErrorCode, Refusal, Role
from signaling.protocol_net import Net, Why
from signaling.protocol_through import Known, Path, PathTried, Through
from signaling.through import ThroughPart
from tests.waiting import eventually

CONSULT = uuid.uuid4()


class Table:
    """A room's seats, and what is told to those who sit there."""

    def __init__(self, janus: Janus | None = None) -> None:
        self.told: list[Path] = []
        self.sittings: dict[int, Sitting] = {}
        self.part = ThroughPart(
            sitting_of=lambda connection: self.sittings.get(id(connection)), tell=self._tell, janus=janus
        )

    async def _tell(self, _event: str, path: Path, *, to: str) -> None:
        assert to == f"room:{CONSULT}"
        self.told.append(path)

    async def sit(self, pid: int, *, page: int = 1, known: Known | None = None, role: Role = "guest") -> Sitting:
        """Somebody comes."""
        seat = Seat(CONSULT, uuid.UUID(int=pid), uuid.UUID(int=page), "", role, audio=True, video=True)
        sitting = Sitting(cast("Connection", Someone()), seat)
        self.sittings[id(sitting.connection)] = sitting
        await self.part.seated(seat, known)
        return sitting

    async def many(self, count: int) -> list[Sitting]:
        """So many come."""
        return [await self.sit(pid) for pid in range(1, count + 1)]

    async def tried(self, sitting: Sitting, *, works: bool = True, number: int | None = None) -> Done | Refusal:
        """Their page says how it went."""
        return await self.part.on_path(sitting.connection, PathTried(number or self.path.number, works))

    @property
    def path(self) -> Path:
        """As it stands."""
        return self.part.path_of(CONSULT)


class Someone:
    """A connection, as far as it is asked for here: one can be told from another."""

    sid = "a socket"


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    one = Table()
    yield one
    await one.part.close()


def link(uplink: float, why: Why) -> Net:
    """How somebody's link does."""
    return Net("360p", why, loss=0, concealed=0, up=0, down=0, silent=0, freezes=0, uplink=uplink)


async def test_the_fourth_makes_it_the_server_and_all_are_waited_for(table: Table) -> None:
    people = await table.many(3)
    assert (table.path, table.told) == (Path(1, "direct", settled=True), [])
    people.append(await table.sit(4))
    assert table.told == [Path(2, "server", settled=False)]
    assert table.part.forwarder_of(CONSULT) is not None
    for sitting in people[:3]:
        assert await table.tried(sitting) == Done()
    await table.tried(people[3], number=1)
    assert not table.path.settled, "what is said of another path does not count"
    await table.tried(people[3])
    assert table.told[-1] == Path(2, "server", settled=True)


async def test_two_who_stay_come_back_after_a_calm_while(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "CALM", 0.05)
    people = await table.many(4)
    for sitting in people:
        await table.tried(sitting)
    await table.part.stood_up(people[3].seat, "left")
    await table.part.stood_up(people[2].seat, "left")
    assert table.path.way == "server", "not at once"
    assert await eventually(lambda: table.path.way == "direct")
    forwarder = table.part.forwarder_of(CONSULT)
    assert forwarder is not None, "the old path is there until the new one works for all"
    for sitting in people[:2]:
        await table.tried(sitting)
    assert table.told[-1] == Path(3, "direct", settled=True)
    assert table.part.forwarder_of(CONSULT) is None


async def test_who_comes_back_meanwhile_changes_nothing(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "CALM", 0.05)
    people = await table.many(4)
    await table.part.stood_up(people[3].seat, "left")
    await table.sit(4)
    await asyncio.sleep(0.1)
    assert table.path.way == "server"
    assert len(table.told) == 1


async def test_who_says_nothing_is_not_waited_for_long(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "SETTLED_WITHIN", 0.05)
    await table.many(4)
    assert await eventually(lambda: table.path.settled)


async def test_who_is_waited_for_and_leaves_is_waited_for_no_more(table: Table) -> None:
    people = await table.many(5)
    for sitting in people[:4]:
        await table.tried(sitting)
    await table.part.stood_up(people[4].seat, "left")
    assert table.path.settled


async def test_a_lost_line_is_given_time(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(through, "GRACE", 0.1)
    monkeypatch.setattr(course, "CALM", 0.0)
    people = await table.many(4)
    await table.part.stood_up(people[3].seat, "lost")
    again = await table.sit(4)
    await asyncio.sleep(0.15)
    assert table.path.way == "server"
    await table.part.stood_up(again.seat, "lost")
    assert await eventually(lambda: table.path.way == "direct")


async def test_who_was_lost_and_then_turned_out_may_come_back_within_the_minute(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through, "GRACE", 0.05)
    slow = Slow()
    table.part._courses._make_forwarder = lambda: cast("Forwarder", slow)
    people = await table.many(5)
    for sitting in people[3:]:
        await table.part.stood_up(sitting.seat, "lost")
        await table.part.stood_up(sitting.seat, "left")
    await table.sit(4, page=2)
    await asyncio.sleep(0.1)
    assert slow.left == [sitting.seat.pid for sitting in people[3:]], "each once, and not who sits there"
    assert table.path.way == "server"
    course_of = table.part._courses.get(CONSULT)
    assert course_of is not None
    assert people[3].seat.pid in course_of.people


async def test_an_older_page_has_nothing_to_leave(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "CALM", 0.0)
    people = await table.many(4)
    await table.sit(4, page=2)
    await table.part.stood_up(people[3].seat, "left")
    await asyncio.sleep(0.05)
    assert table.path.way == "server"


async def test_a_server_that_cannot_be_reached_is_left_at_once(table: Table) -> None:
    people = await table.many(4)
    await table.tried(people[1], works=False)
    assert table.told[-1] == Path(3, "direct", settled=False)
    await table.tried(people[1], works=False)
    assert table.path.way == "direct", "there is no other"


async def test_two_who_do_not_reach_each_other_go_by_the_server(table: Table) -> None:
    people = await table.many(2)
    await table.tried(people[0], works=False)
    assert table.told == [Path(2, "server", settled=False)]


async def test_a_recording_needs_the_server(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "CALM", 0.0)
    await table.part.ask_for_server(CONSULT, asked=True)
    await table.many(2)
    await table.part.ask_for_server(CONSULT, asked=True)
    assert table.path.way == "server"
    await table.part.ask_for_server(CONSULT, asked=False)
    assert await eventually(lambda: table.path.way == "direct")


async def test_a_narrow_uplink_counts_with_three(table: Table) -> None:
    people = await table.many(2)
    await table.part.take_net(people[0], link(200_000, "weak"))
    assert table.told == []
    await table.sit(3)
    assert table.told == [Path(2, "server", settled=False)]


async def test_a_server_that_began_anew_goes_on_where_the_pages_are(table: Table) -> None:
    await table.sit(1, known=Known(5, "direct"))
    assert table.path == Path(5, "direct", settled=True)
    await table.sit(2, known=Known(9, "server"))
    assert table.path.number == 5, "of a guest who is not the first it is not believed"
    await table.sit(3, known=Known(9, "server"), role="requester")
    assert table.path.number == 10, "theirs is no path any more"
    await table.sit(3, known=Known(2, "server"), role="requester")
    await table.sit(3, known=Known(through.MOST_KNOWN + 1, "server"), role="requester")
    assert table.path.number == 10


async def test_what_carries_a_room_goes_on_under_a_higher_number(table: Table) -> None:
    people = await table.many(4)
    await table.sit(5, known=Known(9, "server"), role="requester")
    assert table.path == Path(9, "server", settled=False)
    meetings: list[tuple[int, ErrorCode]] = [(2, "gone"), (9, "invalid")]
    for path, meets in meetings:
        answer = await table.part.on_through(people[0].connection, Through("v=0", (), path=path))
        assert answer == Refusal(meets)


async def test_a_process_forwards_for_so_many(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "MOST_ROOMS", 0)
    await table.many(5)
    assert table.path == Path(1, "direct", settled=True)


async def test_nothing_is_kept_of_who_has_gone(table: Table) -> None:
    people = await table.many(4)
    for sitting in people:
        await table.part.stood_up(sitting.seat, "left")
    assert table.part.forwarder_of(CONSULT) is None
    assert table.path.number == 1


async def test_without_a_seat_nothing_is_said(table: Table) -> None:
    nobody = cast("Connection", Someone())
    assert await table.part.on_path(nobody, PathTried(1, works=True)) == Refusal("not-joined")
    assert await table.part.on_through(nobody, Through("v=0", ())) == Refusal("not-joined")


async def test_an_offer_needs_the_path_and_its_form(table: Table) -> None:
    people = await table.many(2)
    assert await table.part.on_through(people[0].connection, Through("v=0", ())) == Refusal("gone")
    await table.part.ask_for_server(CONSULT, asked=True)
    assert await table.part.on_through(people[0].connection, Through("v=0", ())) == Refusal("invalid")
    for _ in range(2 * through.OFFERS_AT_ONCE):
        last = await table.part.on_through(people[1].connection, Through("v=0", ()))
    assert last == Refusal("too-many")


class Slow:
    """A forwarder that answers an offer when it is told to."""

    def __init__(self) -> None:
        self.offered, self.may_answer = asyncio.Event(), asyncio.Event()
        self.left: list[uuid.UUID] = []

    async def offer(self, _pid: uuid.UUID, _sdp: str, _wants: object) -> str:
        """Takes its time."""
        self.offered.set()
        await self.may_answer.wait()
        return "v=0\r\n"

    async def leave(self, pid: uuid.UUID) -> None:
        """Somebody goes."""
        self.left.append(pid)

    async def close(self) -> None:
        """It is over."""


@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_late_offer_of_an_older_page_takes_out_nobody_who_came_since(table: Table, comes_back: bool) -> None:
    slow = Slow()
    table.part._courses._make_forwarder = lambda: cast("Forwarder", slow)
    people = await table.many(4)
    older = people[0]
    asking = asyncio.create_task(table.part.on_through(older.connection, Through("v=0\r\n", ())))
    await slow.offered.wait()
    del table.sittings[id(older.connection)]
    if comes_back:
        await table.sit(1, page=2)
    else:
        await table.part.stood_up(older.seat, "left")
    assert slow.left == [older.seat.pid], "what the older page had is over"
    slow.may_answer.set()
    assert await asking == Refusal("not-joined")
    assert slow.left == [older.seat.pid] * (1 if comes_back else 2)
