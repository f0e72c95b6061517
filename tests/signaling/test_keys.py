"""Keys between members: who gets what, and who gets nothing."""

import base64
import uuid

import pytest

from tests.signaling.booking import Booking
from tests.signaling.visitors import VisitorMaker

COMMITMENT = base64.b64encode(bytes(32)).decode()
CARD = base64.b64encode(bytes(97)).decode()
SEALED = base64.b64encode(bytes(48)).decode()


async def test_members_hear_of_each_other_whoever_was_first(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    mine, theirs = await rural.join(booking.consult), await specialist.join(booking.consult)
    assert await rural.ask("commit", {"seals": True, "commitment": COMMITMENT}) == {"of": []}
    assert await specialist.next("commitment") == {"sender": mine["pid"], "seals": True, "commitment": COMMITMENT}
    assert await specialist.ask("commit", {"seals": False}) == {
        "of": [{"sender": mine["pid"], "seals": True, "commitment": COMMITMENT}]
    }
    assert await rural.next("commitment") == {"sender": theirs["pid"], "seals": False}, (
        "a browser that seals nothing says so"
    )


async def test_cards_and_keys_reach_the_one_they_are_for(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    mine, theirs = await rural.join(booking.consult), await specialist.join(booking.consult)
    assert await rural.ask("reveal", {"to": theirs["pid"], "card": CARD}) == {"ok": "yes"}
    assert await specialist.next("reveal") == {"sender": mine["pid"], "card": CARD}
    assert await rural.ask("key", {"to": theirs["pid"], "number": 3, "sealed": SEALED}) == {"ok": "yes"}
    assert await specialist.next("key") == {"sender": mine["pid"], "number": 3, "sealed": SEALED}
    assert await rural.ask("key", {"to": mine["pid"], "number": 3, "sealed": SEALED}) == {"error": "gone"}
    assert await rural.ask("key", {"to": str(uuid.uuid4()), "number": 3, "sealed": SEALED}) == {"error": "gone"}


@pytest.mark.parametrize("event", ["commit", "reveal", "key"])
async def test_who_holds_no_seat_gives_and_gets_nothing(event: str, visit: VisitorMaker, booking: Booking) -> None:
    rural, stranger = await visit("rural"), await visit("stranger")
    mine = await rural.join(booking.consult)
    await rural.ask("commit", {"seals": True, "commitment": COMMITMENT})
    message = {
        "commit": {"seals": True, "commitment": COMMITMENT},
        "reveal": {"to": mine["pid"], "card": CARD},
        "key": {"to": mine["pid"], "number": 0, "sealed": SEALED},
    }[event]
    assert await stranger.ask(event, message) == {"error": "not-joined"}
    assert await rural.hears_nothing("commitment", within=0.1)
    assert await rural.hears_nothing(event, within=0.1)


async def test_what_somebody_told_goes_with_them(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    for one in (rural, specialist):
        await one.join(booking.consult)
    await rural.ask("commit", {"seals": True, "commitment": COMMITMENT})
    await rural.ask("leave", {})
    assert await specialist.ask("commit", {"seals": True, "commitment": COMMITMENT}) == {"of": []}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("commit", {"seals": True, "commitment": COMMITMENT[:-1]}),
        ("commit", {"seals": True, "commitment": 7}),
        ("commit", {"commitment": COMMITMENT}),
        ("commit", {"seals": True, "commitment": COMMITMENT, "pid": str(uuid.uuid4())}),
        ("reveal", {"to": "nobody", "card": CARD}),
        ("reveal", {"to": str(uuid.uuid4()), "card": CARD + "AAAA"}),
        ("reveal", {"to": str(uuid.uuid4())}),
        ("key", {"to": str(uuid.uuid4()), "number": -1, "sealed": SEALED}),
        ("key", {"to": str(uuid.uuid4()), "number": 1.5, "sealed": SEALED}),
        ("key", {"to": str(uuid.uuid4()), "number": 1, "sealed": ""}),
        ("key", {"to": str(uuid.uuid4()), "number": 1, "sealed": SEALED * 200}),
    ],
)
async def test_another_form_is_refused(
    event: str, message: dict[str, object], visit: VisitorMaker, booking: Booking
) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    assert await rural.ask(event, message) == {"error": "invalid"}
