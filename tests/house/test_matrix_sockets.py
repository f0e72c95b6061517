"""Who may say what to the live server: every message × every person × wherever an id can stand in it.

As for addresses: a room, a participant or a line of chat of others must be answered like one that does not exist, and
nobody in the room may hear of it. Run with the application's filters and without, the database's own wall alone.
"""

import dataclasses
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from signaling import keeping
from signaling.protocol import FROM_CLIENT
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.conftest import SignIn
from tests.house.asking import Client, everything
from tests.house.world import PEOPLE, World
from tests.people import Cast
from tests.signaling.visitors import Visitor
from tests.web.test_hostile_requests import cookie_of

pytestmark = pytest.mark.matrix

IDS_OF: Final = {
    "join": ("consult",),
    "signal": ("to",),
    "chat": ("id",),
    "media": (),
    "hand": (),
    "hush": (),
    "ice": (),
    "net": (),
    "still": (),
    "path": (),
    "through": (),
    "wants": (),
    "answer": (),
    "record": ("recording",),
    "commit": (),
    "reveal": ("to",),
    "key": ("to",),
    "beat": (),
    "missed": (),
    "leave": (),
}
"""Where an id stands in each message. A message that is not here fails the build."""

MESSAGES: Final[dict[str, dict[str, Any]]] = {
    "join": {"page": str(uuid.UUID(int=5)), "audio": True, "video": True},
    "signal": {"description": {"type": "offer", "sdp": "v=0"}},
    "chat": {"text": "Hello?"},
    "media": {"audio": True, "video": True},
    "hand": {"raised": True},
    "hush": {},
    "ice": {},
    "net": {"rung": "240p", "why": "weak", "loss": 0, "concealed": 0, "up": 0, "down": 0, "silent": 0, "freezes": 0},
    "path": {"number": 1, "works": False},
    "through": {"sdp": "v=0", "wants": []},
    "wants": {"path": 1, "people": []},
    "answer": {"path": 1, "sender": str(uuid.UUID(int=6)), "number": 1, "sdp": "v=0"},
    "still": {"index": 0, "count": 1, "bytes": "/9j/"},
    "record": {"act": "agree"},
    "commit": {"seals": False},
    "reveal": {"card": "A" * 132},
    "key": {"number": 0, "sealed": "A" * 64},
    "beat": {},
    "missed": {"since": 0},
    "leave": {},
}
REFUSALS: Final = {"not-found", "not-joined"}


@dataclass
class Rooms:
    """The room of the booked consult with two people in it, and what stands there."""

    rural: Visitor
    specialist: Visitor
    ids: dict[str, str]
    """By place: of this room."""
    visit: Any


@pytest.fixture(autouse=True)
def resting_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody notes each half a minute who still sits there: the rows are compared afterwards."""
    monkeypatch.setattr(keeping, "EVERY", 3600.0)


@pytest.fixture
async def rooms(client: Client, signed_in: SignIn, world: World) -> AsyncIterator[Rooms]:
    """The rural doctor and the neurologist talk."""
    visitors: list[Visitor] = []

    async def visit(person: str) -> Visitor:
        await signed_in(person)
        headers = {"Cookie": f"session={cookie_of(client)}", "Sec-Fetch-Site": "same-origin"}
        visitors.append(Visitor(str(client.make_url("/")), namespace="/room", headers=headers))
        await visitors[-1].connect()
        return visitors[-1]

    consult = uuid.UUID(world["booked consult"].parts["id"])
    rural, specialist = await visit("rural"), await visit("specialist")
    seat = (await rural.join(consult))["pid"]
    await specialist.join(consult)
    line = str(uuid.uuid4())
    await rural.ask("chat", {"id": line, "text": "Blood pressure 80 over 50."})
    asked = (await rural.ask("record", {"act": "ask", "patient": {"by": "patient"}}))["recording"]
    ids = {"consult": str(consult), "to": seat, "id": line, "recording": asked["id"]}
    yield Rooms(rural, specialist, ids, visit)
    for visitor in visitors:
        await visitor.close()


def test_every_message_is_known_here() -> None:
    assert set(IDS_OF) == set(MESSAGES) == set(FROM_CLIENT["/room"])
    assert not FROM_CLIENT["/worklist"], "the worklist takes no messages"


async def test_who_is_outside_learns_nothing_and_does_nothing(
    sessions: Sessions, world: World, rooms: Rooms, filters: str
) -> None:
    consults = [thing for thing in world.values() if thing.kind == "consult"]
    people = [person for person in PEOPLE if person not in world["booked consult"].insiders]
    silence(rooms)
    before, deviations = await everything(sessions), []
    for person in people:
        visitor = await rooms.visit(person)
        for event, places in IDS_OF.items():
            nothing = await visitor.ask(event, message(event, dict.fromkeys(places, str(uuid.uuid4()))))
            theirs = [thing.parts["id"] for thing in consults if person not in thing.insiders]
            known = [{"consult": each} for each in theirs] if event == "join" else [rooms.ids]
            for ids in known:
                seen = await visitor.ask(event, message(event, {place: ids[place] for place in places}))
                if seen != nothing or seen.get("error") not in REFUSALS:
                    deviations.append((person, event, seen, nothing))
        await visitor.close()
    assert not deviations, filters
    assert await everything(sessions) == before
    assert heard(rooms) == []
    async with transaction(sessions) as session:
        refused = await session.scalar(select(func.count()).where(AuditEvent.action.like("%refused")))
    assert refused or filters == "filters-off"


async def test_nor_from_a_room_of_ones_own(
    cast: Cast, sessions: Sessions, world: World, rooms: Rooms, filters: str
) -> None:
    """Who sits in another room reaches nobody here by a participant's id, nor a line of chat by its own."""
    theirs = dataclasses.replace(cast, rural=cast.stranger, patient=cast.strangers_patient)
    room = await consult_steps.booked(theirs, sessions, in_minutes=180)
    stranger = await rooms.visit("stranger")
    assert "pid" in await stranger.join(room.id)
    silence(rooms)
    unknown = await stranger.ask("signal", message("signal", {"to": str(uuid.uuid4())}))
    assert await stranger.ask("signal", message("signal", {"to": rooms.ids["to"]})) == unknown, filters
    answer = await stranger.ask("chat", message("chat", {"id": rooms.ids["id"]}))
    assert "Blood pressure" not in str(answer), filters
    again = await stranger.join(uuid.UUID(rooms.ids["consult"]))
    assert again == await stranger.join(uuid.uuid4())
    assert heard(rooms) == []


def message(event: str, ids: dict[str, str]) -> dict[str, Any]:
    """A whole message with these ids in their places."""
    return {**MESSAGES[event], **ids}


def silence(rooms: Rooms) -> None:
    """Forget what was heard so far."""
    heard(rooms)


def heard(rooms: Rooms) -> list[Any]:
    """What the two heard since last asked."""
    return [queue.get_nowait() for queue in (rooms.rural.heard, rooms.specialist.heard) for _ in range(queue.qsize())]
