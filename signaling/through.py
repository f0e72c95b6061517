"""The way that sound and pictures of each room take, and the forwarders of those whose way is the server.

A change is made before what was is broken off: everyone is told, begins by the new path, says when it carries all they
expect, and keeps the old one until all have said so.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Final

from signaling.allowance import Allowances
from signaling.connection import Connection
from signaling.media.forwarder import BadOffer, Forwarder, Wanted
from signaling.paths import Need, Uplink, chosen
from signaling.presence import Seat, Sitting, SittingOf, Tell, room_name
from signaling.protocol import Change, Done, Refusal
from signaling.protocol_net import Net
from signaling.protocol_through import HIGHEST, Known, Path, PathTried, Through, ThroughAnswer, Way

CALM: Final = 10.0
"""Seconds for which a call could go from person to person again, before it does."""
SETTLED_WITHIN: Final = 20.0
"""Seconds after which the old path ends, whoever has not said that the new one works: longer than pages need
to say that it does not."""
GRACE: Final = 60.0
"""Seconds sound and pictures may outlive somebody's line to the server: as long as pages give each other."""
FORGIVEN_AFTER: Final = 300.0
"""Seconds after which a way is tried again by which somebody could not get through."""
MOST_ROOMS: Final = 16
"""Whose media one process forwards."""
MOST_KNOWN: Final = HIGHEST // 2
"""No call changes its way so often: a higher number is somebody's invention."""
OFFERS_A_SECOND: Final = 2
OFFERS_AT_ONCE: Final = 20


@dataclass(slots=True)
class Course:
    """One room's."""

    consult_id: uuid.UUID
    number: int = 1
    way: Way = "direct"
    settled: bool = True
    people: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Who is there or was a minute ago, and by which page."""
    lost: dict[uuid.UUID, asyncio.Task[None]] = field(default_factory=dict)
    waited_for: set[uuid.UUID] = field(default_factory=set)
    uplinks: dict[uuid.UUID, Uplink] = field(default_factory=dict)
    is_asked_for: bool = False
    failed_at: dict[Way, float] = field(default_factory=dict)
    forwarder: Forwarder | None = None
    calming: asyncio.Task[None] | None = None
    settling: asyncio.Task[None] | None = None

    @property
    def path(self) -> Path:
        """As it is told."""
        return Path(self.number, self.way, self.settled)

    def has_failed(self, way: Way) -> bool:
        """Whether somebody could not get through that way, not long ago."""
        return time.monotonic() - self.failed_at.get(way, -FORGIVEN_AFTER) < FORGIVEN_AFTER


class ThroughPart:
    """A part of the room: `through` and `path`."""

    def __init__(
        self, *, sitting_of: SittingOf, tell: Tell, make_forwarder: Callable[[], Forwarder] = Forwarder
    ) -> None:
        self._sitting_of, self._tell, self._make_forwarder = sitting_of, tell, make_forwarder
        self._courses: dict[uuid.UUID, Course] = {}
        self._offers = Allowances(a_second=OFFERS_A_SECOND, burst=OFFERS_AT_ONCE)

    def path_of(self, consult_id: uuid.UUID) -> Path:
        """The path a room is on."""
        return self._courses.get(consult_id, Course(consult_id)).path

    def forwarder_of(self, consult_id: uuid.UUID) -> Forwarder | None:
        """What a room's media pass through, where they do."""
        course = self._courses.get(consult_id)
        return course.forwarder if course is not None else None

    async def ask_for_server(self, consult_id: uuid.UUID, asked: bool) -> None:
        """Have a room's media pass through the server, or leave it to the rule again."""
        course = self._courses.get(consult_id)
        if course is not None:
            course.is_asked_for = asked
            await self._reconsider(course)

    async def seated(self, seat: Seat, known: Known | None) -> None:
        """Somebody sits down, or sits there anew."""
        course = self._courses.get(seat.consult_id)
        if course is None:
            course = self._courses[seat.consult_id] = Course(seat.consult_id)
        if known is not None and course.number < known.number <= MOST_KNOWN and self._believes(seat, course):
            # We began anew, their call went on.
            course.number = known.number + (known.way != course.way)
            await self._tell_path(course)
        _end(course.lost.pop(seat.pid, None))
        if course.people.get(seat.pid, seat.page) != seat.page and course.forwarder is not None:
            await course.forwarder.leave(seat.pid)
        course.people[seat.pid] = seat.page
        await self._reconsider(course)

    async def stood_up(self, seat: Seat, change: Change) -> None:
        """They `left` for good, or their line to the server is `lost`."""
        course = self._courses.get(seat.consult_id)
        if course is None or course.people.get(seat.pid) != seat.page:
            return
        if change == "lost":
            _end(course.lost.pop(seat.pid, None))
            course.lost[seat.pid] = _after(GRACE, lambda: self._gone(course, seat.pid))
        else:
            await self._gone(course, seat.pid)

    async def on_through(self, connection: Connection, message: Through) -> ThroughAnswer | Refusal:
        """Take an offer of somebody who sits in the room; they get of those who sit there what they want."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        if not self._offers.admit(connection):
            return Refusal("too-many")
        seat = sitting.seat
        course = self._courses[seat.consult_id]
        if course.forwarder is None:
            return Refusal("gone")
        wants = {
            want.mid: Wanted(want.pid, want.kind, want.stream)
            for want in message.wants
            if want.pid in course.people and want.pid != seat.pid
        }
        forwarder = course.forwarder
        try:
            answer = await forwarder.offer(seat.pid, message.sdp, wants)
        except BadOffer:
            return Refusal("invalid")
        if self._sitting_of(connection) is not sitting:  # turned out meanwhile
            await forwarder.leave(seat.pid)
            return Refusal("not-joined")
        return ThroughAnswer(answer)

    async def on_path(self, connection: Connection, message: PathTried) -> Done | Refusal:
        """Somebody has changed over, or cannot."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        course = self._courses[sitting.seat.consult_id]
        if message.number != course.number:
            return Done()
        if message.works:
            await self._changed_over(course, sitting.seat.pid)
        else:
            course.failed_at[course.way] = time.monotonic()
            await self._reconsider(course)
        return Done()

    async def take_net(self, sitting: Sitting, message: Net) -> None:
        """How somebody's link does (a `signaling.net.Listener`)."""
        course = self._courses.get(sitting.seat.consult_id)
        if course is not None and message.uplink is not None:
            course.uplinks[sitting.seat.pid] = Uplink(message.uplink, message.why == "weak")
            await self._reconsider(course)

    async def close(self) -> None:
        """End all of it."""
        for course in list(self._courses.values()):
            await self._end(course)

    def _believes(self, seat: Seat, course: Course) -> bool:
        """Of guests, only who comes first: with a number of their own they would put the others out of step."""
        return seat.role != "guest" or not course.people

    async def _reconsider(self, course: Course) -> None:
        need = Need(
            present=len(course.people),
            uplinks=course.uplinks.values(),
            is_asked_for=course.is_asked_for,
            server_fails=course.has_failed("server") or (course.forwarder is None and self._is_full()),
            direct_fails=course.has_failed("direct"),
        )
        way = chosen(need, course.way)
        if way == course.way:
            _end(course.calming)
            course.calming = None
        elif way == "server" or course.has_failed("server"):
            await self._turn(course, way)
        elif course.calming is None:
            course.calming = _after(CALM, lambda: self._turn(course, "direct"))

    async def _turn(self, course: Course, way: Way) -> None:
        _end(course.calming)
        course.calming = None
        course.number, course.way, course.settled = course.number + 1, way, False
        course.waited_for = set(course.people)
        if way == "server" and course.forwarder is None:
            course.forwarder = self._make_forwarder()
        _end(course.settling)
        course.settling = _after(SETTLED_WITHIN, lambda: self._settle(course))
        await self._tell_path(course)

    async def _changed_over(self, course: Course, pid: uuid.UUID) -> None:
        course.waited_for.discard(pid)
        if not course.settled and not course.waited_for:
            await self._settle(course)

    async def _settle(self, course: Course) -> None:
        _end(course.settling)
        course.settling, course.settled = None, True
        await self._tell_path(course)
        if course.way == "direct" and course.forwarder is not None:
            forwarder, course.forwarder = course.forwarder, None
            await forwarder.close()

    async def _gone(self, course: Course, pid: uuid.UUID) -> None:
        del course.people[pid]
        course.lost.pop(pid, None)
        course.uplinks.pop(pid, None)
        course.failed_at.pop("direct", None)
        if not course.people:
            await self._end(course)
            return
        if course.forwarder is not None:
            await course.forwarder.leave(pid)
        await self._changed_over(course, pid)
        await self._reconsider(course)

    async def _end(self, course: Course) -> None:
        if self._courses.get(course.consult_id) is course:
            del self._courses[course.consult_id]
        for task in (course.calming, course.settling, *course.lost.values()):
            _end(task)
        if course.forwarder is not None:
            await course.forwarder.close()

    async def _tell_path(self, course: Course) -> None:
        await self._tell("path", course.path, to=room_name(course.consult_id))

    def _is_full(self) -> bool:
        return sum(course.forwarder is not None for course in self._courses.values()) >= MOST_ROOMS


def _after(seconds: float, act: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
    async def wait() -> None:
        await asyncio.sleep(seconds)
        await act()

    return asyncio.create_task(wait())


def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None and task is not asyncio.current_task():
        task.cancel()
