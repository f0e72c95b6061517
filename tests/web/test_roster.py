"""The roster, page by page: planned, shown on the establishment's clock, handed over in two clicks."""

import re
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import DutyShift
from teleconsult.scheduling.local_times import local_from_moment
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]
ZONE = "America/Toronto"


def shift(cast: Cast, *, begin: float = -1, hours: float = 8) -> dict[str, str]:
    """The form of a shift of traumatology's, that begins in so many hours."""
    starts_at = now() + timedelta(hours=begin)
    return {
        "service": str(cast.trauma.id),
        "role": str(cast.oncall.role_id),
        "starts_at": local_from_moment(starts_at, ZONE),
        "ends_at": local_from_moment(starts_at + timedelta(hours=hours), ZONE),
    }


async def test_a_shift_is_planned_shown_and_handed_over_in_two_clicks(
    client: Client, signed_in: SignIn, post: Post, cast: Cast
) -> None:
    await signed_in("coordinator")
    assert "Nobody is on duty now" in await (await client.get("/roster")).text()
    assert (await post("/roster/shifts", **shift(cast))).status == 303
    page = await (await client.get("/roster")).text()
    assert "Dr Paul Girard is on duty until" in page
    assert 'data-twice="true"' not in page
    found = re.search(r'action="(/roster/shifts/[0-9a-f-]+/handover)"', page)
    assert found
    assert f'name="role" value="{cast.specialist.role_id}"' in page.replace("  ", " ")
    assert (await post(found[1], role=str(cast.specialist.role_id))).status == 303
    assert "Dr Nguyễn Thị Minh is on duty until" in await (await client.get("/roster")).text()
    assert (await post(found[1], role=str(cast.oncall.role_id))).status == 409


async def test_two_at_once_are_marked(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("admin")
    assert (await post("/roster/shifts", **shift(cast))).status == 303
    assert (await post("/roster/shifts", **shift(cast))).status == 409
    other = {**shift(cast), "role": str(cast.specialist.role_id)}
    assert (await post("/roster/shifts", **other)).status == 303
    page = await (await client.get("/roster")).text()
    assert 'data-twice="true"' in page
    assert "two at once" in page


async def test_a_shift_is_taken_away(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("coordinator")
    await post("/roster/shifts", **shift(cast, begin=2))
    found = re.search(r"/roster/shifts/[0-9a-f-]+/removal", await (await client.get("/roster")).text())
    assert found
    assert (await post(found[0])).status == 303
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count(DutyShift.id))) == 0
    assert (await post(found[0])).status == 404


async def test_what_is_wrong_is_said_beside_its_field(signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("coordinator")
    for wrong in (
        {"starts_at": ""},
        {"ends_at": "soon"},
        {"ends_at": "2020-01-01T10:00"},
        {"starts_at": "2020-01-01T10:00", "ends_at": "2020-01-01T12:00"},
        {"ends_at": "9999-12-31T23:59"},
        {"starts_at": "2027-03-14T02:30"},
        {"role": "x"},
        {"role": str(cast.rural.role_id)},
        {"service": ""},
    ):
        answer = await post("/roster/shifts", **{**shift(cast), **wrong})
        assert answer.status == 422, wrong
    assert (await post("/roster/shifts", **{**shift(cast), "service": str(cast.oncall.role_id)})).status == 404


async def test_days_are_those_of_the_establishment_and_no_address_breaks_it(client: Client, signed_in: SignIn) -> None:
    await signed_in("coordinator")
    page = await (await client.get("/roster", params={"from": "2026-03-06"})).text()
    assert "Fri 6 Mar" in page
    for day in ("soon", "2026-13-01", "0001-01-01", "9999-12-31", ""):
        assert (await client.get("/roster", params={"from": day})).status == 404, day


async def test_who_plans_and_who_does_not(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    for who in ("rural", "specialist", "oncall", "nurse", "secretary", "privacy", "operator", "stranger"):
        await signed_in(who)
        assert (await client.get("/roster")).status == 404, who
        assert (await post("/roster/shifts", **shift(cast))).status == 404, who
