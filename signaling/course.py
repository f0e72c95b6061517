"""The course of each room's media: which way it takes, when it changes over, and what carries it on the server's way:
our own forwarder, or Janus where it is there, whose path is split.

A change is made before what was is broken off: everyone is told, begins by the new path, says when it carries all they
expect, and keeps the old one until all have said so.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Final, Literal

import structlog

from signaling.media.forwarder import Forwarder
from signaling.media.janus import Janus
from signaling.media.janus_room import JanusRoom, Made
from signaling.paths import Need, Uplink, chosen
from signaling.presence import Tell, room_name
from signaling.protocol_through import Carried, Offered, Path, Way

CALM: Final = 10.0
"""Seconds for which a call could go another way than the one that works, before it does."""
SETTLED_WITHIN: Final = 20.0
"""Seconds after which the old path ends, whoever has not said that the new one works: longer than pages need
to say that it does not."""
FORGIVEN_AFTER: Final = 300.0
"""Seconds after which a way is tried again by which somebody could not get through."""
MOST_ROOMS: Final = 16
"""Whose media one process forwards."""

Split = Literal["split"]
Carrier = Forwarder | JanusRoom
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Course:
    """One room's."""

    room_id: uuid.UUID
    number: int = 1
    way: Way = "direct"
    settled: bool = True
    carriers: dict[int, Carrier] = field(default_factory=dict)
    """By the number of the path: what carries it, and until it is settled what did before."""
    sockets: dict[uuid.UUID, str] = field(default_factory=dict)
    """By which each said last whom they want."""
    people: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Who is there or was a minute ago, and by which page."""
    lost: dict[uuid.UUID, asyncio.Task[None]] = field(default_factory=dict)
    waited_for: set[uuid.UUID] = field(default_factory=set)
    uplinks: dict[uuid.UUID, Uplink] = field(default_factory=dict)
    is_asked_for: bool = False
    failed_at: dict[Way | Split, float] = field(default_factory=dict)
    calming: asyncio.Task[None] | None = None
    settling: asyncio.Task[None] | None = None

    @property
    def path(self) -> Path:
        """As it is told."""
        return Path(self.number, self.way, self.settled, split=self.is_split or None)

    @property
    def janus(self) -> JanusRoom | None:
        """What carries it where its path is split."""
        carrier = self.carriers.get(self.number)
        return carrier if isinstance(carrier, JanusRoom) else None

    @property
    def is_split(self) -> bool:
        """Whether Janus carries it."""
        return self.janus is not None

    @property
    def forwarder(self) -> Forwarder | None:
        """Our own, where it carries it, or did until now."""
        own = [one for _, one in sorted(self.carriers.items()) if not isinstance(one, JanusRoom)]
        return own[-1] if own else None

    def renumber(self, number: int) -> None:
        """Pages are on a higher number than we knew of: go on from there with what there is."""
        carrier = self.carriers.pop(self.number, None)
        self.number = number
        if carrier is not None:
            self.carriers[number] = carrier

    def has_failed(self, way: Way | Split) -> bool:
        """Whether somebody could not get through that way, not long ago."""
        return time.monotonic() - self.failed_at.get(way, -FORGIVEN_AFTER) < FORGIVEN_AFTER


class Courses:
    """Those of all rooms of this process."""

    def __init__(self, *, tell: Tell, make_forwarder: Callable[[], Forwarder], janus: Janus | None) -> None:
        self._tell, self._make_forwarder, self._janus = tell, make_forwarder, janus
        if janus is not None:
            janus.changed = self._janus_changed
        self._of: dict[uuid.UUID, Course] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def get(self, room_id: uuid.UUID) -> Course | None:
        """A room's, where somebody is there or was a minute ago."""
        return self._of.get(room_id)

    def begun(self, room_id: uuid.UUID) -> Course:
        """A room's; a new one where nobody was there."""
        return self._of.setdefault(room_id, Course(room_id))

    async def close(self) -> None:
        """End all of them."""
        for course in list(self._of.values()):
            await self._end(course)
        if self._closing:
            await asyncio.wait(self._closing)

    async def reconsider(self, course: Course) -> None:
        """Look again which way is best, and turn to it."""
        way, split = self._chosen(course)
        if (way, split) == (course.way, course.is_split):
            end(course.calming)
            course.calming = None
        elif (way == "server" and not split) or course.way == "direct" or self._is_of_no_use(course):
            await self._turn(course, way, split=split)
        elif course.calming is None:
            course.calming = after(CALM, lambda: self._turn_as_chosen(course))

    async def changed_over(self, course: Course, pid: uuid.UUID) -> None:
        """They need the path before no more."""
        course.waited_for.discard(pid)
        if not course.settled and not course.waited_for:
            await self._settle(course)

    async def gone(self, course: Course, pid: uuid.UUID) -> None:
        """Somebody is not there any more."""
        course.people.pop(pid, None)
        end(course.lost.pop(pid, None))
        course.uplinks.pop(pid, None)
        course.failed_at.pop("direct", None)
        if not course.people:
            await self._end(course)
            return
        await self.take_out(course, pid)
        await self.changed_over(course, pid)
        await self.reconsider(course)

    async def take_out(self, course: Course, pid: uuid.UUID) -> None:
        """Nothing comes from them or to them any more."""
        course.sockets.pop(pid, None)
        for carrier in set(course.carriers.values()):
            await carrier.leave(pid)

    async def split_fails(self, course: Course, room: object, *, why: str) -> None:
        """Janus does not do what it should: our own forwarder takes the room over, for a while."""
        if course.janus is room:
            log.warning("janus.failed", why=why)
            course.failed_at["split"] = time.monotonic()
            await self.reconsider(course)

    async def tell_path(self, course: Course) -> None:
        """Say to everyone how it stands."""
        await self._tell("path", course.path, to=room_name(course.room_id))

    def _chosen(self, course: Course) -> tuple[Way, bool]:
        """The way to take, and whether Janus is to carry it."""
        may_split = self._may_split(course)
        is_full = course.forwarder is None and self._is_full()
        need = Need(
            present=len(course.people),
            uplinks=course.uplinks.values(),
            is_asked_for=course.is_asked_for,
            server_fails=not may_split and (course.has_failed("server") or is_full),
            direct_fails=course.has_failed("direct"),
        )
        way = chosen(need, course.way)
        return way, way == "server" and may_split

    def _may_split(self, course: Course) -> bool:
        """Whether Janus is there for it. Recordings are made by our own forwarder."""
        is_there = self._janus is not None and self._janus.is_up
        return is_there and not course.is_asked_for and not course.has_failed("split")

    def _is_of_no_use(self, course: Course) -> bool:
        """Whether what a course is on carries nothing."""
        return not self._may_split(course) if course.is_split else course.has_failed(course.way)

    async def _turn_as_chosen(self, course: Course) -> None:
        way, split = self._chosen(course)
        if (way, split) != (course.way, course.is_split):
            await self._turn(course, way, split=split)

    async def _turn(self, course: Course, way: Way, *, split: bool) -> None:
        end(course.calming)
        course.calming = None
        course.number, course.way, course.settled = course.number + 1, way, False
        course.waited_for = set(course.people)
        course.sockets.clear()
        if split and self._janus is not None:
            course.carriers[course.number] = self._room_of_janus(self._janus, course)
        elif way == "server":
            course.carriers[course.number] = self._make_forwarder()
        end(course.settling)
        course.settling = after(SETTLED_WITHIN, lambda: self._settle(course))
        await self.tell_path(course)

    def _room_of_janus(self, janus: Janus, course: Course) -> JanusRoom:
        async def offered(pid: uuid.UUID, made: Made) -> None:
            sid = course.sockets.get(pid)
            if sid is not None and course.janus is room:
                await self._tell("offer", _as_told(course.number, made), to=sid)

        def failed() -> None:
            self._later(self.split_fails(course, room, why="it does not do what it should"))

        room = janus.room(offered=offered, failed=failed)
        return room

    async def _janus_changed(self) -> None:
        for course in list(self._of.values()):
            await self.reconsider(course)

    async def _settle(self, course: Course) -> None:
        end(course.settling)
        course.settling, course.settled = None, True
        await self.tell_path(course)
        carrier = course.carriers.get(course.number)
        ended = {one for one in course.carriers.values() if one is not carrier}
        course.carriers = {course.number: carrier} if carrier else {}
        for one in ended:
            self._later(one.close())

    async def _end(self, course: Course) -> None:
        if self._of.get(course.room_id) is course:
            del self._of[course.room_id]
        for task in (course.calming, course.settling, *course.lost.values()):
            end(task)
        for carrier in set(course.carriers.values()):
            await carrier.close()

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _is_full(self) -> bool:
        return sum(course.forwarder is not None for course in self._of.values()) >= MOST_ROOMS


def _as_told(path: int, made: Made) -> Offered:
    carries = tuple(
        Carried(mid, one.stream, "video" if one.kind == "video" else "audio") for mid, one in made.carries.items()
    )
    return Offered(path, made.sender, made.number, made.sdp, carries)


def after(seconds: float, act: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
    """Do it in so many seconds, unless it is ended before."""

    async def wait() -> None:
        await asyncio.sleep(seconds)
        await act()

    return asyncio.create_task(wait())


def end(task: asyncio.Task[None] | None) -> None:
    """It is not to be done any more."""
    if task is not None and task is not asyncio.current_task():
        task.cancel()
