"""Every message of the live room, of looking together and of the worklist: the one source of the wire.

`docs/protocol.md` tells when each is sent. `python -m signaling.protocol` writes the browser's types to
`web/assets/protocol.gen.ts`. People are named by participant ids (`EncounterParticipant.id`), never by a
socket's: a participant stays the same through every reconnect. Names inside a description or a candidate
are the W3C's.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from signaling.protocol_chat import ChatLine, Say
from signaling.protocol_keys import Commit, CommitmentOf, Commitments, KeyFor, KeyOf, Reveal, RevealOf
from signaling.protocol_looking import Come, Follow, Go, Look, Marks, Point, Present, Seen, Together, Welcome
from signaling.protocol_manners import Hand, HandOf, Hush, HushOf
from signaling.protocol_net import Net, NetOf, Piece, PieceOf
from signaling.protocol_recall import Beat, EventNumber, Missed, SessionLog
from signaling.protocol_recording import RecordAct, RecordingNow
from signaling.protocol_through import (
    Answered,
    Known,
    Offered,
    Path,
    PathNumber,
    PathTried,
    Through,
    ThroughAnswer,
    Wants,
)
from signaling.wire import Size
from teleconsult.access import Permission

MOST_STREAMS: Final = 6
"""What one person sends at once: face, wound, microscope, screen, stethoscope."""
_STREAM_ID: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}")

Role = Literal["requester", "specialist", "member", "guest"]
RoomState = Literal["waiting", "live", "ended"]
Change = Literal["joined", "lost", "left"]
ByeReason = Literal["elsewhere", "signed-out", "ended"]
ErrorCode = Literal[
    "invalid",
    "not-found",
    "not-open",
    "not-admitted",
    "not-joined",
    "not-presenting",
    "gone",
    "too-many",
    "signed-out",
    "failed",
]
What = Literal["consult", "encounter", "ring", "notice", "arrival", "everything"]
StreamKind = Literal["main", "camera", "screen", "stethoscope"]


@dataclass(frozen=True, slots=True)
class Description:
    """An SDP offer or answer (RTCSessionDescriptionInit)."""

    type: Literal["offer", "answer"]
    sdp: Annotated[str, Size(1, 60_000)]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate (RTCIceCandidateInit); an empty `candidate` ends the list."""

    candidate: Annotated[str, Size(0, 1_000)]
    sdpMid: Annotated[str, Size(0, 100)] | None = None
    sdpMLineIndex: Annotated[int, Size(0, 100)] | None = None
    usernameFragment: Annotated[str, Size(0, 256)] | None = None


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server (RTCIceServer)."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """One of the things somebody sends: the id of their MediaStream (RFC 8830 §2), and what it shows or sounds."""

    id: Annotated[str, Size(1, 64)]
    what: StreamKind
    name: Annotated[str, Size(1, 60)] | None = None  # what its sender calls it: Ultrasound

    def __post_init__(self) -> None:
        if not _STREAM_ID.fullmatch(self.id):
            raise ValueError("id is none of a stream")


Streams = Annotated[tuple[Stream, ...], Size(0, MOST_STREAMS)]


def _each_once(streams: tuple[Stream, ...] | None) -> None:
    if streams and len({stream.id for stream in streams}) < len(streams):
        raise ValueError("streams names one twice")


@dataclass(frozen=True, slots=True)
class Peer:
    """Another participant, as the receiver of the message sees them."""

    pid: uuid.UUID
    name: str
    role: Role
    present: bool
    polite: bool  # whether the receiver gives way to this peer when two offers cross
    audio: bool
    video: bool
    streams: tuple[Stream, ...] = ()
    hand: bool = False
    page: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """Images that somebody shows to the other side at this moment: our id of the study, its UID, and who shows it."""

    study: uuid.UUID
    uid: str
    name: str


# From the browser, namespace /room.


@dataclass(frozen=True, slots=True)
class Join:
    """Enter the room of a consult, or a meeting's call; also after every reconnect. `page` is drawn once per page."""

    page: uuid.UUID
    audio: bool
    video: bool
    consult: uuid.UUID | None = None  # with `meeting`: the case whose log this page holds
    meeting: uuid.UUID | None = None
    streams: Streams | None = None
    path: Known | None = None
    room: uuid.UUID | None = None  # the call whose path that is
    since: EventNumber | None = None  # the last event of the session's log that this page holds

    def __post_init__(self) -> None:
        if self.consult is None and self.meeting is None:
            raise ValueError("one comes into the room of a consult or of a meeting")
        _each_once(self.streams)


@dataclass(frozen=True, slots=True)
class Signal:
    """A description or a candidate, for one peer."""

    to: uuid.UUID
    description: Description | None = None
    candidate: Candidate | None = None
    path: PathNumber | None = None  # by which path; each change of it makes new connections

    def __post_init__(self) -> None:
        if (self.description is None) == (self.candidate is None):
            raise ValueError("a signal carries a description or a candidate")


@dataclass(frozen=True, slots=True)
class Media:
    """Whether microphone and camera are on, and all that is sent; without `streams` that is what it was."""

    audio: bool
    video: bool
    streams: Streams | None = None

    def __post_init__(self) -> None:
        _each_once(self.streams)


@dataclass(frozen=True, slots=True)
class Ice:
    """Ask for fresh relay credentials, before ICE is restarted."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Go out for good (closing the page without it leaves the seat `lost`)."""


# Answers.


@dataclass(frozen=True, slots=True)
class Joined:
    """Everything a page needs to begin the call."""

    pid: uuid.UUID
    state: RoomState
    peers: tuple[Peer, ...]
    ice: tuple[IceServer, ...]
    chat: tuple[ChatLine, ...]
    log: SessionLog
    now: datetime
    path: Path
    room: uuid.UUID  # whose call it is: a consult's, or a meeting's
    consult: uuid.UUID | None = None  # what is talked about; a meeting may discuss no case now
    writes_as: uuid.UUID | None = None  # the `sender` of the reader's own lines in that consult's chat
    started_at: datetime | None = None
    showing: Showing | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The message was taken."""

    ok: Literal["yes"] = "yes"


@dataclass(frozen=True, slots=True)
class FreshIce:
    """STUN and TURN servers with credentials good for the next minutes."""

    ice: tuple[IceServer, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The message was not taken, and why."""

    error: ErrorCode


# From the server, namespace /room.


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """A participant came (or came back), dropped out or left."""

    peer: Peer
    change: Change


@dataclass(frozen=True, slots=True)
class SignalFrom:
    """A description or a candidate of a peer's."""

    sender: uuid.UUID
    description: Description | None = None
    candidate: Candidate | None = None
    path: int | None = None


@dataclass(frozen=True, slots=True)
class MediaOf:
    """A peer switched microphone or camera, or sends something more or less."""

    sender: uuid.UUID
    audio: bool
    video: bool
    streams: tuple[Stream, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """The session began, or is over."""

    state: RoomState
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A guest who waits at the door may come in: join again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The team meeting went on: join again. `consult` is what the receiver hears of now; nothing between two cases."""

    consult: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class GuestsChanged:
    """A guest came to the door, went, was invited or turned out: look at the list again."""


@dataclass(frozen=True, slots=True)
class ImagesShown:
    """The other side begins to show images, or shows none any more."""

    showing: Showing | None = None


@dataclass(frozen=True, slots=True)
class Bye:
    """This connection is out; it must not come back by itself."""

    reason: ByeReason


# From the server, namespace /worklist.


@dataclass(frozen=True, slots=True)
class Changed:
    """Something on the person's lists changed: look again. No clinical content travels here."""

    what: What
    stamp: datetime
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A message a browser may send, the answer it gets instead of a Refusal, and what one must be allowed for it."""

    message: type
    answer: type
    needs: Permission = Permission.SESSION_JOIN


FROM_CLIENT: Final[Mapping[str, Mapping[str, Ask]]] = {
    "/room": {
        "join": Ask(Join, Joined),
        "signal": Ask(Signal, Done),
        "media": Ask(Media, Done),
        "chat": Ask(Say, Done),
        "missed": Ask(Missed, SessionLog),
        "beat": Ask(Beat, Done),
        "hand": Ask(Hand, Done),
        "hush": Ask(Hush, Done),
        "ice": Ask(Ice, FreshIce),
        "net": Ask(Net, Done),
        "still": Ask(Piece, Done),
        "path": Ask(PathTried, Done),
        "through": Ask(Through, ThroughAnswer),
        "wants": Ask(Wants, Done),
        "answer": Ask(Answered, Done),
        "commit": Ask(Commit, Commitments),
        "reveal": Ask(Reveal, Done),
        "key": Ask(KeyFor, Done),
        "record": Ask(RecordAct, RecordingNow),
        "leave": Ask(Leave, Done),
    },
    "/looking": {
        "join": Ask(Come, Welcome, Permission.IMAGES_READ),
        "present": Ask(Present, Done, Permission.IMAGES_READ),
        "follow": Ask(Follow, Done, Permission.IMAGES_READ),
        "look": Ask(Look, Done, Permission.IMAGES_READ),
        "point": Ask(Point, Done, Permission.IMAGES_READ),
        "marks": Ask(Marks, Done, Permission.IMAGES_READ),
        "seen": Ask(Seen, Done, Permission.IMAGES_READ),
        "leave": Ask(Go, Done, Permission.IMAGES_READ),
    },
    "/worklist": {},
}

FROM_SERVER: Final[Mapping[str, Mapping[str, type]]] = {
    "/room": {
        "peer": PeerChanged,
        "signal": SignalFrom,
        "media": MediaOf,
        "net": NetOf,
        "still": PieceOf,
        "path": Path,
        "offer": Offered,
        "chat": ChatLine,
        "hand": HandOf,
        "hush": HushOf,
        "room": Room,
        "admitted": Admitted,
        "moved": Moved,
        "guests": GuestsChanged,
        "showing": ImagesShown,
        "commitment": CommitmentOf,
        "reveal": RevealOf,
        "key": KeyOf,
        "recording": RecordingNow,
        "bye": Bye,
    },
    "/looking": {"together": Together, "look": Look, "point": Point, "marks": Marks, "bye": Bye},
    "/worklist": {"changed": Changed, "bye": Bye},
}

LOGGED: Final = ("chat", "room")
"""What stands in a session's log (`log_event`): in `/room`, told with its number, and never lost."""


if __name__ == "__main__":
    from signaling.typescript import write

    write()
