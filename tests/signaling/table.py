"""A study that two people look at together, and what they may say of it."""

import uuid
from typing import Any

from tests.signaling.visitors import Visitor, VisitorMaker
from tests.teleconsult.imaging.shared import SERIES

VIEW = {"zoom": 2.5, "x": 100.25, "y": 40, "turn": 1}


def looking(sop: int | str = 1, frame: int = 1, **changes: Any) -> dict[str, Any]:
    """What somebody looks at."""
    whole = {"series": SERIES, "sop": f"{SERIES}.{sop}", "frame": frame, "view": VIEW, "inverted": False}
    return whole | changes


def spot(sop: int = 1, **changes: Any) -> dict[str, Any]:
    """Where somebody points."""
    return {"series": SERIES, "sop": f"{SERIES}.{sop}", "frame": 1, "x": 12.5, "y": -3} | changes


def mark(sop: int = 1, **changes: Any) -> dict[str, Any]:
    """A length on a slice."""
    place = {"series": SERIES, "sop": f"{SERIES}.{sop}", "frame": 1}
    return place | {"kind": "length", "points": [{"x": 1, "y": 2}, {"x": 30.5, "y": 2}]} | changes


class Table:
    """A shared study, and people who come to look at it."""

    def __init__(self, visit: VisitorMaker, consult: uuid.UUID, study: uuid.UUID) -> None:
        self._visit = visit
        self.place = {"consult": str(consult), "study": str(study)}

    async def come(self, who: str, **changes: str) -> tuple[Visitor, dict[str, Any]]:
        """Connect and come to look; the visitor, and the answer."""
        visitor = await self._visit(who, "/looking")
        return visitor, await visitor.ask("join", self.place | changes)

    async def both(self) -> tuple[Visitor, Visitor, str]:
        """The rural doctor, who presents, the specialist, and the presenter's id."""
        rural, mine = await self.come("rural")
        specialist, _ = await self.come("specialist")
        assert await rural.ask("present", {"looking": looking()}) == {"ok": "yes"}
        await specialist.next("look")
        return rural, specialist, mine["me"]


def names(together: dict[str, Any]) -> list[tuple[str, bool]]:
    """Who is there, and who of them follows."""
    return [(person["name"], person["follows"]) for person in together["people"]]


MOVES: dict[str, dict[str, Any]] = {
    "present": {"looking": looking()},
    "follow": {"on": True},
    "look": {"looking": looking()},
    "point": {"spot": spot()},
    "marks": {"marks": []},
    "seen": {"count": 0},
    "leave": {},
}
