"""One room of Janus' video room plugin: what somebody sends goes up by one line, each person they get comes by another.

Janus takes offers of who sends, and offers to who receives: so for each person somebody wants to get there is a
connection of its own, made once and never negotiated again. Where what that person sends has changed, another is made
in its place. https://janus.conf.meetecho.com/docs/videoroom.html.
"""

import asyncio
import contextlib
import re
import secrets
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from signaling.ladder import RUNGS
from signaling.media.janus_line import Handle, JanusError, JanusRefused, JanusSession, Reply
from signaling.media.member import SOUND, Wanted
from signaling.media.offering import LARGEST_OFFER, BadOffer, Section, read_offer

MOST_MEMBERS: Final = 16
MOST_A_PICTURE: Final = max(rung.picture.bitrate for rung in RUNGS if rung.picture)
"""bit/s of the ladder's best pictures: no sender is told of more (REMB)."""
LONGEST_NUMBER: Final = 1 << 53
"""JSON keeps whole numbers up to here."""

_KEPT: Final = re.compile(
    r"[vostcm]=|a=(?:group:BUNDLE |mid:|msid|ice-ufrag:|ice-pwd:|setup:|fingerprint:|extmap:|rtpmap:|fmtp:|rtcp-fb:"
    r"|rtcp-mux|rtcp-rsize|ssrc:|ssrc-group:|ptime:|sendonly$|recvonly$|sendrecv$|inactive$)"
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to get a person."""

    with_video: bool
    after: int
    """By a connection with a higher number than this: that one is broken."""


@dataclass(frozen=True, slots=True)
class Made:
    """An offer of Janus' to a viewer, and what each m-line (mid) of it carries."""

    sender: uuid.UUID
    number: int
    """Of the connection: each that is made for these two has a higher one."""
    sdp: str
    carries: Mapping[str, Section]


@dataclass(slots=True)
class _Up:
    """What somebody sends, over one connection."""

    handle: Handle
    feed: int
    ufrag: str
    sections: dict[str, Section] = field(default_factory=dict)


@dataclass(slots=True)
class _Down:
    """A person as somebody gets them, over one connection."""

    handle: Handle
    of: tuple[int, frozenset[tuple[str, str]]]
    made: Made
    before: Handle | None = None
    """Of the connection in whose place it came, until it is open."""
    is_answered: bool = False


@dataclass(slots=True)
class _Member:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """What is done for them is done one after the other."""
    up: _Up | None = None
    coming: _Up | None = None
    """Their next connection, until it is open."""
    wishes: Mapping[uuid.UUID, Wish] = field(default_factory=dict)
    downs: dict[uuid.UUID, _Down] = field(default_factory=dict)
    number: int = 0


class JanusRoom:
    """One room."""

    def __init__(
        self,
        session: JanusSession,
        key: str,
        *,
        offered: Callable[[uuid.UUID, Made], Awaitable[None]],
        failed: Callable[[], None],
    ) -> None:
        """`key`: what Janus demands of who makes a room. `offered` hears what is offered to whom; `failed`, that Janus
        does not do what it should.
        """
        self._session, self._offered, self._failed = session, offered, failed
        self._named: dict[str, Any] = {"room": secrets.randbelow(LONGEST_NUMBER - 1) + 1, "pin": secrets.token_hex(16)}
        self._secret, self._key = secrets.token_hex(16), key
        self._made: Handle | None = None
        self._making = asyncio.Lock()
        self._members: dict[uuid.UUID, _Member] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def offer(self, pid: uuid.UUID, sdp: str, _wants: Mapping[str, Wanted] | None = None) -> str:
        """The answer to what a member's browser offers to send. Raises BadOffer, or JanusError."""
        offer = read_offer(sdp)
        if self._is_closed or (pid not in self._members and len(self._members) >= MOST_MEMBERS):
            raise BadOffer("the room is full, or over")
        ufrag = offer.ice.usernameFragment or ""
        member = self._members.setdefault(pid, _Member())
        async with member.turn:
            if self._members.get(pid) is not member:
                raise BadOffer("they left meanwhile")
            up = next((one for one in (member.up, member.coming) if one and one.ufrag == ufrag), None)
            up = up or await self._enter(pid, member, ufrag)
            sections = {mid: one for mid, one in offer.sections.items() if one.is_up}
            pictures = sum(one.kind == "video" for one in sections.values())
            bitrate = max(1, pictures) * MOST_A_PICTURE + SOUND
            try:
                told = await up.handle.ask("configure", offer=_cleaned(sdp), bitrate=bitrate)
            except JanusRefused as error:
                raise BadOffer(str(error)) from error
            up.sections = sections
        self._look(pid)
        return told.sdp

    async def want(self, pid: uuid.UUID, wishes: Mapping[uuid.UUID, Wish]) -> None:
        """Whom somebody wants to get from now on, all of them. What was offered and not answered is offered again."""
        if self._is_closed or (pid not in self._members and len(self._members) >= MOST_MEMBERS):
            return
        member = self._members.setdefault(pid, _Member())
        member.wishes = {sender: wish for sender, wish in wishes.items() if sender != pid}
        for down in list(member.downs.values()):
            if not down.is_answered and down.made.sender in member.wishes:
                await self._offered(pid, down.made)
        self._later(self._fit(pid, member))

    async def answer(self, pid: uuid.UUID, sender: uuid.UUID, number: int, sdp: str) -> bool:
        """Take a browser's answer; whether there is such an offer. Raises BadOffer, or JanusError."""
        member = self._members.get(pid)
        down = member.downs.get(sender) if member is not None else None
        if down is None or down.made.number != number:
            return False
        if not down.is_answered:
            answer, down.is_answered = _cleaned(sdp), True
            try:
                await down.handle.ask("start", answer=answer)
            except JanusRefused as error:
                raise BadOffer(str(error)) from error
        return True

    async def leave(self, pid: uuid.UUID) -> None:
        """Take a member out: nothing comes from them or to them any more. Twice changes nothing."""
        member = self._members.pop(pid, None)
        if member is None:
            return
        # First: they may be back, and got anew, before it is their turn.
        downs = [other.downs.pop(pid) for other in self._members.values() if pid in other.downs]
        async with member.turn:
            ups = [up for up in (member.up, member.coming) if up]
            downs += member.downs.values()
            member.up = member.coming = None
            member.downs.clear()
        await asyncio.gather(*(up.handle.detach() for up in ups), *map(_end, downs))

    async def close(self) -> None:
        """Take everybody out and end the room, for good."""
        self._is_closed = True
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.wait(self._working)
        for pid in list(self._members):
            await self.leave(pid)
        if self._made is not None:
            with contextlib.suppress(JanusError):
                await self._made.ask("destroy", secret=self._secret, **self._named)
            await self._made.detach()

    async def _enter(self, pid: uuid.UUID, member: _Member, ufrag: str) -> _Up:
        """Another connection to send by; the one before goes on until it is open."""
        await self._make()
        feed = secrets.randbelow(LONGEST_NUMBER - 1) + 1
        handle, _ = await self._begun("join", ptype="publisher", id=feed, **self._named)
        up = _Up(handle, feed, ufrag)
        handle.noticed = lambda what: self._noticed(pid, member, up, what)
        before, member.coming = member.coming, up
        if before is not None:
            self._later(before.handle.detach())
        return up

    def _noticed(self, pid: uuid.UUID, member: _Member, up: _Up, what: str) -> None:
        if what == "webrtcup" and member.coming is up:
            before, member.up, member.coming = member.up, up, None
            if before is not None:
                self._later(before.handle.detach())
        elif what != "webrtcup" and member.up is up:
            member.up = None
        elif what != "webrtcup" and member.coming is up:
            member.coming = None
        self._look(pid)

    def _look(self, sender: uuid.UUID) -> None:
        """What somebody sends may have changed: see to who wants it."""
        for pid, member in self._members.items():
            if sender in member.wishes:
                self._later(self._fit(pid, member))

    async def _fit(self, pid: uuid.UUID, member: _Member) -> None:
        """Have a member get what they want, as far as it is there."""
        async with member.turn:
            if self._members.get(pid) is not member:
                return
            for sender in [sender for sender in member.downs if sender not in member.wishes]:
                await _end(member.downs.pop(sender))
            for sender, wish in member.wishes.items():
                try:
                    await self._subscribe(pid, member, sender, wish)
                except JanusRefused as error:  # whom they want has just gone, or is not quite there
                    log.info("janus.refused", why=str(error))

    async def _subscribe(self, pid: uuid.UUID, member: _Member, sender: uuid.UUID, wish: Wish) -> None:
        sending = self._members.get(sender)
        up, before = sending.up if sending is not None else None, member.downs.get(sender)
        if up is None:
            return  # what is there of them ends by itself, or goes on when they are back
        sections = {mid: one for mid, one in up.sections.items() if wish.with_video or one.kind == "audio"}
        of = up.feed, frozenset((mid, one.stream) for mid, one in sections.items())
        if not sections or (before is not None and before.of == of and before.made.number > wish.after):
            return
        streams = [{"feed": up.feed, "mid": mid} for mid in sections]
        handle, told = await self._begun("join", ptype="subscriber", autoupdate=False, streams=streams, **self._named)
        carries = {
            str(stream["mid"]): sections[str(stream["feed_mid"])]
            for stream in told.data.get("streams", ())
            if str(stream.get("feed_mid")) in sections
        }
        if self._members.get(sender) is not sending:  # they left meanwhile
            await handle.detach()
            return
        member.number = max(member.number, wish.after) + 1
        down = _Down(handle, of, Made(sender, member.number, told.sdp, carries))
        handle.noticed = lambda what: self._came(down, what)
        if before is not None:
            down.before = before.handle
            if before.before is not None:
                self._later(before.before.detach())
        member.downs[sender] = down
        await self._offered(pid, down.made)

    def _came(self, down: _Down, what: str) -> None:
        """A connection is open: the one in whose place it came may go."""
        if what == "webrtcup" and down.before is not None:
            before, down.before = down.before, None
            self._later(before.detach())

    async def _make(self) -> None:
        async with self._making:
            if self._made is not None:
                return
            self._made, _ = await self._begun(
                "create",
                **self._named,
                **({"admin_key": self._key} if self._key else {}),
                secret=self._secret,
                is_private=True,
                permanent=False,
                publishers=2 * MOST_MEMBERS,  # a connection and the next one
                bitrate=MOST_A_PICTURE + SOUND,
                audiocodec="opus",
                videocodec="vp8",
                audiolevel_ext=False,
                notify_joining=False,
                record=False,
                lock_record=True,
            )

    async def _begun(self, request: str, **body: Any) -> tuple[Handle, Reply]:
        """Another line at the video room, and the answer to the first that is asked by it. Raises JanusError."""
        handle = await self._session.attach()
        try:
            return handle, await handle.ask(request, **body)
        except JanusError:
            await handle.detach()
            raise

    def _later(self, work: Coroutine[None, None, None]) -> None:
        async def done() -> None:
            try:
                await work
            except JanusError as error:
                log.warning("janus.failed", why=str(error))
                self._failed()

        task = asyncio.create_task(done())
        self._working.add(task)
        task.add_done_callback(self._working.discard)


async def _end(down: _Down) -> None:
    await asyncio.gather(*(handle.detach() for handle in (down.handle, down.before) if handle is not None))


def _cleaned(sdp: str) -> str:
    """What Janus has a use for. Without the addresses a browser names: it finds Janus, and nothing is sent to where a
    stranger points. Raises BadOffer.
    """
    if len(sdp) > LARGEST_OFFER or not sdp.startswith("v=0"):
        raise BadOffer("no description, or too long")
    return "".join(f"{line}\r\n" for line in sdp.splitlines() if _KEPT.match(line))
