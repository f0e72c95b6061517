"""Which seat somebody takes who comes into a room, and how the others there look from it."""

import uuid
from collections.abc import Iterable

from signaling.negotiation import is_polite
from signaling.presence import Seat, Sitting
from signaling.protocol import Join, Peer, RoomState
from signaling.protocol_chat import ChatFile, ChatLine
from teleconsult.encounters import queries as encounters
from teleconsult.encounters.models import ChatMessage
from teleconsult.encounters.queries import RoomSession
from teleconsult.errors import NotFound
from teleconsult.meetings.sitting import Place, Table

NOBODY = uuid.UUID(int=0)


def seat_for(
    message: Join, live: RoomSession | None, table: Table | None, *, role_id: uuid.UUID | None, is_in_call: bool
) -> Seat:
    """The seat of who comes: in the consult's own room, or in the call of the meeting that it is a case of.

    A member of the meeting is the same to the others through all of its cases. Raises NotFound for who has neither a
    place at the table nor a seat in the session.
    """
    place = _place(table, role_id)
    if live is None and place is None:
        raise NotFound
    return Seat(
        room_id=table.meeting_id if table is not None and is_in_call else _consult(live),
        pid=place.id if place is not None else _mine(live).participant.id,
        page=message.page,
        name=place.name if live is None and place is not None else _mine(live).name,
        role="member" if live is None else live.mine.part,
        audio=message.audio,
        video=message.video,
        streams=message.streams or (),
        consult_id=live.consult_id if live is not None else None,
        participant_id=live.mine.participant.id if live is not None else None,
        stays=message.meeting is not None,
    )


def others_of(seat: Seat, live: RoomSession | None, table: Table | None, there: Iterable[Sitting]) -> tuple[Peer, ...]:
    """Everyone else who may be in that call, there or not: its members, who belongs to the case, whoever is there."""
    expected: dict[uuid.UUID, Seat] = {}
    if table is not None and seat.room_id == table.meeting_id:
        expected = {one.id: _absent(seat.room_id, one.id, one.name, "member") for one in table.members.values()}
    for other in live.seats if live is not None else ():
        place = _place(table, other.participant.practitioner_role_id)
        pid = place.id if place is not None else other.participant.id
        expected[pid] = _absent(seat.room_id, pid, other.name, other.part)
    present = {sitting.seat.pid: sitting.seat for sitting in there}
    people = {**expected, **present}
    return tuple(
        peer_of(seat.pid, one, present=pid in present) for pid, one in sorted(people.items()) if pid != seat.pid
    )


def peer_of(viewer: uuid.UUID, seat: Seat, *, present: bool) -> Peer:
    """Somebody as another one sees them."""
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


def lines_as_told(written: list[tuple[ChatMessage, str]]) -> tuple[ChatLine, ...]:
    """The chat as it travels."""
    return tuple(
        ChatLine(line.id, line.participant_id, name, line.text, line.sent_at, _file(line)) for line, name in written
    )


def state_of(live: RoomSession | None) -> RoomState:
    """How a session stands; between two cases of a meeting there is none."""
    if live is None or live.encounter.started_at is None:
        return "waiting"
    return "live" if live.encounter.ended_at is None else "ended"


def _place(table: Table | None, role_id: uuid.UUID | None) -> Place | None:
    return table.members.get(role_id) if table is not None and role_id is not None else None


def _consult(live: RoomSession | None) -> uuid.UUID:
    if live is None:
        raise NotFound
    return live.consult_id


def _mine(live: RoomSession | None) -> encounters.Seat:
    if live is None:
        raise NotFound
    return live.mine


def _absent(room_id: uuid.UUID, pid: uuid.UUID, name: str, part: encounters.Part) -> Seat:
    return Seat(room_id, pid, NOBODY, name, part, audio=False, video=False)


def _file(line: ChatMessage) -> ChatFile | None:
    return ChatFile(line.file_kind.value, line.file_size or 0) if line.file_kind else None
