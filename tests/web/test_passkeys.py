"""The pages of passkeys: adding one and signing in with it, as a browser's script sends it."""

from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult.accounts.models import Passkey, WebSession
from teleconsult.accounts.relying_party import relying_party
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.authenticator import SoftKey
from tests.conftest import Post, SignIn
from tests.passkey_steps import with_key
from tests.people import Cast
from web.i18n import LOCALE_COOKIE

Client = TestClient[web.Request, web.Application]


async def options(post: Post, path: str) -> str:
    answer = await post(path)
    assert (answer.status, answer.content_type) == (200, "application/json")
    return await answer.text()


async def three_minutes_pass(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=WebSession.factor_at - timedelta(minutes=3)))


async def test_added_and_signed_in_with(client: Client, cast: Cast, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    assert 'data-testid="passkey-name"' in await (await client.get("/account/passkeys/new")).text()
    key = SoftKey()
    made = key.make(await options(post, "/account/passkeys/options"))
    added = await post("/account/passkeys", passkey=made, name="My telephone")
    assert (added.status, added.headers["Location"]) == (303, "/account")
    assert "My telephone" in await (await client.get("/account")).text()
    await post("/sign-out")

    page = await (await client.get("/sign-in")).text()
    assert 'data-passkey-site-value="localhost"' in page
    answer = key.answer(await options(post, "/sign-in/passkey/options"))
    entered = await post("/sign-in/passkey", passkey=answer, next="/patients")
    assert (entered.status, entered.headers["Location"]) == (303, "/patients")
    assert cast.emails["rural"] in await (await client.get("/account")).text()


async def test_whatever_is_wrong_the_sign_in_page_says_the_same(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, post: Post
) -> None:
    key = await with_key(sessions, settings, cast)
    stranger = SoftKey().answer(await options(post, "/sign-in/passkey/options"))
    answer = key.answer(await options(post, "/sign-in/passkey/options"))
    client.session.cookie_jar.clear()  # another browser
    client.session.cookie_jar.update_cookies({LOCALE_COOKIE: "en"})
    for passkey in (answer, stranger, "", "{}", "null"):
        refused = await post("/sign-in/passkey", passkey=passkey)
        assert refused.status == 422
        assert "This passkey is not accepted here." in await refused.text()
        assert "session" not in refused.cookies


async def test_adding_wants_a_factor_shown_just_now(
    client: Client, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    await three_minutes_pass(sessions)
    page = await client.get("/account/passkeys/new", allow_redirects=False)
    assert (page.status, page.headers["Location"]) == (303, "/step-up?next=/account/passkeys/new")
    sent = await post("/account/passkeys", passkey="{}", name="x")
    assert sent.headers["Location"].startswith("/step-up")
    scripted = await client.post("/account/passkeys/options", headers={"Accept": "application/json"})
    assert scripted.status == 403


async def test_a_refused_one_shows_the_form_again(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    for fields in ({"passkey": "{}", "name": "My telephone"}, {"passkey": "{}", "name": ""}):
        answer = await post("/account/passkeys", **fields)
        assert answer.status == 422
        assert 'data-testid="passkey-name"' in await answer.text()


async def test_removed_by_its_owner_alone(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await with_key(sessions, settings, cast)
    async with transaction(sessions) as session:
        passkey = (await session.scalars(select(Passkey))).one()
    await signed_in("colleague")
    assert (await post(f"/account/passkeys/{passkey.id}/removal")).status == 404
    await signed_in("rural")
    assert (await post(f"/account/passkeys/{passkey.id}/removal")).status == 303
    assert (await post(f"/account/passkeys/{passkey.id}/removal")).status == 404


@pytest.mark.parametrize("address", ["https://192.0.2.9", "https://[2001:db8::1]"])
async def test_where_there_can_be_none_none_is_offered(settings: Settings, address: str) -> None:
    assert relying_party(settings.model_copy(update={"public_url": address})) is None
    named = relying_party(settings.model_copy(update={"public_url": "https://clinic.example:8443/"}))
    assert named is not None
    assert (named.id, named.origins) == ("clinic.example", ("https://clinic.example:8443",))
