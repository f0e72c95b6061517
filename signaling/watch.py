"""Whether everyone who has a socket open may still have it.

A page asks at each request who its reader is; a socket was asked once, when it came. So all of them are looked at
again every three seconds, however silent they are: sessions, tokens, guests' passes, seats in a room and looks at a
study in one query each. What is told meanwhile (`teleconsult.events`) only makes the look at those concerned come at
once. Nobody is thus in a room or on a list five seconds after they may not be.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Final

import structlog

from signaling.connection import Connection, SignedInNamespace
from signaling.looking import LookingNamespace
from signaling.protocol import ByeReason
from signaling.room import RoomNamespace
from signaling.worklist import NEWS
from teleconsult.access import Permission, may
from teleconsult.accounts import SYSTEM
from teleconsult.accounts.standing import Standing, good_keys, good_tokens, keep_alive, open_sessions
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.guest_room import Admission, passes_in_force
from teleconsult.encounters.queries import still_taking_part
from teleconsult.events import Event
from teleconsult.imaging.looking import Look, still_looking
from teleconsult.meetings.sitting import still_at_table
from teleconsult.messages.occasions import ARRIVAL
from teleconsult.settings import Settings

EVERY: Final = 3.0  # seconds
AT_ONCE: Final = 50
"""Sockets that are judged before others have their turn: messages wait for it."""
CONCERNING: Final = frozenset({"account", "role", "session", "token", "guest", "consult", "meeting"})
"""What an event may name of a socket."""
TAKES_NOTHING: Final = frozenset({"EncounterArrived", "EncounterStarted", ARRIVAL, *NEWS})
"""After these nobody may do less than before, and they come with every join and all news: no look for their sake."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is good now, of what was asked about."""

    sessions: Mapping[uuid.UUID, Standing]
    tokens: Mapping[uuid.UUID, Standing]
    keys: Set[uuid.UUID]
    passes: Mapping[uuid.UUID, Admission]
    seats: Set[uuid.UUID]
    looks: Set[Look]
    members: Set[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Watched:
    """One socket, and the seat it held, or the study it looked at, when we began to look."""

    namespace: SignedInNamespace
    connection: Connection
    seat: uuid.UUID | None = None
    look: Look | None = None
    consult: uuid.UUID | None = None
    meeting: uuid.UUID | None = None
    member: uuid.UUID | None = None
    """Who they are in the meeting whose call they stay in, with or without a `seat` over the case of the moment."""

    def is_concerned(self, event: Event) -> bool:
        """Whether the event names its owner, what it came by, or the room it is in."""
        actor = self.connection.actor
        own = {
            "account": actor.account_id,
            "role": actor.role_id,
            "session": actor.session_id,
            "token": actor.token_id,
            "guest": actor.guest_pass_id,
            "consult": self.consult or self.connection.entry.consult_id,
            "meeting": self.meeting,
        }
        return event.name == "Reconnected" or any(
            own.get(kind) == named for kind, named in event.ids.items() if named is not None
        )


class Watch:
    """Over the sockets of this process."""

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        *,
        room: RoomNamespace,
        looking: LookingNamespace,
        others: Iterable[SignedInNamespace],
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._room = room
        self._looking = looking
        self._others = tuple(others)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Look at everyone every three seconds inside the block."""
        task = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def hear(self, event: Event) -> None:
        """Something changed somewhere: look at those it concerns."""
        if event.name in TAKES_NOTHING or (event.name != "Reconnected" and CONCERNING.isdisjoint(event.ids)):
            return
        await self.look(lambda watched: watched.is_concerned(event))

    async def look(self, at: Callable[[Watched], bool] = lambda _watched: True) -> None:
        """Ask anew about those sockets, and turn out whose time is over."""
        looked_at = [watched for watched in self._everyone() if at(watched)]
        if not looked_at:
            return
        findings = await self._find(looked_at)
        moved = set[str]()
        for number, watched in enumerate(looked_at, 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            if self._has_moved(watched):
                moved.add(watched.connection.sid)
                continue
            try:
                await self._decide(watched, findings)
            except Exception:  # one socket that fails keeps nobody else from being looked at
                log.exception("watch.decision_failed", namespace=watched.namespace.namespace)
        if moved:
            await self.look(lambda watched: watched.connection.sid in moved)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._room.meetings.look()
                await self.look()
            except Exception as error:  # the database is away: nobody's rights can be changed there either
                log.warning("watch.look_failed", error=type(error).__name__)

    def _everyone(self) -> list[Watched]:
        namespaces = (self._room, self._looking, *self._others)
        return [
            self._as_is(namespace, connection)
            for namespace in namespaces
            for connection in namespace.connections.values()
        ] + [self._as_is(self._room, sitting.connection) for sitting in list(self._room.lost.values())]

    def _as_is(self, namespace: SignedInNamespace, connection: Connection) -> Watched:
        if namespace is self._room and (
            sitting := self._room.sitting_of(connection) or self._room.lost.get(connection.sid)
        ):
            seat = sitting.seat
            held = Watched(namespace, connection, seat=seat.participant_id, consult=seat.consult_id)
            return replace(held, meeting=seat.room_id, member=seat.pid) if seat.stays else held
        if namespace is self._looking and (look := self._looking.look_of(connection)):
            return Watched(namespace, connection, look=look, consult=look.consult_id)
        return Watched(namespace, connection)

    def _has_moved(self, watched: Watched) -> bool:
        """Whether they sat down or stood up since: what we asked about is no more what they hold."""
        return self._as_is(watched.namespace, watched.connection) != watched

    async def _find(self, looked_at: list[Watched]) -> Findings:
        actors = [one.connection.actor for one in looked_at]
        seated = [one for one in looked_at if one.seat is not None or one.member is not None]
        in_call = _known(one.connection.actor.session_id for one in seated)
        signed_in = _known(one.session_id for one in actors)
        async with transaction(self._sessions, SYSTEM) as session:
            await keep_alive(session, in_call)
            return Findings(
                sessions=await open_sessions(session, self._settings, signed_in, in_call=in_call),
                tokens=await good_tokens(session, _known(one.token_id for one in actors)),
                keys=await good_keys(session, _known(one.connection.entry.key_id for one in looked_at)),
                passes=await passes_in_force(session, _known(one.guest_pass_id for one in actors)),
                seats=await still_taking_part(session, _known(one.seat for one in seated)),
                looks=await still_looking(session, {one.look for one in looked_at if one.look is not None}),
                members=await still_at_table(session, _known(one.member for one in seated)),
            )

    async def _decide(self, watched: Watched, findings: Findings) -> None:
        connection, namespace = watched.connection, watched.namespace
        if connection.sid not in namespace.connections and connection.sid not in self._room.lost:
            return  # gone while we asked
        if connection.actor.guest_pass_id is not None:
            reason = await self._judge_guest(watched, findings.passes.get(connection.actor.guest_pass_id))
        else:
            reason = await self._judge(watched, _standing(connection, findings), findings)
        if reason is not None:
            log.info("watch.turned_out", namespace=namespace.namespace, reason=reason)
            await namespace.dismiss(connection.sid, reason)

    async def _judge(self, watched: Watched, standing: Standing | None, findings: Findings) -> ByeReason | None:
        if standing is None:
            return "signed-out"
        await watched.namespace.stands(watched.connection, standing)
        if watched.look is not None:
            may_look = watched.look in findings.looks and may(watched.connection.actor, Permission.IMAGES_READ)
            return None if may_look else "ended"
        if watched.member is not None:
            return await self._judge_member(watched, findings)
        if watched.seat is None:
            return None
        may_stay = watched.seat in findings.seats and may(watched.connection.actor, Permission.SESSION_JOIN)
        return None if may_stay else "ended"

    async def _judge_member(self, watched: Watched, findings: Findings) -> ByeReason | None:
        """Of a meeting: they stay in its call where they may no more see the case of the moment."""
        if watched.member not in findings.members or not may(watched.connection.actor, Permission.SESSION_JOIN):
            return "ended"
        sitting = self._room.sitting_of(watched.connection)
        if sitting is not None and watched.seat is not None and watched.seat not in findings.seats:
            await self._room.meetings.call_back(sitting, None)
        return None

    async def _judge_guest(self, watched: Watched, admission: Admission | None) -> ByeReason | None:
        if admission is Admission.ROOM:
            await self._room.let_in(watched.connection)
            return None
        return None if admission is Admission.DOOR and watched.seat is None else "ended"


def _standing(connection: Connection, findings: Findings) -> Standing | None:
    """The role behind the sign-in, unless that is over or the key that vouched for its token is."""
    entry, actor = connection.entry, connection.actor
    if entry.key_id is not None and entry.key_id not in findings.keys:
        return None
    if actor.session_id is not None:
        return findings.sessions.get(actor.session_id)
    return findings.tokens.get(actor.token_id) if actor.token_id is not None else None


def _known(ids: Iterable[uuid.UUID | None]) -> set[uuid.UUID]:
    return {one for one in ids if one is not None}
