"""Further people of a session by the pages: chosen while a time is found, in their agenda, at the door of the room."""

from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from multidict import MultiDict

from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def test_from_the_search_to_the_door(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    times, oncall = f"/consults/{consult.id}/times", str(cast.oncall.role_id)
    await signed_in("coordinator")
    page = await (await client.get(times)).text()
    assert f'<option value="{oncall}"' in page
    assert str(cast.stranger.role_id) not in page
    asked = MultiDict([("minutes", "30"), ("people", oncall), ("people", "")])
    page = await (await client.get(times, params=asked)).text()
    assert f'name="people" value="{oncall}" checked' in page
    for wrong in (str(cast.stranger.role_id), "x"):
        answer = await client.get(times, params={"minutes": "30", "people": wrong})
        assert answer.status in (200, 404)
        assert 'data-testid="invited"' not in await answer.text()
    at = (now() + timedelta(hours=26)).strftime("%Y-%m-%dT%H:%M:00Z")
    assert (await post(times, time=at, minutes="30", people=str(cast.stranger.role_id))).status == 422
    assert (await post(times, time=at, minutes="30", people=oncall)).status == 303
    async with transaction(sessions, cast.coordinator) as session:
        booked = (await consult_for(session, cast.coordinator, consult.id)).appointment
    assert booked is not None and booked.booked_at is not None
    come = f"/agenda/invitations/{booked.id}"
    await signed_in("colleague")
    assert 'data-testid="invited-session"' not in await (await client.get("/agenda")).text()
    assert (await post(come)).status == 404
    await signed_in("oncall")
    page = await (await client.get("/agenda")).text()
    assert f'action="{come}"' in page
    assert f"No. {consult.number}" in page
    assert cast.patient.family not in page
    assert (await client.get(f"/consults/{consult.id}")).status == 404
    for _time in range(2):  # on another device the door opens anew
        answer = await post(come)
        assert (answer.status, answer.headers["Location"]) == (303, "/join")
        assert (await client.get("/join")).status == 200
    await signed_in("specialist")
    guests = await (await client.get(f"/consults/{consult.id}/guests")).text()
    assert guests.count('data-testid="guest"') == 1
    assert "Colleague" in guests
