"""How everyone's link does, told in the room, and single pictures that pass through it."""

import uuid
from typing import Any

import pytest

from signaling.net import PIECES_A_SECOND, REPORTS_AT_ONCE
from signaling.presence import Sitting
from signaling.protocol_net import MOST_PIECES, PIECE_LENGTH, Net
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite
from tests.signaling.test_room import both_in
from tests.signaling.visitors import VisitorMaker

REPORT: dict[str, Any] = {
    "rung": "stills",
    "why": "weak",
    "round_trip": 412.5,
    "jitter": 30,
    "loss": 0.04,
    "concealed": 0.02,
    "uplink": 71_000,
    "up": 52_000,
    "down": 180_000,
    "silent": 0.4,
    "freezes": 2,
}
PIECE: dict[str, Any] = {"index": 0, "count": 2, "bytes": "/9j/4AAQ"}


async def test_the_others_hear_what_is_sent_and_why_but_no_figures(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, first, _ = await both_in(visit, booking)
    assert await rural.ask("net", REPORT) == {"ok": "yes"}
    assert await specialist.next("net") == {"sender": first["pid"], "rung": "stills", "why": "weak"}
    assert await rural.hears_nothing("net", within=0.1)


async def test_who_keeps_figures_hears_them_all(visit: VisitorMaker, booking: Booking, site: LiveSite) -> None:
    heard: list[tuple[uuid.UUID, Net]] = []

    async def keep(sitting: Sitting, net: Net) -> None:
        heard.append((sitting.seat.pid, net))

    site.live.room.net.listeners.append(keep)
    rural, _, first, _ = await both_in(visit, booking)
    await rural.ask("net", REPORT)
    await rural.ask("net", {name: value for name, value in REPORT.items() if name not in ("round_trip", "uplink")})
    pid = uuid.UUID(first["pid"])
    assert [(who, net.uplink, net.round_trip) for who, net in heard] == [(pid, 71_000, 412.5), (pid, None, None)]


async def test_a_picture_passes_in_pieces(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, first, _ = await both_in(visit, booking)
    for index in (0, 1):
        assert await rural.ask("still", PIECE | {"index": index}) == {"ok": "yes"}
        assert await specialist.next("still") == {"sender": first["pid"], **PIECE, "index": index}


@pytest.mark.parametrize(
    "changed",
    [
        {"rung": "4k"},
        {"why": "no idea"},
        {"loss": 1.5},
        {"loss": None},
        {"round_trip": -1},
        {"uplink": 1e10},
        {"freezes": 0.5},
        {"silent": "long"},
        {"pid": str(uuid.UUID(int=1))},
    ],
    ids=str,
)
async def test_a_report_that_cannot_be(visit: VisitorMaker, booking: Booking, changed: dict[str, Any]) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    assert await rural.ask("net", REPORT | changed) == {"error": "invalid"}


@pytest.mark.parametrize(
    "changed",
    [{"index": 2}, {"index": -1}, {"count": MOST_PIECES + 1}, {"bytes": ""}, {"bytes": "A" * (PIECE_LENGTH + 1)}],
    ids=lambda changed: str(changed)[:30],
)
async def test_a_piece_that_cannot_be(visit: VisitorMaker, booking: Booking, changed: dict[str, Any]) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    assert await rural.ask("still", PIECE | changed) == {"error": "invalid"}


async def test_who_has_not_joined_is_not_heard(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    await specialist.join(booking.consult)
    for event, message in (("net", REPORT), ("still", PIECE)):
        assert await rural.ask(event, message) == {"error": "not-joined"}
        assert await specialist.hears_nothing(event, within=0.05)


async def test_too_many_of_them(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist, *_ = await both_in(visit, booking)
    for event, message, most in (("net", REPORT, REPORTS_AT_ONCE), ("still", PIECE, MOST_PIECES)):
        answers = [await rural.ask(event, message) for _ in range(most + PIECES_A_SECOND + 1)]
        assert {"error": "too-many"} in answers[most:]
        assert {"error": "too-many"} not in answers[:most]
        # Each has an allowance of their own.
        assert await specialist.ask(event, message) == {"ok": "yes"}
