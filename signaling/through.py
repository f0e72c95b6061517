"""What people in a room say of the way that its sound and pictures take, and offer to what carries them there."""

import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Final

from signaling.allowance import Allowances
from signaling.connection import Connection
from signaling.course import Course, Courses, after, end
from signaling.media.forwarder import BadOffer, Forwarder, Wanted
from signaling.media.janus import Janus
from signaling.media.janus_line import JanusError
from signaling.media.janus_room import JanusRoom, Wish
from signaling.paths import Uplink
from signaling.presence import Seat, Sitting, SittingOf, Tell
from signaling.protocol import Change, Done, Refusal
from signaling.protocol_net import Net
from signaling.protocol_through import (
    HIGHEST,
    Answered,
    Known,
    Path,
    PathTried,
    Through,
    ThroughAnswer,
    Wants,
)

GRACE: Final = 60.0
"""Seconds sound and pictures may outlive somebody's line to the server: as long as pages give each other."""
MOST_KNOWN: Final = HIGHEST // 2
"""No call changes its way so often: a higher number is somebody's invention."""
OFFERS_A_SECOND: Final = 2
OFFERS_AT_ONCE: Final = 20
WANTS_A_SECOND: Final = 5
WANTS_AT_ONCE: Final = 60
"""And answers: on a split path there is one for each of the others."""


class ThroughPart:
    """A part of the room: `path` and `through`, and where the path is split `wants`, `offer` and `answer`."""

    def __init__(
        self,
        *,
        sitting_of: SittingOf,
        tell: Tell,
        make_forwarder: Callable[[], Forwarder] = Forwarder,
        janus: Janus | None = None,
    ) -> None:
        self._sitting_of, self._janus = sitting_of, janus
        self._courses = Courses(tell=tell, make_forwarder=make_forwarder, janus=janus)
        self._offers = Allowances(a_second=OFFERS_A_SECOND, burst=OFFERS_AT_ONCE)
        self._wants = Allowances(a_second=WANTS_A_SECOND, burst=WANTS_AT_ONCE)

    @contextlib.asynccontextmanager
    async def reaching(self) -> AsyncIterator[None]:
        """Have Janus reached, where there is one, inside the block."""
        async with self._janus.reached() if self._janus is not None else contextlib.nullcontext():
            yield

    def path_of(self, room_id: uuid.UUID) -> Path:
        """The path a room is on."""
        return (self._courses.get(room_id) or Course(room_id)).path

    def forwarder_of(self, room_id: uuid.UUID) -> Forwarder | None:
        """What a room's media pass through, where they do."""
        course = self._courses.get(room_id)
        return course.forwarder if course is not None else None

    async def ask_for_server(self, room_id: uuid.UUID, asked: bool) -> None:
        """Have a room's media pass through the server, or leave it to the rule again."""
        course = self._courses.get(room_id)
        if course is not None:
            course.is_asked_for = asked
            await self._courses.reconsider(course)

    async def seated(self, seat: Seat, known: Known | None) -> None:
        """Somebody sits down, or sits there anew."""
        course = self._courses.begun(seat.room_id)
        if known is not None and course.number < known.number <= MOST_KNOWN and self._believes(seat, course):
            # We began anew, their call went on.
            course.renumber(known.number + (known.way != course.way))
            await self._courses.tell_path(course)
        end(course.lost.pop(seat.pid, None))
        if course.people.get(seat.pid, seat.page) != seat.page:
            await self._courses.take_out(course, seat.pid)
        course.people[seat.pid] = seat.page
        await self._courses.reconsider(course)

    async def stood_up(self, seat: Seat, change: Change) -> None:
        """They `left` for good, or their line to the server is `lost`."""
        course = self._courses.get(seat.room_id)
        if course is None or course.people.get(seat.pid) != seat.page:
            return
        if change == "lost":
            end(course.lost.pop(seat.pid, None))
            course.lost[seat.pid] = after(GRACE, lambda: self._courses.gone(course, seat.pid))
        else:
            await self._courses.gone(course, seat.pid)

    async def on_through(self, connection: Connection, message: Through) -> ThroughAnswer | Refusal:
        """Take an offer of somebody who sits in the room; they get of those who sit there what they want."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        if not self._offers.admit(connection):
            return Refusal("too-many")
        course, seat = self._courses.begun(sitting.seat.room_id), sitting.seat
        carrier = course.forwarder if message.path is None else course.carriers.get(message.path)
        if carrier is None:
            return Refusal("gone")
        wants = {
            want.mid: Wanted(want.pid, want.kind, want.stream)
            for want in message.wants
            if want.pid in course.people and want.pid != seat.pid
        }
        answer: ThroughAnswer | Refusal
        try:
            answer = ThroughAnswer(await carrier.offer(seat.pid, message.sdp, wants))
        except BadOffer:
            answer = Refusal("invalid")
        except JanusError as error:
            await self._courses.split_fails(course, carrier, why=str(error))
            answer = Refusal("gone")
        if self._sitting_of(connection) is not sitting:
            if seat.pid not in course.people:  # turned out meanwhile; else another page of theirs has the place
                await carrier.leave(seat.pid)
            return Refusal("not-joined")
        return answer

    async def on_wants(self, connection: Connection, message: Wants) -> Done | Refusal:
        """Take whom somebody wants to get, where the path is split: of those who sit there."""
        found = self._split(connection, message.path)
        if isinstance(found, Refusal):
            return found
        pid, course, janus = found
        course.sockets[pid] = connection.sid
        await janus.want(
            pid, {one.pid: Wish(one.video, one.after) for one in message.people if one.pid in course.people}
        )
        return Done()

    async def on_answer(self, connection: Connection, message: Answered) -> Done | Refusal:
        """Take a browser's answer to what was offered to it."""
        found = self._split(connection, message.path)
        if isinstance(found, Refusal):
            return found
        pid, course, janus = found
        try:
            is_taken = await janus.answer(pid, message.sender, message.number, message.sdp)
        except BadOffer:
            return Refusal("invalid")
        except JanusError as error:
            await self._courses.split_fails(course, janus, why=str(error))
            return Refusal("gone")
        return Done() if is_taken else Refusal("gone")

    def _split(self, connection: Connection, path: int) -> tuple[uuid.UUID, Course, JanusRoom] | Refusal:
        """Who asks, and what carries them where their path is split."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        if not self._wants.admit(connection):
            return Refusal("too-many")
        course = self._courses.begun(sitting.seat.room_id)
        if course.janus is None or path != course.number:
            return Refusal("gone")
        return sitting.seat.pid, course, course.janus

    async def on_path(self, connection: Connection, message: PathTried) -> Done | Refusal:
        """Somebody has changed over, or cannot."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        course = self._courses.begun(sitting.seat.room_id)
        if message.number != course.number:
            return Done()
        if message.works:
            await self._courses.changed_over(course, sitting.seat.pid)
        else:
            course.failed_at["split" if course.is_split else course.way] = time.monotonic()
            await self._courses.reconsider(course)
        return Done()

    async def take_net(self, sitting: Sitting, message: Net) -> None:
        """How somebody's link does (a `signaling.net.Listener`)."""
        course = self._courses.get(sitting.seat.room_id)
        if course is not None and message.uplink is not None:
            course.uplinks[sitting.seat.pid] = Uplink(message.uplink, message.why == "weak")
            await self._courses.reconsider(course)

    async def close(self) -> None:
        """End all of it."""
        await self._courses.close()

    def _believes(self, seat: Seat, course: Course) -> bool:
        """Of guests, only who comes first: with a number of their own they would put the others out of step."""
        return seat.role != "guest" or not course.people
