"""How one is reached, by its page: shown, saved, refused beside the field; devices that come and go."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import Post, SignIn
from tests.fake_gateways import Browser, to_base64
from tests.people import Cast

Client = TestClient[web.Request, web.Application]
ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/abc"


async def page(client: Client) -> str:
    answer = await client.get("/account/notices")
    assert answer.status == 200
    return await answer.text()


@pytest.mark.parametrize("who", ["rural", "admin"])
async def test_everybody_chooses(client: Client, cast: Cast, signed_in: SignIn, post: Post, who: str) -> None:
    await signed_in(who)
    assert "The day before" in await page(client)
    wishes = {"channels": "sms", "topics": "times", "reminders": "10", "phone": "+1 418 656-2131"}
    assert (await post("/account/notices", **wishes)).status == 303
    text = await page(client)
    assert 'value="+14186562131"' in text
    assert 'value="10" checked' in text
    assert 'value="60" checked' not in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"channels": "sms", "phone": "123"}, "This is no telephone number"),
        ({"channels": "sms"}, "Write the number that messages go to."),
        ({"channels": "pigeon"}, "Choose from the list."),
        ({"reminders": "x"}, "Choose from the list."),
    ],
)
async def test_what_cannot_be_is_said_beside_the_field(
    client: Client, cast: Cast, signed_in: SignIn, post: Post, fields: dict[str, str], said: str
) -> None:
    await signed_in("rural")
    answer = await post("/account/notices", **fields)
    assert answer.status == 422
    assert said in await answer.text()


async def test_a_device_comes_and_goes(client: Client, cast: Cast, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    browser = Browser()
    told = {"endpoint": ENDPOINT, "p256dh": to_base64(browser.public), "auth": to_base64(browser.auth)}
    assert (await post("/account/devices", **told)).status == 201
    text = await page(client)
    assert text.count('data-testid="device-row"') == 1
    path = text.split('action="/account/devices/')[1].split('"')[0]
    assert (await post(f"/account/devices/{path}")).status == 303
    assert (await post(f"/account/devices/{path}")).status == 404
    assert 'data-testid="device-row"' not in await page(client)


@pytest.mark.parametrize(
    "changes", [{"endpoint": "https://10.0.0.1/"}, {"p256dh": "é"}, {"auth": "==="}, {"p256dh": ""}]
)
async def test_what_is_no_device(
    client: Client, cast: Cast, signed_in: SignIn, post: Post, changes: dict[str, str]
) -> None:
    await signed_in("rural")
    browser = Browser()
    told = {"endpoint": ENDPOINT, "p256dh": to_base64(browser.public), "auth": to_base64(browser.auth)}
    assert (await post("/account/devices", **(told | changes))).status == 422


async def test_what_shows_a_push_is_at_the_root_and_holds_nothing(client: Client) -> None:
    """Built by Vite; where it is not, there is nothing to register."""
    answer = await client.get("/service-worker.js")
    assert answer.status in (200, 404)
    if answer.status == 200:
        text = await answer.text()
        assert answer.content_type == "text/javascript"
        assert "import" not in text
        assert "caches" not in text
