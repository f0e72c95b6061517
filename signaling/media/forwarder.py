"""A room whose media pass through us: what one sends the others get, packet by packet, never decoded.

Each browser has one line to us and always offers. It names, for each m-line it only receives on, whose track it wants;
the track need not be there yet, and may come back over another connection: it goes on on the same m-line.

Who offers with another connection (another ufrag) while the first is open gets both for a while: the others see the old
one until the new one is open. That is how a change of address heals (RFC 8445 would restart ICE, which aiortc cannot).

Who sends one picture in two sizes offers them as two m-lines of one MediaStream, the better first.
"""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Final, Protocol

import structlog
from aiortc import RTCCertificate

from signaling.media.line import LineState
from signaling.media.member import Member, Wanted, Watchers
from signaling.media.offering import BadOffer, read_offer
from signaling.media.reach import Reach
from signaling.media.source import Source
from signaling.media.view import View

__all__ = ["BadOffer", "Forwarder", "LineState", "Listener", "Reach", "Source", "Wanted"]

TICK: Final = 0.05
"""Seconds between two feedbacks."""
REPORT_EVERY: Final = 20  # ticks
MOST_MEMBERS: Final = 16

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Who hears of every track of a room: a recorder. Not to wait, nor to raise."""

    def came(self, pid: uuid.UUID, source: Source) -> None:
        """A track is there; `source.sinks.append(…)` gets its packets."""

    def went(self, pid: uuid.UUID, source: Source) -> None:
        """Nothing more will come of it; another may come in its place, over another connection."""


class Forwarder:
    """One room."""

    def __init__(
        self,
        *,
        line_changed: Callable[[uuid.UUID, LineState], None] = lambda _pid, _state: None,
        reach: Reach | None = None,
    ) -> None:
        """`line_changed` hears of the connection that a participant has, not of one that another took the place of.

        `reach`: where this server's media are reached; None: at any port of its own addresses.
        """
        self._certificate = RTCCertificate.generateCertificate()
        self._line_changed, self._reach = line_changed, reach or Reach()
        self._members: dict[uuid.UUID, Member] = {}
        self._coming: dict[uuid.UUID, Member] = {}
        """A participant's next connection, until it is open."""
        self._listeners: list[Listener] = []
        self._told: dict[Source, uuid.UUID] = {}
        self._turns: dict[uuid.UUID, asyncio.Lock] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def offer(self, pid: uuid.UUID, sdp: str, wants: Mapping[str, Wanted]) -> str:
        """Our answer to what a member's browser offers; `wants` by m-line (mid). Raises BadOffer."""
        offer = read_offer(sdp)
        async with self._turns.setdefault(pid, asyncio.Lock()):
            if self._is_closed or (pid not in self._members and len(self._members) >= MOST_MEMBERS):
                raise BadOffer("the room is full, or over")
            if self._ticking is None:
                self._ticking = asyncio.create_task(self._tick())
            there = (self._members.get(pid), self._coming.get(pid))
            member = next((one for one in there if one is not None and one.is_of(offer)), None) or self._enter(pid)
            answered = await member.negotiate(offer, wants)
        self._rewire()
        if member.line.is_open:
            member.ask_key_frames()
        return answered

    async def leave(self, pid: uuid.UUID) -> None:
        """Take a member out. Twice changes nothing."""
        async with self._turns.setdefault(pid, asyncio.Lock()):
            gone = [one for one in (self._members.pop(pid, None), self._coming.pop(pid, None)) if one is not None]
            self._rewire()
            for member in gone:
                await member.line.close()

    async def close(self) -> None:
        """Take everybody out, for good."""
        self._is_closed = True
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait({self._ticking})
        for pid in list(self._members):
            await self.leave(pid)
        if self._closing:
            await asyncio.wait(self._closing)

    def is_open(self, pid: uuid.UUID) -> bool:
        """Whether media of and to this member pass."""
        member = self._members.get(pid)
        return member is not None and member.line.is_open

    def listen(self, listener: Listener) -> None:
        """Tell it of every track that is there and of all that come."""
        self._listeners.append(listener)
        for source, pid in self._told.items():
            listener.came(pid, source)

    def unlisten(self, listener: Listener) -> None:
        """Tell it nothing more. Its sinks are its own to take out."""
        self._listeners.remove(listener)

    def ask_key_frame(self, source: Source) -> None:
        """Have whoever sends it begin the picture anew, not more often than three times a second."""
        for member in self._members.values():
            if member.source(source.ssrc) is source:
                member.ask_for_key_frame(source)

    def _enter(self, pid: uuid.UUID) -> Member:
        member = Member(
            pid,
            certificate=self._certificate,
            reach=self._reach,
            changed=self._changed,
            ask_key_frame=self.ask_key_frame,
        )
        before = self._members.get(pid)
        if before is not None and before.line.is_open:
            waiting = self._coming.pop(pid, None)
            if waiting is not None:
                self._later(waiting.line.close())
            self._coming[pid] = member
            return member
        if before is not None:
            self._later(before.line.close())
        self._members[pid] = member
        return member

    def _changed(self, member: Member, state: LineState) -> None:
        if state is LineState.CONNECTED:
            self._came_open(member)
        else:
            self._later(member.line.close())
            self._went(member, state)

    def _came_open(self, member: Member) -> None:
        pid = member.pid
        if self._coming.get(pid) is member:
            before, self._members[pid] = self._members.get(pid), self._coming.pop(pid)
            if before is not None:
                self._later(before.line.close())
            self._rewire()
        if self._members.get(pid) is member:
            member.ask_key_frames()
            for source in member.sources.values():
                if member.watchers_of(source.ssrc):
                    member.ask_for_key_frame(source)
            self._line_changed(pid, LineState.CONNECTED)

    def _went(self, member: Member, state: LineState) -> None:
        pid = member.pid
        if self._coming.get(pid) is member:
            del self._coming[pid]
        elif self._members.get(pid) is member:
            coming = self._coming.pop(pid, None)
            if coming is not None:
                self._members[pid] = coming
            else:
                del self._members[pid]
            self._rewire()
            if coming is None:
                self._line_changed(pid, state)

    def _rewire(self) -> None:
        """Say anew who gets what: after each offer, and when somebody came or left."""
        for viewer in self._members.values():
            for mid, view in viewer.views.items():
                wanted = viewer.wants[mid]
                view.show(self._layers(wanted), is_small=wanted.is_small)
        for member in self._members.values():
            member.watched_by(self._watchers(member))
        self._tell_listeners()

    def _layers(self, wanted: Wanted) -> list[Source]:
        member = self._members.get(wanted.pid)
        of_kind = [one for one in member.sources.values() if one.kind == wanted.kind] if member is not None else []
        stream = wanted.stream or (of_kind[0].stream if of_kind else "")
        layers = [one for one in of_kind if one.stream == stream]
        return layers if stream and wanted.kind == "video" else layers[:1]

    def _watchers(self, member: Member) -> Watchers:
        watchers: dict[int, list[tuple[Member, View]]] = {}
        for viewer in self._members.values():
            for mid, view in viewer.views.items():
                if viewer.wants[mid].pid == member.pid:
                    for source in self._layers(viewer.wants[mid]):
                        watchers.setdefault(source.ssrc, []).append((viewer, view))
        return watchers

    def _tell_listeners(self) -> None:
        there = {source: pid for pid, member in self._members.items() for source in member.sources.values()}
        gone = {source: pid for source, pid in self._told.items() if source not in there}
        come = {source: pid for source, pid in there.items() if source not in self._told}
        self._told = there
        for listener in self._listeners:
            for source, pid in gone.items():
                listener.went(pid, source)
            for source, pid in come.items():
                listener.came(pid, source)

    def _later(self, closing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(TICK)
            count += 1
            for member in list(self._members.values()):
                try:
                    member.tell_arrivals()
                    if count % REPORT_EVERY == 0:
                        member.measure(REPORT_EVERY * TICK)
                        member.tell_reports()
                except Exception:  # one member's packets must not end the feedback of all
                    log.exception("no feedback", pid=str(member.pid))
