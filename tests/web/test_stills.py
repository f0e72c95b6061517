"""Pictures that are frozen out of the video, over HTTP."""

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientResponse, FormData, web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.captures.files import photograph
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]
Keep = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
async def keep(client: Client, settings: Settings, cast: Cast, sessions: Sessions) -> Keep:
    """`await keep(picture, agreed="yes")`: as the room's script sends it, for a booked consult."""
    consult = await consult_steps.booked(cast, sessions)

    async def send(*pictures: bytes, **fields: str) -> ClientResponse:
        form = FormData(default_to_multipart=True)
        cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
        form.add_field("csrf_token", token_for(settings, cookie))
        for name, value in fields.items():
            form.add_field(name, value)
        for picture in pictures:
            form.add_field("picture", picture, filename="still.jpg", content_type="image/jpeg")
        return await client.post(
            f"/consults/{consult.id}/stills", data=form, headers={"Accept": "application/json"}, allow_redirects=False
        )

    return send


async def test_either_of_the_two_keeps_one_and_both_see_it(client: Client, signed_in: SignIn, keep: Keep) -> None:
    await signed_in("specialist")
    answer = await keep(photograph(), agreed="yes")
    assert answer.status == 201
    address = (await answer.json())["url"]
    for who in ("specialist", "rural"):
        await signed_in(who)
        assert (await client.get(address)).status == 200


async def test_not_without_the_patients_agreement(signed_in: SignIn, keep: Keep) -> None:
    await signed_in("rural")
    for fields in ({}, {"agreed": ""}, {"agreed": "no"}):
        assert (await keep(photograph(), **fields)).status == 422
    assert (await keep(agreed="yes")).status == 422
    assert (await keep(photograph(), photograph(), agreed="yes")).status == 422
    assert (await keep(b"hello", agreed="yes")).status == 422


async def test_by_nobody_else(signed_in: SignIn, keep: Keep) -> None:
    for who in ("stranger", "coordinator", "oncall"):
        await signed_in(who)
        assert (await keep(photograph(), agreed="yes")).status == 404
