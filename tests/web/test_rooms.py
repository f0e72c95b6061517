"""The room's page: for the two who take part, from the booking until the end."""

import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, Organization
from teleconsult.encounters.actions import finish_encounter
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]
FOR_ALL = ["local-video", "remote-video", "mute", "camera", "audio-only", "leave", "link-quality"]
CHAT = ["chat-log", "chat-input", "chat-send", "excerpt-view"]


async def test_both_sides_get_the_room_with_the_other_ones_name(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for who, other in (("rural", cast.specialist), ("specialist", cast.rural)):
        await signed_in(who)
        answer = await client.get(f"/consults/{consult.id}/room")
        page = await answer.text()
        assert answer.status == 200
        assert f"Waiting for {other.name}" in page
        for name in FOR_ALL + CHAT:
            assert f'data-testid="{name}"' in page, name


async def test_only_the_specialist_may_open_the_note(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for who, count in (("rural", 0), ("specialist", 1)):
        await signed_in(who)
        page = await (await client.get(f"/consults/{consult.id}/room")).text()
        assert page.count('data-testid="open-note"') == count
        assert page.count('<turbo-frame id="note"') == count


async def test_each_side_is_told_whom_to_call_when_nothing_works(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("rural")
    assert 'data-testid="telephones"' not in await (await client.get(f"/consults/{consult.id}/room")).text()
    async with transaction(sessions) as session:
        (await session.get_one(HealthcareService, cast.neurology.id)).phone = "+33 1 99 00 12 34"
        (await session.get_one(Organization, cast.rural.organization_id)).phone = "+33 1 99 00 56 78"
    for who, theirs, own in (
        ("rural", "+33199001234", "+33199005678"),
        ("specialist", "+33199005678", "+33199001234"),
    ):
        await signed_in(who)
        page = await (await client.get(f"/consults/{consult.id}/room")).text()
        assert f'href="tel:{theirs}"' in page
        assert own not in page


async def test_the_specialist_gets_no_way_into_the_file(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await consult_steps.entry(cast, sessions, "Gout")
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("specialist")
    page = await (await client.get(f"/consults/{consult.id}/room")).text()
    assert "Headache" in page
    assert "Gout" not in page
    assert "/patients/" not in page


@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_for_anyone_else_there_is_no_room(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, who: str
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in(who)
    for address in (consult.id, uuid.uuid4(), "1001"):
        assert (await client.get(f"/consults/{address}/room")).status == 404


async def test_before_the_booking_there_is_no_room(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await signed_in("specialist")
    assert (await client.get(f"/consults/{consult.id}/room")).status == 404


async def test_after_the_signature_the_room_is_closed(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        await finish_encounter(session, cast.specialist, consult_id=consult.id)
    await signed_in("rural")
    answer = await client.get(f"/consults/{consult.id}/room")
    assert answer.status == 409
    assert "The room is closed" in await answer.text()


async def test_camera_and_microphone_are_allowed_to_our_own_pages_alone(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("rural")
    answer = await client.get(f"/consults/{consult.id}/room")
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]


async def test_nobody_signed_in_is_sent_to_sign_in(client: Client, cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    answer = await client.get(f"/consults/{consult.id}/room", headers={"Accept": "text/html"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"].split("?")[0]) == (303, "/sign-in")
