"""Those who look at one study within one consult, and what they look at: the latest of it, in memory, no longer than
somebody is there.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from signaling.allowance import Allowance
from signaling.connection import Connection
from signaling.protocol import Showing
from signaling.protocol_looking import DrawnMark, Look, Looker, Looking, Marks, Point, Spot, Together
from teleconsult.clock import now
from teleconsult.imaging import looking

Key = tuple[uuid.UUID, uuid.UUID]
"""Consult and study."""

MOVES_A_SECOND: Final = 35
"""Of both kinds together: a page sends fifteen of each, and a few more at once."""
MOVES_AT_ONCE: Final = 60
UNSEEN: Final = 12
"""Moves on their way to one socket: two kilobytes, less than half a second of a line of 60 kbit/s."""
Move = Literal["look", "point", "marks"]


@dataclass(slots=True)
class Member:
    """A socket that looks at the study."""

    connection: Connection
    part: looking.Look
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    follows: bool = True
    sent: int = 0
    seen: int = 0
    held: dict[Move, Look | Point | Marks] = field(default_factory=dict)
    """What waits until they have seen more of what was sent: the newest of each kind."""
    moves: Allowance = field(default_factory=lambda: Allowance(a_second=MOVES_A_SECOND, burst=MOVES_AT_ONCE))

    @property
    def key(self) -> Key:
        """Which gathering they are of."""
        return self.part.consult_id, self.part.study_id

    @property
    def lags(self) -> bool:
        """Whether as much is on its way to them as may be."""
        return self.sent - self.seen >= UNSEEN

    def begin(self) -> None:
        """They are told where it stands: what counts is what comes after."""
        self.sent = self.seen = 0
        self.held.clear()


@dataclass(slots=True)
class Gathering:
    """One study, one consult."""

    study_uid: str
    frames: Mapping[tuple[str, str], int]
    members: dict[str, Member] = field(default_factory=dict)
    """By socket."""
    presenter: Member | None = None
    looking: Looking | None = None
    marks: tuple[DrawnMark, ...] = ()
    since: datetime | None = None

    def holds(self, place: Looking | Spot | DrawnMark) -> bool:
        """Whether the study has that frame."""
        return place.frame <= self.frames.get((place.series, place.sop), 0)

    def present(self, member: Member, looking: Looking) -> None:
        """They show what they look at; everybody follows until they let go."""
        if self.presenter is not member:
            self.marks = ()
        self.presenter, self.looking, self.since = member, looking, now()
        for each in self.members.values():
            each.follows = True
            each.held.clear()

    def stop(self) -> None:
        """Nobody shows anything."""
        self.presenter = self.looking = self.since = None
        self.marks = ()
        for each in self.members.values():
            each.held.clear()

    def together(self) -> Together:
        """Who is there, as it is told to all."""
        people = tuple(Looker(one.id, one.connection.actor.name, one.follows) for one in self.members.values())
        return Together(people, self.presenter.id if self.presenter else None)


class Gatherings:
    """Those of this process."""

    def __init__(self, *, most: int, most_members: int) -> None:
        self._most, self._most_members = most, most_members
        self._all: dict[Key, Gathering] = {}
        self._members: dict[str, Member] = {}

    def member(self, sid: str) -> Member | None:
        """Who looks at something by this socket."""
        return self._members.get(sid)

    def of(self, member: Member) -> Gathering:
        """The gathering a member is of."""
        return self._all[member.key]

    def is_full(self, key: Key) -> bool:
        """Whether nobody more can come."""
        gathering = self._all.get(key)
        return len(self._all) >= self._most if gathering is None else len(gathering.members) >= self._most_members

    def come(self, member: Member, opened: looking.OpenedStudy) -> Gathering:
        """Somebody more looks at a study; what is known of its frames is what was found just now."""
        gathering = self._all.setdefault(member.key, Gathering(opened.study.study_instance_uid, opened.frames))
        gathering.frames = opened.frames
        gathering.members[member.connection.sid] = member
        self._members[member.connection.sid] = member
        return gathering

    def go(self, member: Member) -> Gathering:
        """They look at it no longer; the last one takes everything along."""
        sid, gathering = member.connection.sid, self._all[member.key]
        del gathering.members[sid], self._members[sid]
        if gathering.presenter is member:
            gathering.stop()
        if not gathering.members:
            del self._all[member.key]
        return gathering

    def shown_in(self, consult_id: uuid.UUID) -> Iterator[tuple[Showing, Member]]:
        """What is shown within a consult at this moment and by whom, the newest first."""
        shown = [
            (gathering.since, gathering.study_uid, gathering.presenter)
            for (consult, _), gathering in self._all.items()
            if consult == consult_id and gathering.presenter is not None and gathering.since is not None
        ]
        for _since, uid, presenter in sorted(shown, key=lambda one: one[0], reverse=True):
            yield Showing(presenter.part.study_id, uid, presenter.connection.actor.name), presenter
