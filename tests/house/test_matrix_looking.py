"""Who may look along with others: every message × every person, in the place of who does and in places of their own.

As in a room: a study and a consult of others are answered like those that do not exist, and nobody who looks at the
study hears of it. Run with the application's filters and without, the database's own wall alone.
"""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from signaling.protocol import FROM_CLIENT
from teleconsult.db import Sessions
from tests.conftest import SignIn
from tests.house.asking import Client, everything
from tests.house.world import PEOPLE, World
from tests.signaling.visitors import Visitor
from tests.web.test_hostile_requests import cookie_of

pytestmark = pytest.mark.matrix

Place = dict[str, str]


@dataclass
class Table:
    """The two who look at the shared study, and what they look at."""

    rural: Visitor
    specialist: Visitor
    place: Place
    messages: dict[str, dict[str, Any]]
    visit: Any

    def heard(self) -> list[Any]:
        """What the two heard since last asked."""
        queues = (self.rural.heard, self.specialist.heard)
        return [queue.get_nowait() for queue in queues for _ in range(queue.qsize())]


@pytest.fixture
async def table(client: Client, signed_in: SignIn, world: World) -> AsyncIterator[Table]:
    """The rural doctor presents, the neurologist follows."""
    visitors: list[Visitor] = []

    async def visit(person: str) -> Visitor:
        await signed_in(person)
        headers = {"Cookie": f"session={cookie_of(client)}", "Sec-Fetch-Site": "same-origin"}
        visitors.append(Visitor(str(client.make_url("/")), namespace="/looking", headers=headers))
        await visitors[-1].connect()
        return visitors[-1]

    study = world["shared study"].parts
    place = {"study": study["id"], "consult": world["accepted consult"].parts["id"]}
    frame = {"series": study["series"], "sop": study["sop"], "frame": 1}
    looking = {**frame, "view": {"zoom": 1, "x": 1, "y": 1, "turn": 0}, "inverted": False}
    messages: dict[str, dict[str, Any]] = {
        "present": {"looking": looking},
        "follow": {"on": False},
        "look": {"looking": looking},
        "point": {"spot": {**frame, "x": 1, "y": 1}},
        "marks": {"marks": [{**frame, "kind": "length", "points": [{"x": 1, "y": 1}] * 2}]},
        "seen": {"count": 0},
        "leave": {},
    }
    rural, specialist = await visit("rural"), await visit("specialist")
    for visitor in (rural, specialist):
        assert "me" in await visitor.ask("join", place)
    assert await rural.ask("present", messages["present"]) == {"ok": "yes"}
    yield Table(rural, specialist, place, messages, visit)
    for visitor in visitors:
        await visitor.close()


def test_every_message_is_known_here() -> None:
    known = {"join", "present", "follow", "look", "point", "marks", "seen", "leave"}
    assert set(FROM_CLIENT["/looking"]) == known


REFUSALS: Final = {"not-found", "not-joined"}


async def test_who_takes_no_part_learns_nothing_and_moves_nobody(
    sessions: Sessions, world: World, table: Table, filters: str
) -> None:
    nobodys = {"study": str(uuid.uuid4()), "consult": str(uuid.uuid4())}
    studies = {thing.parts["id"] for thing in world.values() if thing.kind == "study"}
    consults = {thing.parts["id"] for thing in world.values() if thing.kind == "consult"}
    table.heard()
    before, deviations = await everything(sessions), []
    for person in (one for one in PEOPLE if one not in ("rural", "specialist")):
        visitor = await table.visit(person)
        nothing = await visitor.ask("join", nobodys)
        for study in studies:
            for consult in consults:
                seen = await visitor.ask("join", {"study": study, "consult": consult})
                if seen != nothing or seen != {"error": "not-found"}:
                    deviations.append((person, "join", seen))
        for event, message in table.messages.items():
            seen = await visitor.ask(event, message)
            if seen.get("error") not in REFUSALS:
                deviations.append((person, event, seen))
        await visitor.close()
    assert not deviations, filters
    assert await everything(sessions) == before
    assert table.heard() == []


async def test_nor_does_who_takes_part_elsewhere(world: World, table: Table, filters: str) -> None:
    """The two reach each other in the consult that shares the study, and no study of another's through it."""
    for who in ("rural", "specialist"):
        visitor = await table.visit(who)
        for place in (
            {**table.place, "consult": world["booked consult"].parts["id"]},
            {**table.place, "study": world["stranger's study"].parts["id"]},
            {**table.place, "study": world["unshared study"].parts["id"]},
        ):
            assert await visitor.ask("join", place) == {"error": "not-found"}, (filters, who, place)
