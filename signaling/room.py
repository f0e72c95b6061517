"""The live room of a consult: who comes and goes, what they signal to each other, what they write.

Each message does its part of the record in a short transaction of its own.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from signaling.connection import Connection, SignedInNamespace
from signaling.door import Door
from signaling.doorman import Doorman
from signaling.ice import ice_servers
from signaling.keys import KeysPart
from signaling.manners import MannersPart
from signaling.media.forwarder import Forwarder, Reach
from signaling.media.janus import Janus
from signaling.meeting_calls import MeetingCalls
from signaling.net import NetPart
from signaling.presence import Seat, Sitting, Sittings, case_name, room_name
from signaling.protocol import (
    Admitted,
    ByeReason,
    Change,
    Done,
    GuestsChanged,
    ImagesShown,
    Join,
    Joined,
    Leave,
    Moved,
    PeerChanged,
    Refusal,
    Showing,
)
from signaling.protocol_chat import ChatLine, Say
from signaling.protocol_recall import Logged, SessionLog
from signaling.recall import RecallPart, as_told
from signaling.recording import RecordingPart
from signaling.seating import lines_as_told, others_of, peer_of, seat_for, state_of
from signaling.signals import SignalPart
from signaling.through import GRACE, ThroughPart
from teleconsult.accounts import SYSTEM
from teleconsult.audit import record_denied
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.encounters import actions
from teleconsult.encounters import queries as encounters
from teleconsult.encounters.queries import LiveSession, RoomSession
from teleconsult.encounters.recorded_files import RecordedFiles
from teleconsult.encounters.session_log import missed_by
from teleconsult.errors import NotFound, TeleconsultError
from teleconsult.meetings.sitting import Table
from teleconsult.settings import Settings

NAMESPACE: Final = "/room"
BETWEEN_CASES: Final = SessionLog(0, (), whole=True)
JOINS_AT_ONCE: Final = 8
"""While everybody comes back, some of the database's connections are left to those who are in."""
LEAVES_AT_ONCE: Final = 4
"""The same where a line is lost that many hang on."""
ShowingTo = Callable[[uuid.UUID | None, uuid.UUID], Showing | None]
"""What others than this role show within this consult."""


class RoomNamespace(SignedInNamespace):
    """Namespace `/room`."""

    def __init__(self, settings: Settings, doorman: Doorman, *, showing: ShowingTo) -> None:
        super().__init__(NAMESPACE, doorman)
        self._settings = settings
        self._showing = showing
        self._sittings = Sittings(self)
        self.lost: dict[str, Sitting] = {}
        """By the socket they had: those whose line was lost a minute ago at most. Sound and picture may go on."""
        self.door = Door(doorman.sessions)
        self._joining = asyncio.Semaphore(JOINS_AT_ONCE)
        self.leaving = asyncio.Semaphore(LEAVES_AT_ONCE)
        self.net = NetPart(sitting_of=self.sitting_of, tell=self.tell)
        self.parts.append(self.net)
        self.parts.append(SignalPart(settings, sittings=self._sittings, tell=self.tell))
        self.parts.append(MannersPart(sitting_of=self.sitting_of, tell=self.tell))
        self.recall = RecallPart(doorman.sessions, sitting_of=self.sitting_of, tell_event=self._tell_event)
        self.parts.append(self.recall)
        self.through = ThroughPart(
            sitting_of=self.sitting_of,
            tell=self.tell,
            make_forwarder=partial(Forwarder, reach=Reach.of(settings)),
            janus=Janus.of(settings),
        )
        self.net.listeners.append(self.through.take_net)
        self.parts.append(self.through)
        self.recording = RecordingPart(
            RecordedFiles.of(settings, doorman.sessions),
            through=self.through,
            sitting_of=self.sitting_of,
            sittings_in=self._in,
            tell=self.tell,
        )
        self.parts.append(self.recording)
        self.parts.append(KeysPart(sitting_of=self.sitting_of, sittings_in=self._in, tell=self.tell))
        self.meetings = MeetingCalls(
            doorman.sessions,
            everyone=lambda: [*self._sittings, *self.lost.values()],
            sittings_in=self._in,
            tell=self.tell,
            send_back=self._send_back,
            turned_to=self.recording.turned_to,
            leave_case=self.leave_room,
        )

    def sitting_of(self, connection: Connection) -> Sitting | None:
        """The seat a socket holds, if it does."""
        return self._sittings.of(connection)

    def seated(self) -> Iterator[uuid.UUID]:
        """Who sits over a consult in a room of this process now, by participant."""
        held = (sitting.seat.participant_id for sitting in self._sittings if not sitting.seat.is_over)
        return (participant_id for participant_id in held if participant_id is not None)

    async def on_join(self, connection: Connection, message: Join) -> Joined | Refusal:
        """Take the actor's seat. A newer page of the same person takes it from an older one.

        A guest waits at the door until they are let in.
        """
        async with self._joining:
            return await self._join(connection, message)

    async def _join(self, connection: Connection, message: Join) -> Joined | Refusal:
        own = connection.entry.consult_id
        if own is not None and (own != message.consult or message.meeting is not None):
            raise NotFound
        if message.meeting is not None:
            async with self.meetings.in_turn(message.meeting):
                held, live = await self.meetings.enter(connection.actor, message.meeting)
                return await self._sit(connection, message, live, held)
        consult_id = message.consult
        assert consult_id is not None, "one of both is named"
        is_guest = connection.actor.guest_pass_id is not None
        if is_guest and await self.door.keeps_out(connection, consult_id):
            return Refusal("not-admitted")
        live = await self._arrive(connection, consult_id)
        table = await self.meetings.of_case(live)
        if table is None:
            return await self._sit(connection, message, live, None)
        async with self.meetings.in_turn(table.meeting_id):  # and as it stands now
            return await self._sit(connection, message, live, await self.meetings.of_case(live))

    async def _sit(
        self, connection: Connection, message: Join, live: RoomSession | None, table: Table | None
    ) -> Joined:
        if connection.sid not in self.connections:  # turned out while we asked
            raise NotFound
        is_in_call = self._is_in_call(connection, message, live, table)
        if table is not None and is_in_call:
            await self.meetings.clear(table.meeting_id, table.consult_id)
        seat = seat_for(message, live, table, role_id=connection.actor.role_id, is_in_call=is_in_call)
        before = self._sittings.of(connection)
        await self._vacate(connection, seat)
        self._sittings.begin(Sitting(connection, seat))
        for name in _names(seat):
            await self.enter_room(connection.sid, name)
        for sid in [sid for sid, lost in self.lost.items() if _is_same(lost.seat, seat)]:
            del self.lost[sid]
        is_elsewhere = before is not None and before.seat.room_id != seat.room_id
        is_known = message.room in (None, seat.room_id) and not is_elsewhere
        await self.through.seated(seat, message.path if is_known else None)
        await self.recording.seated(seat)
        if live is not None:
            live = await self._begun(connection, live)
        log, chat = await self._missed(connection, message, live)
        await self._tell_others(seat, "joined")
        # Nothing is awaited from here on: what changes after this look is told after this answer.
        is_guest = connection.actor.guest_pass_id is not None
        is_shown = live is not None and not is_guest
        return Joined(
            pid=seat.pid,
            state=state_of(live),
            started_at=live.encounter.started_at if live is not None else None,
            peers=others_of(seat, live, table, self._in(seat.room_id)),
            ice=ice_servers(self._settings, participant=seat.pid, at=now()),
            chat=chat,
            log=log,
            now=now(),
            path=self.through.path_of(seat.room_id),
            room=seat.room_id,
            consult=seat.consult_id,
            writes_as=seat.participant_id,
            showing=self._showing(connection.actor.role_id, live.consult_id) if live is not None and is_shown else None,
        )

    def _is_in_call(self, connection: Connection, message: Join, live: RoomSession | None, table: Table | None) -> bool:
        """Whether who comes takes a seat in the meeting's call: a member, and who belongs to the case called now.

        A member who is in it already stays there by the page that has the whole meeting.
        """
        if table is None or message.meeting is not None:
            return table is not None
        place = table.members.get(connection.actor.role_id) if connection.actor.role_id is not None else None
        held = self._sittings.at(table.meeting_id, place.id) if place is not None else None
        is_there = held is not None and held.seat.stays and held.connection is not connection
        return live is not None and live.consult_id == table.consult_id and not is_there

    async def _begun(self, connection: Connection, live: RoomSession) -> RoomSession:
        """The session begins once both whose it is are there; a meeting's when its chair calls it. Here it does where
        they came at the same moment, neither to a room where the other one sat.
        """
        there = {sitting.seat.participant_id for sitting in self._sittings.over_case(live.consult_id)}
        if not isinstance(live, LiveSession) or not {seat.participant.id for seat in live.professionals} <= there:
            return live
        if not live.is_running:
            async with transaction(self.doorman.sessions, connection.actor) as session:
                live = await actions.start_encounter(session, connection.actor, consult_id=live.consult_id)
        await self.recall.look(live.encounter.id)
        return live

    async def on_chat(self, connection: Connection, message: Say) -> Done | Refusal:
        """Keep a line. Everybody, its writer too, is told by the session's log."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        consult_id = sitting.seat.consult_id
        if consult_id is None:
            return Refusal("not-open")
        async with transaction(self.doorman.sessions, connection.actor) as session:
            kept = await actions.say(
                session, connection.actor, consult_id=consult_id, message_id=message.id, text=message.text
            )
        await self.recall.look(kept.encounter_id)
        return Done()

    async def on_leave(self, connection: Connection, _message: Leave) -> Done | Refusal:
        """Go out for good. When the specialist does, the session has ended."""
        sitting = self._sittings.end(connection.sid)
        if sitting is None:
            return Refusal("not-joined")
        seat = sitting.seat
        await self._leave_rooms(sitting)
        await self._tell_others(seat, "left")
        if seat.consult_id is None:
            return Done()
        async with transaction(self.doorman.sessions, connection.actor) as session:
            live = await actions.leave_encounter(session, connection.actor, consult_id=seat.consult_id, reason="left")
        await self.recall.look(live.encounter.id)
        return Done()

    async def gone(self, connection: Connection) -> None:
        """The line is lost: the seat stays theirs, the others are told."""
        await self.door.left_by(connection)
        sitting = self._sittings.end(connection.sid)
        if sitting is None:
            return
        self.lost[connection.sid] = sitting
        asyncio.get_running_loop().call_later(GRACE, self.lost.pop, connection.sid, None)
        seat = sitting.seat
        await self._tell_others(seat, "lost")
        if seat.consult_id is None:
            return
        try:
            async with self.leaving:
                if self._sittings.at(seat.room_id, seat.pid) is not None:
                    return  # they are back already: it is the same stay
                async with transaction(self.doorman.sessions, connection.actor) as session:
                    await actions.leave_encounter(session, connection.actor, consult_id=seat.consult_id, reason="lost")
        except TeleconsultError:
            return  # the consult was closed meanwhile: there is no leaving to note

    async def dismiss(self, sid: str, reason: ByeReason) -> None:
        """Take a socket out for good. The others hear that its owner `left`, so that their pages end sound and picture
        with them, whatever the one who has to go does.
        """
        was_lost = self.lost.pop(sid, None)
        sitting = self._sittings.end(sid) or was_lost
        if sitting is not None:
            await self._tell_others(sitting.seat, "left")
        if was_lost is None:
            await super().dismiss(sid, reason)
        if sitting is not None:
            await self._note_removal(sitting.seat, reason)

    async def let_in(self, connection: Connection) -> None:
        """A guest may come in: where they wait at the door, tell them."""
        if self.door.is_waiting(connection.sid):
            await self.tell("admitted", Admitted(), to=connection.sid)

    async def show_guests(self, consult_id: uuid.UUID) -> None:
        """Those who may let guests in look at their list again."""
        for sitting in list(self._sittings.over_case(consult_id)):
            if sitting.seat.role != "guest":
                await self.tell("guests", GuestsChanged(), to=sitting.connection.sid)

    async def show_images(self, consult_id: uuid.UUID) -> None:
        """Tell doctor and specialist what the other one shows now. A guest sees no images."""
        for sitting in list(self._sittings.over_case(consult_id)):
            if sitting.seat.role != "guest":
                showing = self._showing(sitting.connection.actor.role_id, consult_id)
                await self.tell("showing", ImagesShown(showing), to=sitting.connection.sid)

    async def _arrive(self, connection: Connection, consult_id: uuid.UUID) -> RoomSession:
        try:
            there = [sitting.seat.participant_id for sitting in self._sittings.over_case(consult_id)]
            async with transaction(self.doorman.sessions, connection.actor) as session:
                return await actions.arrive_encounter(session, connection.actor, consult_id=consult_id, there=there)
        except NotFound:
            await record_denied(self.doorman.sessions, connection.actor, "encounter-refused", consult=consult_id)
            raise

    async def _missed(
        self, connection: Connection, message: Join, live: RoomSession | None
    ) -> tuple[SessionLog, tuple[ChatLine, ...]]:
        """What who has just come in must be told; of the chat nothing that the log holds."""
        if live is None:
            return BETWEEN_CASES, ()
        since = message.since if message.consult == live.consult_id else None
        async with transaction(self.doorman.sessions, connection.actor) as session:
            told = await self.recall.follow(session, live)
            missed = await missed_by(session, live, since=since, told=told)
            chat = lines_as_told(await encounters.chat_of(session, live)) if missed.is_whole else ()
            return as_told(missed), chat

    async def _tell_event(self, consult_id: uuid.UUID, event: Logged) -> bool:
        if not any(self._sittings.over_case(consult_id)):
            return False
        await self.emit(event.kind, (event.body, event.number), to=case_name(consult_id))
        return True

    async def _vacate(self, connection: Connection, seat: Seat) -> None:
        """Free the seat: this socket's own former one, and other sockets' of the same person."""
        for sitting in [*self._in(seat.room_id), *filter(None, [self._sittings.of(connection)])]:
            is_same_socket = sitting.connection is connection
            if not is_same_socket and sitting.seat.pid != seat.pid:
                continue
            self._sittings.end(sitting.connection.sid)
            await self._leave_rooms(sitting)
            if not is_same_socket:
                await self.dismiss(sitting.connection.sid, "elsewhere")
                await self._note_removal(sitting.seat, "elsewhere")
            elif not _is_same(sitting.seat, seat):
                await self._tell_others(sitting.seat, "left")

    async def _send_back(self, sitting: Sitting) -> None:
        """They belong to a case that is discussed no more: out of the call, into the room of their own case."""
        sid = sitting.connection.sid
        was_lost = self.lost.pop(sid, None)
        self._sittings.end(sid)
        await self._leave_rooms(sitting)
        await self._tell_others(sitting.seat, "left")
        if was_lost is None:
            await self.tell("moved", Moved(sitting.seat.consult_id), to=sid)

    async def _leave_rooms(self, sitting: Sitting) -> None:
        for name in _names(sitting.seat):
            await self.leave_room(sitting.connection.sid, name)

    async def _note_removal(self, seat: Seat, reason: ByeReason) -> None:
        if seat.participant_id is None:
            return
        with contextlib.suppress(NotFound):  # an older backup was put back meanwhile
            async with transaction(self.doorman.sessions, SYSTEM) as session:
                await actions.remove_participant(session, participant_id=seat.participant_id, reason=reason)

    async def _tell_others(self, seat: Seat, change: Change) -> None:
        for other in list(self._in(seat.room_id)):
            if other.seat.pid != seat.pid:
                peer = peer_of(other.seat.pid, seat, present=change == "joined")
                await self.tell("peer", PeerChanged(peer, change), to=other.connection.sid)
        if change != "joined":
            await self.through.stood_up(seat, change)
            await self.recording.stood_up(seat, change)

    def _in(self, room_id: uuid.UUID) -> Iterator[Sitting]:
        return self._sittings.in_room(room_id)


def _names(seat: Seat) -> tuple[str, ...]:
    """The Socket.IO rooms of who holds that seat: the call's, and the consult's."""
    return (room_name(seat.room_id), *((case_name(seat.consult_id),) if seat.consult_id is not None else ()))


def _is_same(one: Seat, other: Seat) -> bool:
    return (one.room_id, one.pid) == (other.room_id, other.pid)
