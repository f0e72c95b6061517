"""The live room of a consult: who comes and goes, what they signal to each other, what they write.

Each message does its part of the record in a short transaction of its own.
"""

import asyncio
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
from signaling.negotiation import is_polite
from signaling.net import NetPart
from signaling.presence import Seat, Sitting, Sittings, room_name
from signaling.protocol import (
    Admitted,
    ByeReason,
    Change,
    Done,
    FreshIce,
    GuestsChanged,
    Ice,
    ImagesShown,
    Join,
    Joined,
    Leave,
    Media,
    MediaOf,
    Peer,
    PeerChanged,
    Refusal,
    RoomState,
    Showing,
    Signal,
    SignalFrom,
)
from signaling.protocol_chat import ChatFile, ChatLine, Say
from signaling.protocol_recall import Logged, SessionLog
from signaling.recall import RecallPart, as_told
from signaling.recording import RecordingPart
from signaling.through import GRACE, ThroughPart
from teleconsult.accounts import SYSTEM
from teleconsult.audit import record_denied
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.encounters import actions
from teleconsult.encounters import queries as encounters
from teleconsult.encounters.models import ChatMessage
from teleconsult.encounters.queries import RoomSession
from teleconsult.encounters.recorded_files import RecordedFiles
from teleconsult.encounters.session_log import missed_by
from teleconsult.errors import NotFound, TeleconsultError
from teleconsult.settings import Settings

NAMESPACE: Final = "/room"
NOBODY: Final = uuid.UUID(int=0)
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

    def sitting_of(self, connection: Connection) -> Sitting | None:
        """The seat a socket holds, if it does."""
        return self._sittings.of(connection)

    def seated(self) -> Iterator[uuid.UUID]:
        """Who sits in a room of this process now, by participant."""
        return (sitting.seat.pid for sitting in self._sittings)

    async def on_join(self, connection: Connection, message: Join) -> Joined | Refusal:
        """Take the actor's seat. A newer page of the same person takes it from an older one.

        A guest waits at the door until they are let in.
        """
        async with self._joining:
            return await self._join(connection, message)

    async def _join(self, connection: Connection, message: Join) -> Joined | Refusal:
        if connection.entry.consult_id not in (None, message.consult):
            raise NotFound
        is_guest = connection.actor.guest_pass_id is not None
        if is_guest and await self.door.keeps_out(connection, message.consult):
            return Refusal("not-admitted")
        live = await self._arrive(connection, message)
        if connection.sid not in self.connections:  # turned out while we asked
            raise NotFound
        mine = live.mine
        seat = Seat(
            message.consult,
            mine.participant.id,
            message.page,
            mine.name,
            mine.part,
            message.audio,
            message.video,
            message.streams or (),
        )
        await self._vacate(connection, seat)
        self._sittings.begin(Sitting(connection, seat))
        await self.enter_room(connection.sid, room_name(message.consult))
        for sid in [sid for sid, lost in self.lost.items() if lost.seat.pid == seat.pid]:
            del self.lost[sid]
        await self.through.seated(seat, message.path)
        await self.recording.seated(seat)
        present = {sitting.seat.pid for sitting in self._in(message.consult)}
        is_awaited = not is_guest and not live.is_running
        if is_awaited and {seat.participant.id for seat in live.professionals} <= present:
            async with transaction(self.doorman.sessions, connection.actor) as session:
                live = await actions.start_encounter(session, connection.actor, consult_id=message.consult)
            await self.recall.look(live.encounter.id)
        log, chat = await self._missed(connection, live, message.since)
        await self._tell_others(seat, "joined")
        # Nothing is awaited from here on: what changes after this look is told after this answer.
        return Joined(
            pid=seat.pid,
            state=_state(live),
            started_at=live.encounter.started_at,
            peers=tuple(self._as_seen_by(seat.pid, other, message.consult) for other in live.others),
            ice=ice_servers(self._settings, participant=seat.pid, at=now()),
            chat=chat,
            log=log,
            now=now(),
            path=self.through.path_of(message.consult),
            showing=None if is_guest else self._showing(connection.actor.role_id, message.consult),
        )

    async def on_signal(self, connection: Connection, message: Signal) -> Done | Refusal:
        """Pass a description or a candidate on to one peer in the same room."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        target = self._sittings.at(sitting.seat.consult_id, message.to)
        if target is None or target is sitting:
            return Refusal("gone")
        signal = SignalFrom(sitting.seat.pid, message.description, message.candidate, message.path)
        await self.tell("signal", signal, to=target.connection.sid)
        return Done()

    async def on_media(self, connection: Connection, message: Media) -> Done | Refusal:
        """Say whether microphone and camera are on, and what is sent."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        seat = sitting.seat
        seat.audio, seat.video = message.audio, message.video
        if message.streams is not None:
            seat.streams = message.streams
        told = MediaOf(seat.pid, seat.audio, seat.video, seat.streams)
        await self.tell("media", told, to=room_name(seat.consult_id), skip=connection.sid)
        return Done()

    async def on_chat(self, connection: Connection, message: Say) -> Done | Refusal:
        """Keep a line. Everybody, its writer too, is told by the session's log."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        seat = sitting.seat
        async with transaction(self.doorman.sessions, connection.actor) as session:
            kept = await actions.say(
                session, connection.actor, consult_id=seat.consult_id, message_id=message.id, text=message.text
            )
        await self.recall.look(kept.encounter_id)
        return Done()

    async def on_ice(self, connection: Connection, _message: Ice) -> FreshIce | Refusal:
        """New credentials for the relay, before ICE restarts."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        return FreshIce(ice_servers(self._settings, participant=sitting.seat.pid, at=now()))

    async def on_leave(self, connection: Connection, _message: Leave) -> Done | Refusal:
        """Go out for good. When the specialist does, the session has ended."""
        sitting = self._sittings.end(connection.sid)
        if sitting is None:
            return Refusal("not-joined")
        seat = sitting.seat
        await self.leave_room(connection.sid, room_name(seat.consult_id))
        await self._tell_others(seat, "left")
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
        await self._tell_others(sitting.seat, "lost")
        try:
            async with self.leaving:
                if self._sittings.at(sitting.seat.consult_id, sitting.seat.pid) is not None:
                    return  # they are back already: it is the same stay
                async with transaction(self.doorman.sessions, connection.actor) as session:
                    await actions.leave_encounter(
                        session, connection.actor, consult_id=sitting.seat.consult_id, reason="lost"
                    )
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
        for sitting in list(self._in(consult_id)):
            if sitting.seat.role != "guest":
                await self.tell("guests", GuestsChanged(), to=sitting.connection.sid)

    async def show_images(self, consult_id: uuid.UUID) -> None:
        """Tell doctor and specialist what the other one shows now. A guest sees no images."""
        for sitting in list(self._in(consult_id)):
            if sitting.seat.role != "guest":
                showing = self._showing(sitting.connection.actor.role_id, consult_id)
                await self.tell("showing", ImagesShown(showing), to=sitting.connection.sid)

    async def _arrive(self, connection: Connection, message: Join) -> RoomSession:
        try:
            async with transaction(self.doorman.sessions, connection.actor) as session:
                return await actions.arrive_encounter(session, connection.actor, consult_id=message.consult)
        except NotFound:
            await record_denied(self.doorman.sessions, connection.actor, "encounter-refused", consult=message.consult)
            raise

    async def _missed(
        self, connection: Connection, live: RoomSession, since: int | None
    ) -> tuple[SessionLog, tuple[ChatLine, ...]]:
        """What who has just come in must be told; of the chat nothing that the log holds."""
        told = await self.recall.follow(live)
        async with transaction(self.doorman.sessions, connection.actor) as session:
            missed = await missed_by(session, live, since=since, told=told)
            return as_told(missed), _lines(await encounters.chat_of(session, live)) if missed.is_whole else ()

    async def _tell_event(self, consult_id: uuid.UUID, event: Logged) -> bool:
        if not any(self._in(consult_id)):
            return False
        await self.emit(event.kind, (event.body, event.number), to=room_name(consult_id))
        return True

    async def _vacate(self, connection: Connection, seat: Seat) -> None:
        """Free the seat: this socket's own former one, and other sockets' of the same person."""
        for sitting in [*self._in(seat.consult_id), *filter(None, [self._sittings.of(connection)])]:
            is_same_socket = sitting.connection is connection
            if not is_same_socket and sitting.seat.pid != seat.pid:
                continue
            self._sittings.end(sitting.connection.sid)
            await self.leave_room(sitting.connection.sid, room_name(sitting.seat.consult_id))
            if not is_same_socket:
                await self.dismiss(sitting.connection.sid, "elsewhere")
                await self._note_removal(sitting.seat, "elsewhere")
            elif sitting.seat.consult_id != seat.consult_id:
                await self._tell_others(sitting.seat, "left")

    async def _note_removal(self, seat: Seat, reason: ByeReason) -> None:
        async with transaction(self.doorman.sessions, SYSTEM) as session:
            await actions.remove_participant(session, participant_id=seat.pid, reason=reason)

    async def _tell_others(self, seat: Seat, change: Change) -> None:
        for other in list(self._in(seat.consult_id)):
            if other.seat.pid != seat.pid:
                peer = _peer(other.seat.pid, seat, present=change == "joined")
                await self.tell("peer", PeerChanged(peer, change), to=other.connection.sid)
        if change != "joined":
            await self.through.stood_up(seat, change)
            await self.recording.stood_up(seat, change)

    def _in(self, consult_id: uuid.UUID) -> Iterator[Sitting]:
        return self._sittings.in_room(consult_id)

    def _as_seen_by(self, viewer: uuid.UUID, other: encounters.Seat, consult_id: uuid.UUID) -> Peer:
        pid = other.participant.id
        sitting = self._sittings.at(consult_id, pid)
        if sitting is not None:
            return _peer(viewer, sitting.seat, present=True)
        return _peer(viewer, Seat(consult_id, pid, NOBODY, other.name, other.part, False, False), present=False)


def _peer(viewer: uuid.UUID, seat: Seat, *, present: bool) -> Peer:
    return Peer(
        pid=seat.pid,
        name=seat.name,
        role=seat.role,
        present=present,
        polite=is_polite(viewer, seat.pid),
        audio=seat.audio,
        video=seat.video,
        streams=seat.streams,
        hand=seat.hand,
        page=seat.page if present else None,
    )


def _lines(written: list[tuple[ChatMessage, str]]) -> tuple[ChatLine, ...]:
    return tuple(
        ChatLine(line.id, line.participant_id, name, line.text, line.sent_at, _file(line)) for line, name in written
    )


def _file(line: ChatMessage) -> ChatFile | None:
    return ChatFile(line.file_kind.value, line.file_size or 0) if line.file_kind else None


def _state(live: RoomSession) -> RoomState:
    if live.encounter.ended_at is not None:
        return "ended"
    return "live" if live.encounter.started_at is not None else "waiting"
