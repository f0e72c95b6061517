"""Hands that go up, and the request to mute."""

from typing import Any

import pytest

from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.conftest import VisitorMaker


async def test_a_hand_is_seen_by_all_and_by_who_comes_later(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    first = await rural.join(booking.consult)
    await specialist.join(booking.consult)
    assert await rural.ask("hand", {"raised": True}) == {"ok": "yes"}
    assert await specialist.next("hand") == {"sender": first["pid"], "raised": True}
    await specialist.close()
    again = await visit("specialist")
    assert (await again.join(booking.consult))["peers"][0]["hand"] is True
    await rural.ask("hand", {"raised": False})
    assert (await again.next("hand"))["raised"] is False
    assert await rural.hears_nothing("hand", within=0.05)


async def test_the_others_are_asked_to_mute_and_by_whom(visit: VisitorMaker, booking: Booking, cast: Cast) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    await rural.join(booking.consult)
    second = await specialist.join(booking.consult)
    assert await specialist.ask("hush", {}) == {"ok": "yes"}
    assert await rural.next("hush") == {"sender": second["pid"], "name": cast.specialist.name}
    assert await specialist.hears_nothing("hush", within=0.05)


async def test_not_before_joining_and_not_without_end(visit: VisitorMaker, booking: Booking) -> None:
    rural = await visit("rural")
    for event, message in (("hand", {"raised": True}), ("hush", {})):
        assert await rural.ask(event, message) == {"error": "not-joined"}
    await rural.join(booking.consult)
    answers = [await rural.ask("hush", {}) for _ in range(8)]
    assert answers[0] == {"ok": "yes"}
    assert answers[-1] == {"error": "too-many"}


@pytest.mark.parametrize(("event", "message"), [("hand", {}), ("hand", {"raised": 1}), ("hush", {"to": "all"})])
async def test_what_has_not_its_form(visit: VisitorMaker, booking: Booking, event: str, message: Any) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    assert await rural.ask(event, message) == {"error": "invalid"}
