"""Finding a time, keeping hours and the calendar's address, as pages."""

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.scheduling.models import AppointmentStatus
from teleconsult.settings import Settings
from tests import agenda_steps, consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.scheduling.calendar_rules import read_strictly
from tests.web.test_hostile_requests import cookie_of
from web.csrf import HEADER, token_for

Client = TestClient[web.Request, web.Application]
Send = Callable[[str, Mapping[str, object]], Awaitable[ClientResponse]]
FREE = re.compile(r'name="time" value="([^"]+)"')


@pytest.fixture
def send(client: Client, settings: Settings) -> Send:
    """Post a form of one of our pages, and follow where it leads."""

    async def sent(path: str, fields: Mapping[str, object]) -> ClientResponse:
        headers = {HEADER: token_for(settings, cookie_of(client))}
        return await client.post(path, data=fields, headers=headers)

    return sent


async def state(cast: Cast, sessions: Sessions, consult_id: uuid.UUID) -> ConsultState:
    async with transaction(sessions, cast.coordinator) as session:
        return state_of(await consult_for(session, cast.coordinator, consult_id))


async def test_one_press_books_a_time_that_suits_both(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send
) -> None:
    room = await agenda_steps.room(sessions, cast)
    consult = await consult_steps.accepted(cast, sessions)
    await signed_in("coordinator")
    page = await (await client.get(f"/consults/{consult.id}/times")).text()
    assert "Room 12" in page
    times = FREE.findall(page)
    assert times
    assert cast.patient.family not in page
    found = await send(f"/consults/{consult.id}/times", {"time": times[0], "minutes": "30", "things": str(room.id)})
    assert found.status == 200
    assert await state(cast, sessions, consult.id) is ConsultState.SCHEDULED
    page = await (await client.get(f"/consults/{consult.id}/times")).text()
    assert 'data-testid="cancel-time"' in page
    later = FREE.findall(page)[-1]
    asked = await (await client.get(f"/consults/{consult.id}/times", params={"time": later})).text()
    assert 'data-testid="confirm-move"' in asked
    assert 'data-testid="confirm-move"' not in page
    moved = await send(f"/consults/{consult.id}/times", {"time": later})
    assert moved.status == 200
    for nonsense in ("soon", "0001-01-01T00:00:00Z"):
        assert (await client.get(f"/consults/{consult.id}/times", params={"time": nonsense})).status == 404


async def test_before_anybody_accepted_it_is_proposed(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("coordinator")
    [time, *_] = FREE.findall(await (await client.get(f"/consults/{consult.id}/times")).text())
    await send(f"/consults/{consult.id}/times", {"time": time})
    async with transaction(sessions, cast.coordinator) as session:
        appointment = (await consult_for(session, cast.coordinator, consult.id)).appointment
    assert appointment is not None
    assert appointment.status is AppointmentStatus.PROPOSED


async def test_a_time_outside_hours_is_refused_in_words(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    away = [(now() - timedelta(days=1), now() + timedelta(days=3))]
    await agenda_steps.hours(sessions, cast, role=cast.specialist.role_id, between=(0, 1440), away=away)
    await signed_in("coordinator")
    typed = (now() + timedelta(days=1)).strftime("%Y-%m-%dT10:00")
    found = await send(f"/consults/{consult.id}/times", {"time": typed})
    assert found.status == 422
    page = await found.text()
    assert "outside the hours of" in page
    assert "Minh" in page


@pytest.mark.parametrize("fields", [{"time": "soon"}, {"time": "2026-02-30T10:00Z"}, {"things": "x", "time": ""}])
async def test_what_is_no_time_is_said(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send, fields: dict[str, str]
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await signed_in("coordinator")
    assert (await send(f"/consults/{consult.id}/times", fields)).status == 422


@pytest.mark.parametrize("who", ["coordinator", "rural", "specialist"])
async def test_a_booked_time_is_given_up_from_the_consults_page(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send, who: str
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in(who)
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert f"/consults/{consult.id}/time-cancellation" in page
    path = f"/consults/{consult.id}/time-cancellation"
    assert (await send(path, {"reason": " "})).status == 422
    assert (await send(path, {"reason": "I am ill."})).status == 200
    assert await state(cast, sessions, consult.id) is ConsultState.ACCEPTED


async def test_waiting_for_an_earlier_time(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await signed_in("coordinator")
    path = f"/consults/{consult.id}/wait-list"
    before = (now() + timedelta(days=9)).date().isoformat()
    assert (await send(path, {"before": "never"})).status == 422
    page = await (await send(path, {"before": before})).text()
    assert "Waits for a time before" in page
    page = await (await send(path, {"then": "leave"})).text()
    assert 'data-testid="wait"' in page


async def test_a_specialist_keeps_their_own_hours(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send
) -> None:
    await signed_in("specialist")
    path = f"/hours/{cast.specialist.role_id}"
    assert "Any time" in await (await client.get("/hours")).text()
    rule = {"weekdays": ["1", "2"], "from": "22:00", "until": "06:00", "first_day": "2026-01-01"}
    page = await (await send(f"{path}/rules", rule)).text()
    assert "22:00–06:00" in page
    assert 'data-testid="colliding"' not in page
    page = await (await send(f"{path}/rules", {**rule, "weekdays": ["3"], "from": "05:00", "until": "07:00"})).text()
    assert page.count('data-testid="colliding"') == 2
    starts = (now() + timedelta(days=2)).strftime("%Y-%m-%dT08:00")
    ends = (now() + timedelta(days=3)).strftime("%Y-%m-%dT08:00")
    away = {"kind": "away", "starts_at": starts, "ends_at": ends}
    page = await (await send(f"{path}/exceptions", away)).text()
    assert "Away" in page
    for link in re.findall(rf'action="({path}/(?:rules|exceptions)/[^"]+/removal)"', page):
        assert (await send(link, {})).status == 200
        assert (await send(link, {})).status == 404  # twice
    kept = {"time_zone": "Asia/Ho_Chi_Minh", "holidays": "VN", "buffer": "10"}
    page = await (await send(path, kept)).text()
    assert re.search(r'value="VN" selected', page)


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        ("rules", {"from": "08:00", "until": "17:00", "first_day": "2026-01-01"}),
        ("rules", {"weekdays": "1", "from": "8", "until": "17:00", "first_day": "2026-01-01"}),
        ("rules", {"weekdays": "9", "from": "08:00", "until": "17:00", "first_day": "2026-01-01"}),
        ("rules", {"weekdays": "1", "from": "08:00", "until": "17:00", "first_day": "2026-01-01", "slot": "1"}),
        (
            "rules",
            {"weekdays": "1", "from": "08:00", "until": "09:00", "first_day": "2026-01-02", "last_day": "2026-01-01"},
        ),
        ("exceptions", {"kind": "away", "starts_at": "2026-01-01T10:00", "ends_at": "2026-01-01T09:00"}),
        ("exceptions", {"kind": "away", "starts_at": "2020-01-01T10:00", "ends_at": "2020-01-02T09:00"}),
        ("exceptions", {"kind": "gone", "starts_at": "2026-01-01T10:00", "ends_at": "2026-01-01T19:00"}),
        ("", {"time_zone": "Mars/Olympus"}),
        ("", {"time_zone": "Europe/Paris", "holidays": "XX"}),
        ("", {"time_zone": "Europe/Paris", "buffer": "900"}),
    ],
)
async def test_hours_that_cannot_be(
    client: Client, cast: Cast, signed_in: SignIn, send: Send, where: str, fields: dict[str, str]
) -> None:
    await signed_in("specialist")
    path = f"/hours/{cast.specialist.role_id}" + (f"/{where}" if where else "")
    assert (await send(path, fields)).status == 422


async def test_each_keeps_their_own_and_planners_those_of_the_house(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send
) -> None:
    room = await agenda_steps.room(sessions, cast)
    ours = (cast.specialist.role_id, cast.neurology.id, room.id)
    for who, seen in (
        ("coordinator", ours),
        ("admin", ours),
        ("specialist", ours[:1]),
        ("rural", ()),
        ("stranger", ()),
    ):
        await signed_in(who)
        for id in (*ours, cast.rural.role_id, uuid.uuid4()):
            is_theirs = id in seen or (who == "rural" and id == cast.rural.role_id)
            assert (await client.get(f"/hours/{id}")).status == (200 if is_theirs else 404), (who, id)


async def test_a_room_comes_and_goes(client: Client, cast: Cast, signed_in: SignIn, send: Send) -> None:
    await signed_in("coordinator")
    assert (await send("/hours", {"kind": "room", "name": " "})).status == 422
    page = await (await send("/hours", {"kind": "device", "name": "EEG cart"})).text()
    [path] = re.findall(r'href="(/hours/[^"]+)">EEG cart', page)
    await send(f"{path}/retirement", {})
    assert "EEG cart" not in await (await client.get("/hours")).text()
    await signed_in("specialist")
    assert (await send("/hours", {"kind": "room", "name": "Mine"})).status in (403, 404)


async def test_the_calendar_of_whoever_has_the_address(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, send: Send
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("rural")
    page = await (await send("/agenda/calendar", {})).text()
    [path] = re.findall(r"(/calendars/[\w-]+\.ics)", page)
    assert path not in await (await client.get("/agenda/calendar")).text()
    client.session.cookie_jar.clear()
    found = await client.get(path)
    assert (found.status, found.content_type) == (200, "text/calendar")
    _, [event] = read_strictly(await found.read())
    assert str(consult.number) in event["SUMMARY"][0][1]
    again = await client.get(path, headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status == 200
    assert (await client.head(path)).status == 200
    assert (await client.get("/calendars/nobodys.ics")).status == 404
