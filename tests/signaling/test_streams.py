"""What each one sends, as the others are told."""

from typing import Any

import pytest

from tests.signaling.booking import Booking
from tests.signaling.visitors import VisitorMaker

MAIN, SCREEN = {"id": "{a-1}", "what": "main"}, {"id": "b", "what": "screen"}


async def test_who_joins_tells_and_is_told(visit: VisitorMaker, booking: Booking) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    first = await rural.join(booking.consult, streams=[MAIN])
    second = await specialist.join(booking.consult)
    assert second["peers"][0]["streams"] == [MAIN]
    assert (await rural.next("peer"))["peer"]["streams"] == []
    told = {"audio": True, "video": False, "streams": [MAIN, SCREEN]}
    assert await rural.ask("media", told) == {"ok": "yes"}
    assert await specialist.next("media") == {"sender": first["pid"], **told}
    assert await rural.ask("media", {"audio": False, "video": False}) == {"ok": "yes"}
    assert (await specialist.next("media"))["streams"] == [MAIN, SCREEN], "nothing was said of them"
    await specialist.close()
    again = await visit("specialist")
    assert (await again.join(booking.consult))["peers"][0]["streams"] == [MAIN, SCREEN]
    assert second["pid"] != first["pid"]


@pytest.mark.parametrize(
    "streams",
    [
        "main",
        [MAIN, MAIN],
        [MAIN | {"what": "film"}],
        [MAIN | {"id": ""}],
        [MAIN | {"id": "a b"}],
        [MAIN | {"id": "a" * 65}],
        [MAIN | {"more": 1}],
        [MAIN | {"name": ""}],
        [MAIN | {"name": "a" * 61}],
        [{"id": str(number), "what": "camera"} for number in range(7)],
    ],
)
async def test_what_has_not_its_form_changes_nothing(visit: VisitorMaker, booking: Booking, streams: Any) -> None:
    rural, specialist = await visit("rural"), await visit("specialist")
    await rural.join(booking.consult, streams=[MAIN])
    assert await rural.ask("media", {"audio": True, "video": True, "streams": streams}) == {"error": "invalid"}
    assert (await specialist.join(booking.consult))["peers"][0]["streams"] == [MAIN]
