"""Looking at a study together: whoever presents moves the others' slice, window, zoom and pointer.

Only places travel, never pixels, and nothing of it is kept: each server holds the latest state of what is looked at
now. Who may come is asked of the database, once; what they send after that is checked in memory.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from signaling.connection import Connection, SignedInNamespace
from signaling.doorman import Doorman
from signaling.gathering import Gathering, Gatherings, Key, Member, Move
from signaling.protocol import ByeReason, Done, Refusal, Showing
from signaling.protocol_looking import Come, Follow, Go, Look, Marks, Point, Present, Seen, Welcome
from teleconsult.audit import record_denied
from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.imaging import looking

NAMESPACE: Final = "/looking"
MOST_GATHERINGS: Final = 500
MOST_MEMBERS: Final = 12
"""Two people, each with a few windows."""


class LookingNamespace(SignedInNamespace):
    """Namespace `/looking`. `shown` is called with a consult whenever what is shown in it has changed."""

    def __init__(self, doorman: Doorman, *, shown: Callable[[uuid.UUID], Awaitable[None]]) -> None:
        super().__init__(NAMESPACE, doorman)
        self._shown = shown
        self._gatherings = Gatherings(most=MOST_GATHERINGS, most_members=MOST_MEMBERS)

    def look_of(self, connection: Connection) -> looking.Look | None:
        """What a socket looks at, if it does."""
        member = self._gatherings.member(connection.sid)
        return member.part if member else None

    def showing_to(self, role_id: uuid.UUID | None, consult_id: uuid.UUID) -> Showing | None:
        """What others than this one show within a consult at this moment."""
        shown = self._gatherings.shown_in(consult_id)
        return next((showing for showing, presenter in shown if presenter.part.role_id != role_id), None)

    async def on_join(self, connection: Connection, message: Come) -> Welcome | Refusal:
        """Come to look at a study; the answer says where it stands."""
        member = self._gatherings.member(connection.sid)
        if member is None or member.key != (message.consult, message.study):
            if self._gatherings.is_full((message.consult, message.study)):
                return Refusal("too-many")
            await self._go(connection)
            opened = await self._open(connection, message)
            if connection.sid not in self.connections:  # turned out while we asked
                raise NotFound
            assert connection.actor.role_id is not None
            member = Member(connection, looking.Look(message.consult, message.study, connection.actor.role_id))
            gathering = self._gatherings.come(member, opened)
            await self.enter_room(connection.sid, room_name(member.key))
            await self._tell_all(member.key, gathering, skip=connection.sid)
            if self._gatherings.member(connection.sid) is not member:  # gone while we told
                raise NotFound
        # Nothing is awaited from here on: what changes after this look is told after this answer.
        gathering = self._gatherings.of(member)
        member.begin()
        return Welcome(member.id, gathering.together(), gathering.looking, gathering.marks)

    async def on_present(self, connection: Connection, message: Present) -> Done | Refusal:
        """Begin to show, or stop. Whoever began last presents, and everybody follows until they let go."""
        member = self._moving(connection)
        if isinstance(member, Refusal):
            return member
        gathering = self._gatherings.of(member)
        if message.looking is None:
            if gathering.presenter is not member:
                return Done()
            gathering.stop()
        elif gathering.holds(message.looking):
            gathering.present(member, message.looking)
        else:
            return Refusal("invalid")
        await self._tell_all(member.key, gathering)
        if message.looking is not None:
            await self._pass("look", Look(message.looking), member, gathering)
        await self._shown(member.part.consult_id)
        return Done()

    async def on_follow(self, connection: Connection, message: Follow) -> Done | Refusal:
        """Go along with who presents, or look by oneself."""
        member = self._moving(connection)
        if isinstance(member, Refusal):
            return member
        member.follows = message.on
        await self._tell_all(member.key, self._gatherings.of(member))
        return Done()

    async def on_look(self, connection: Connection, message: Look) -> Done | Refusal:
        """What who presents looks at now: the last one stands."""
        member = self._moving(connection, presents=True)
        if isinstance(member, Refusal):
            return member
        gathering = self._gatherings.of(member)
        if not gathering.holds(message.looking):
            return Refusal("invalid")
        gathering.looking = message.looking
        await self._pass("look", message, member, gathering)
        return Done()

    async def on_point(self, connection: Connection, message: Point) -> Done | Refusal:
        """Where who presents points: passed on, and not kept."""
        member = self._moving(connection, presents=True)
        if isinstance(member, Refusal):
            return member
        gathering = self._gatherings.of(member)
        if message.spot is not None and not gathering.holds(message.spot):
            return Refusal("invalid")
        await self._pass("point", message, member, gathering)
        return Done()

    async def on_marks(self, connection: Connection, message: Marks) -> Done | Refusal:
        """What who presents has measured: all of it, each time, and the last stands until somebody else presents."""
        member = self._moving(connection, presents=True)
        if isinstance(member, Refusal):
            return member
        gathering = self._gatherings.of(member)
        if not all(gathering.holds(mark) for mark in message.marks):
            return Refusal("invalid")
        gathering.marks = message.marks
        await self._pass("marks", message, member, gathering)
        return Done()

    async def on_seen(self, connection: Connection, message: Seen) -> Done | Refusal:
        """So much has arrived: send what waited for that."""
        member = self._gatherings.member(connection.sid)
        if member is None:
            return Refusal("not-joined")
        if not member.seen <= message.count <= member.sent:
            return Refusal("invalid")
        member.seen = message.count
        while member.held and not member.lags:
            event = next(iter(member.held))
            await self._send(event, member.held.pop(event), member)
        return Done()

    async def on_leave(self, connection: Connection, _message: Go) -> Done | Refusal:
        """Look by oneself again."""
        if self._gatherings.member(connection.sid) is None:
            return Refusal("not-joined")
        await self._go(connection)
        return Done()

    async def gone(self, connection: Connection) -> None:
        """The line is lost: what they showed is shown no more."""
        await self._go(connection)

    async def dismiss(self, sid: str, reason: ByeReason) -> None:
        """Take a socket out for good; the others hear it before it does."""
        member = self._gatherings.member(sid)
        if member is not None:
            await self._go(member.connection)
        await super().dismiss(sid, reason)

    def _moving(self, connection: Connection, *, presents: bool = False) -> Member | Refusal:
        """Who looks at something by this socket and is not too fast; with `presents`, who shows it."""
        member = self._gatherings.member(connection.sid)
        if member is None:
            return Refusal("not-joined")
        if member.moves.take() < 0:
            return Refusal("too-many")
        if presents and self._gatherings.of(member).presenter is not member:
            return Refusal("not-presenting")
        return member

    async def _open(self, connection: Connection, message: Come) -> looking.OpenedStudy:
        try:
            async with transaction(self.doorman.sessions, connection.actor) as session:
                return await looking.come_to_look(
                    session, connection.actor, study_id=message.study, consult_id=message.consult
                )
        except NotFound:
            await record_denied(self.doorman.sessions, connection.actor, "looking-refused", consult=message.consult)
            raise

    async def _go(self, connection: Connection) -> None:
        """Take a socket out of its gathering, if it is in one, and tell the others."""
        member = self._gatherings.member(connection.sid)
        if member is None:
            return
        gathering = self._gatherings.of(member)
        was_shown = gathering.presenter is member
        self._gatherings.go(member)
        await self.leave_room(connection.sid, room_name(member.key))
        await self._tell_all(member.key, gathering)
        if was_shown:
            await self._shown(member.part.consult_id)

    async def _pass(self, event: Move, message: Look | Point | Marks, presenter: Member, gathering: Gathering) -> None:
        """Send to the others what who presents does; to who lags behind, the newest of it once they have caught up.

        Ends where they present no more: somebody else may take over, or they may go, while the others are told.
        """
        for member in list(gathering.members.values()):
            if gathering.presenter is not presenter:
                return
            if member is presenter:
                continue
            if member.lags:
                member.held[event] = message
            else:
                await self._send(event, message, member)

    async def _send(self, event: Move, message: Look | Point | Marks, member: Member) -> None:
        member.sent += 1
        await self.tell(event, message, to=member.connection.sid)

    async def _tell_all(self, key: Key, gathering: Gathering, *, skip: str | None = None) -> None:
        await self.tell("together", gathering.together(), to=room_name(key), skip=skip)


def room_name(key: Key) -> str:
    """The Socket.IO room of those who look at a study within a consult."""
    return "look:{}:{}".format(*key)
