"""Rights that end are felt by a page at its next request."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions, transaction
from tests.conftest import SignIn
from tests.people import Cast
from tests.signaling import changes
from tests.signaling.booking import book
from tests.signaling.changes import Change

Client = TestClient[web.Request, web.Application]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        (changes.session_ends, 401),
        (changes.session_runs_out, 401),
        (changes.account_is_disabled, 401),
        (changes.role_ends, 401),
        (changes.role_changes, 404),
        (changes.consult_is_reassigned, 404),
        (changes.consult_is_cancelled, 404),
        (changes.consent_is_withdrawn, 404),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_the_room_is_refused_at_the_next_request(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, how: Change, status: int
) -> None:
    booking = await book(cast, sessions)
    await signed_in("specialist")
    room = f"/consults/{booking.consult}/room"
    assert (await client.get(room)).status == 200
    async with transaction(sessions) as session:
        await how(session, cast, booking)
    assert (await client.get(room)).status == status
