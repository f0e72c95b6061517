"""Recording a session: asked by the doctor or the specialist, begun when everybody present has said yes, paused while
somebody is there who has not, ended for good by anybody who says no.

Everyone is told before anything is written down. Whatever ends it, the recorder takes no packet more before anything
else is done.
"""

import asyncio
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from signaling.allowance import Allowances
from signaling.connection import Connection
from signaling.media.forwarder import Forwarder
from signaling.media.recorder import Recorder
from signaling.presence import Seat, SittingOf, SittingsIn, Tell, room_name
from signaling.protocol import Change, Refusal
from signaling.protocol_recording import PatientWord, RecordAct, RecordingNow, RecordingPhase, RecordingState
from signaling.through import ThroughPart
from teleconsult.accounts import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.db import transaction
from teleconsult.encounters import recordings
from teleconsult.encounters.recorded_files import RecordedFiles
from teleconsult.encounters.recording_models import RecordingEnd
from teleconsult.encounters.recordings import PatientAgrees
from teleconsult.errors import Forbidden, Invalid, Refused

STARTS_WITHIN: Final = 20.0
"""Seconds everybody has to send through the server, unsealed, once all have agreed."""
LOOK_EVERY: Final = 0.1
ACTS_A_SECOND: Final = 1
ACTS_AT_ONCE: Final = 20

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Running:
    """One room's recording, from the question to its end."""

    id: uuid.UUID
    room_id: uuid.UUID
    consult_id: uuid.UUID
    """Whose session is recorded: a recording never goes on into another's."""
    by: str
    asker: uuid.UUID
    phase: RecordingPhase = "asked"
    since: datetime | None = None
    agreed: dict[uuid.UUID, uuid.UUID | None] = field(default_factory=dict)
    """Who, and who they are in the records of that session."""
    ready: set[uuid.UUID] = field(default_factory=set)
    """Whose pages send what the server can read."""
    is_refused: bool = False
    """Somebody agrees no longer: whatever else happens, it only ends."""
    recorder: Recorder | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class RecordingPart:
    """A part of the room: `record`."""

    def __init__(
        self,
        files: RecordedFiles,
        *,
        through: ThroughPart,
        sitting_of: SittingOf,
        sittings_in: SittingsIn,
        tell: Tell,
    ) -> None:
        self._files, self._through = files, through
        self._sitting_of, self._sittings_in, self._tell = sitting_of, sittings_in, tell
        self._running: dict[uuid.UUID, Running] = {}
        self._asking: set[uuid.UUID] = set()
        """Rooms in which somebody's question is being written down."""
        self._acts = Allowances(a_second=ACTS_A_SECOND, burst=ACTS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def on_record(self, connection: Connection, message: RecordAct) -> RecordingNow | Refusal:
        """One act of somebody who sits in the room; the answer is where the recording stands afterwards."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        if not self._acts.admit(connection):
            return Refusal("too-many")
        running = self._running.get(sitting.seat.room_id)
        if message.act == "ask":
            return await self._ask(connection.actor, sitting.seat, message.patient)
        if message.act == "look":  # told too: all that hears of a recording on a page hears the same
            await self._tell("recording", self._now(sitting.seat.room_id), to=connection.sid)
        elif running is None or running.id != message.recording:
            return Refusal("gone")
        else:
            await self._act(running, connection.actor, sitting.seat, message)
        return self._now(sitting.seat.room_id)

    async def seated(self, seat: Seat) -> None:
        """Somebody sits down. Until they agree nothing is recorded: neither they nor what they hear."""
        running = self._running.get(seat.room_id)
        if running is not None:
            if seat.pid not in running.agreed:
                _halt(running)
            running.ready.discard(seat.pid)
            await self._advance(running)

    async def stood_up(self, seat: Seat, change: Change) -> None:
        """Somebody is gone; when one of the two whose session it is has left it for good, so is the recording."""
        running = self._running.get(seat.room_id)
        if running is None:
            return
        running.ready.discard(seat.pid)
        if change == "left" and seat.role != "guest":
            await self._end(running, RecordingEnd.LEFT, by=seat.participant_id)
        else:
            await self._advance(running)

    async def turned_to(self, room_id: uuid.UUID, consult_id: uuid.UUID | None) -> None:
        """Another case is discussed in that room: what was said of the one before is recorded no further."""
        running = self._running.get(room_id)
        if running is not None and running.consult_id != consult_id:
            await self._end(running, RecordingEnd.LEFT)

    async def close(self) -> None:
        """End all of them; every file is kept."""
        for running in list(self._running.values()):
            await self._end(running, RecordingEnd.CUT_OFF)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _ask(self, actor: Actor, seat: Seat, patient: PatientWord | None) -> RecordingNow | Refusal:
        if seat.role == "guest":
            raise Forbidden("This is for someone else to do.")
        consult_id = seat.consult_id
        if consult_id is None:
            return Refusal("not-open")
        if seat.room_id in self._running or seat.room_id in self._asking:
            return Refusal("invalid")
        self._asking.add(seat.room_id)
        try:
            async with transaction(self._files.sessions, SYSTEM) as session:
                await recordings.end_abandoned(session, consult_id=consult_id, days=self._files.days)
            async with transaction(self._files.sessions, actor) as session:
                asked = await recordings.ask_recording(
                    session, actor, consult_id=consult_id, patient=_agreement(patient)
                )
            running = Running(
                asked.id, seat.room_id, consult_id, seat.name, seat.pid, agreed={seat.pid: seat.participant_id}
            )
            self._running[seat.room_id] = running
        finally:
            self._asking.discard(seat.room_id)
        await self._advance(running)
        await self._tell_all(running)
        return self._now(seat.room_id)

    async def _act(self, running: Running, actor: Actor, seat: Seat, message: RecordAct) -> None:
        match message.act:
            case "agree" | "decline":
                await self._answer(running, actor, seat, message)
            case "withdraw":
                await self._withdraw(running, actor, seat)
            case "stop" if seat.role == "guest":
                raise Forbidden("This is for someone else to do.")
            case "stop":
                await self._end(running, RecordingEnd.STOPPED, by=seat.participant_id, actor=actor)
            case "ready":
                running.ready.add(seat.pid)
                await self._advance(running)

    async def _answer(self, running: Running, actor: Actor, seat: Seat, message: RecordAct) -> None:
        async with transaction(self._files.sessions, actor) as session:
            said = await recordings.answer_recording(
                session,
                actor,
                consult_id=running.consult_id,
                recording_id=running.id,
                agrees=message.act == "agree",
                patient=_agreement(message.patient),
            )
        if said.agreed:
            running.agreed[seat.pid] = seat.participant_id
            await self._tell_all(running)
            await self._advance(running)
        else:
            await self._end(running, RecordingEnd.DECLINED, by=seat.participant_id, actor=actor)

    async def _withdraw(self, running: Running, actor: Actor, seat: Seat) -> None:
        if seat.pid not in running.agreed:
            raise Invalid({"act": "There is nothing to withdraw."})
        running.is_refused = True
        _halt(running)
        try:
            async with transaction(self._files.sessions, actor) as session:
                await recordings.withdraw_from_recording(
                    session, actor, consult_id=running.consult_id, recording_id=running.id
                )
        finally:
            await self._end(running, RecordingEnd.WITHDRAWN, by=seat.participant_id, actor=actor)

    async def _advance(self, running: Running) -> None:
        """Do what is to be done, as things stand now."""
        async with running.turn:
            if self._is_over(running):
                return
            seats = self._seats(running)
            present = {seat.pid for seat in seats}
            if all(seat.role == "guest" for seat in seats):
                self._later(self._end(running, RecordingEnd.LEFT))
            elif not present <= running.agreed.keys():
                await self._pause(running)
            elif running.phase in ("asked", "paused") and self._doctor_agrees(running, seats):
                await self._get_ready(running)
            elif running.phase == "starting" and self._is_ready(running, present):
                await self._begin(running, present)

    async def _pause(self, running: Running) -> None:
        _halt(running)
        was_running, recorder = running.phase == "recording", running.recorder
        running.phase, running.recorder = "paused" if running.since is not None else "asked", None
        if recorder is not None:
            self._later(recorder.stop())
        await self._tell_all(running)
        if was_running:
            async with transaction(self._files.sessions, SYSTEM) as session:
                await recordings.pause_recording(session, recording_id=running.id)

    async def _get_ready(self, running: Running) -> None:
        running.phase, running.ready = "starting", set()
        await self._tell_all(running)
        await self._through.ask_for_server(running.room_id, True)
        self._later(self._watch(running))

    def _doctor_agrees(self, running: Running, seats: list[Seat]) -> bool:
        """Who speaks for the patient has done so: the first time they must be there."""
        return running.since is not None or any(seat.role == "requester" for seat in seats)

    def _is_ready(self, running: Running, present: set[uuid.UUID]) -> bool:
        forwarder = self._through.forwarder_of(running.room_id)
        is_server = self._through.path_of(running.room_id).way == "server"
        return (
            is_server
            and forwarder is not None
            and present <= running.ready
            and all(forwarder.is_open(pid) for pid in present)
        )

    async def _begin(self, running: Running, present: set[uuid.UUID]) -> None:
        forwarder = self._through.forwarder_of(running.room_id)
        assert forwarder is not None, "ready"
        try:
            async with transaction(self._files.sessions, SYSTEM) as session:
                there = {id for pid, id in running.agreed.items() if id is not None and pid in present}
                await recordings.begin_recording(session, recording_id=running.id, present=there)
        except Refused:  # the log of consents does not say what we thought it did
            self._failed(running)
            return
        if self._is_over(running):
            return  # somebody ended it meanwhile
        running.phase, running.since = "recording", running.since or now()
        await self._tell_all(running)
        # Time went by since we looked. From here to the recorder's start there is no await.
        if self._is_over(running):
            return
        if not {seat.pid for seat in self._seats(running)} <= running.agreed.keys():
            await self._pause(running)
            return
        running.recorder = self._recorder(running, forwarder)
        running.recorder.start()

    def _is_over(self, running: Running) -> bool:
        """Whether it has ended, or is about to."""
        return running.is_refused or self._running.get(running.room_id) is not running

    def _seats(self, running: Running) -> list[Seat]:
        return [sitting.seat for sitting in self._sittings_in(running.room_id)]

    def _recorder(self, running: Running, forwarder: Forwarder) -> Recorder:
        return Recorder(
            self._files,
            forwarder,
            recording_id=running.id,
            pids=running.agreed,
            participants={pid: id for pid, id in running.agreed.items() if id is not None},
            failed=lambda: self._failed(running),
            name_of=lambda pid, stream: self._name_of(running.room_id, pid, stream),
        )

    def _failed(self, running: Running) -> None:
        self._later(self._end(running, RecordingEnd.FAILED))

    def _name_of(self, room_id: uuid.UUID, pid: uuid.UUID, stream: str) -> str:
        seat = next((one.seat for one in self._sittings_in(room_id) if one.seat.pid == pid), None)
        return next((one.what for one in seat.streams if one.id == stream), "main") if seat else "main"

    async def _watch(self, running: Running) -> None:
        """See that it starts in time, and that what is recorded goes on coming by the server."""
        deadline = time.monotonic() + STARTS_WITHIN
        while running.phase in ("starting", "recording") and self._running.get(running.room_id) is running:
            if self._has_failed(running, deadline):
                log.warning("recording.cannot_go_on", recording=str(running.id))
                await self._end(running, RecordingEnd.FAILED)
                return
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._advance(running)
            except Exception as error:  # the next look may go better; who looks must go on looking
                log.exception("recording.not_advanced", recording=str(running.id), error=type(error).__name__)

    def _has_failed(self, running: Running, deadline: float) -> bool:
        if running.phase == "starting":
            return time.monotonic() > deadline
        return self._through.path_of(running.room_id).way != "server"

    async def _end(
        self, running: Running, why: RecordingEnd, *, by: uuid.UUID | None = None, actor: Actor = SYSTEM
    ) -> None:
        _halt(running)
        if self._running.get(running.room_id) is not running:
            return
        del self._running[running.room_id]
        try:
            async with running.turn:
                if running.recorder is not None:
                    running.recorder.stop_taking()
                await self._tell("recording", RecordingNow(None, why.value), to=room_name(running.room_id))
                async with transaction(self._files.sessions, SYSTEM) as session:
                    await recordings.end_recording(
                        session, recording_id=running.id, why=why, days=self._files.days, by=by, actor=actor
                    )
        except Exception as error:  # whoever asks next ends it in the records
            log.exception("recording.end_not_written", recording=str(running.id), error=type(error).__name__)
        finally:
            if running.recorder is not None:
                self._later(running.recorder.stop())
            await self._through.ask_for_server(running.room_id, False)

    def _now(self, room_id: uuid.UUID) -> RecordingNow:
        running = self._running.get(room_id)
        if running is None:
            return RecordingNow()
        present = {sitting.seat.pid for sitting in self._sittings_in(room_id)}
        return RecordingNow(
            RecordingState(
                id=running.id,
                phase=running.phase,
                by=running.by,
                asker=running.asker,
                agreed=tuple(sorted(running.agreed)),
                awaited=tuple(sorted(present - running.agreed.keys())),
                since=running.since,
            )
        )

    async def _tell_all(self, running: Running) -> None:
        if self._running.get(running.room_id) is not running:
            return  # all have been told that it is over
        await self._tell("recording", self._now(running.room_id), to=room_name(running.room_id))

    def _later(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _halt(running: Running) -> bool:
    """Write down nothing more; whether something was."""
    recorder = running.recorder
    if recorder is None or running.phase != "recording":
        return False
    recorder.stop_taking()
    return True


def _agreement(word: PatientWord | None) -> PatientAgrees | None:
    return PatientAgrees(ConsentBasis(word.by), word.name or "") if word is not None else None
