"""The agenda, on both clocks."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.clock import now
from teleconsult.db import Sessions
from tests import agenda_steps, consult_steps
from tests.conftest import SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


@pytest.mark.parametrize("who", ["rural", "specialist", "coordinator"])
async def test_a_session_stands_on_its_day(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, who: str
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in(who)
    page = await (await client.get("/agenda")).text()
    assert f'href="/consults/{consult.id}"' in page
    assert "Blanc-Sablon" in page
    assert "Toronto" in page
    assert ('data-testid="join-room"' in page) == (who != "coordinator")


async def test_nobody_elses(client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for who in ("stranger", "oncall", "colleague", "admin"):
        await signed_in(who)
        assert str(consult.id) not in await (await client.get("/agenda")).text()


@pytest.mark.parametrize("day", ["tomorrow", "0001-01-01", "9999-12-31", "2026-02-30"])
async def test_a_day_that_is_none(client: Client, signed_in: SignIn, day: str) -> None:
    await signed_in("rural")
    assert (await client.get("/agenda", params={"from": day})).status == 404


@pytest.mark.parametrize("view", ["week", "day"])
@pytest.mark.parametrize("who", ["rural", "specialist", "coordinator", "secretary"])
async def test_the_same_session_hour_by_hour(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, view: str, who: str
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    assert consult.appointment is not None
    await signed_in(who)
    zone = ZoneInfo(getattr(cast, who).time_zone)
    day = consult.appointment.starts_at.astimezone(zone).date().isoformat()
    page = await (await client.get("/agenda", params={"view": view, "from": day})).text()
    assert page.count('data-testid="agenda-session"') == 1
    assert f"No. {consult.number}" in page
    if who == "coordinator":
        assert cast.patient.family not in page
    assert 'data-open="true"' not in page  # nobody said when they can be had
    later = (consult.appointment.starts_at + timedelta(days=9)).date().isoformat()
    page = await (await client.get("/agenda", params={"view": view, "from": later})).text()
    assert "agenda-session" not in page


async def test_ones_own_hours_stand_behind_the_sessions(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await agenda_steps.hours(sessions, cast, role=cast.specialist.role_id, between=(9 * 60, 12 * 60))
    await signed_in("specialist")
    day = (now() + timedelta(days=3)).date().isoformat()
    page = await (await client.get("/agenda", params={"view": "day", "from": day})).text()
    assert (page.count('data-open="true"'), page.count('data-open="false"')) == (3, 9)


async def test_a_day_off_is_not_a_free_one(client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn) -> None:
    start = now() + timedelta(days=2)
    away = [(start, start + timedelta(days=3))]
    await agenda_steps.hours(sessions, cast, role=cast.specialist.role_id, away=away)
    await signed_in("specialist")
    for days, view, is_closed in ((3, "week", True), (3, "day", True), (9, "day", False)):
        day = (now() + timedelta(days=days)).date().isoformat()
        page = await (await client.get("/agenda", params={"view": view, "from": day})).text()
        assert ("day-closed" in page) == is_closed


async def test_a_view_that_is_none(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    assert (await client.get("/agenda", params={"view": "year"})).status == 404
