"""A new password by a mailed link: in the browser that asked, once, half an hour; every other session ends."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select, text, update

from teleconsult.access import Purpose
from teleconsult.accounts.models import Account, OneTimeSecret, WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import Post, SignIn
from tests.factors import give_totp
from tests.mailbox import last_mail, mails, path_in
from tests.people import PASSWORD, Cast, bearer_of
from web.app import make_app

Client = TestClient[web.Request, web.Application]
ASK = "/sign-in/reset"
NEW = "quatre mots bien choisis"


async def test_a_new_password_ends_the_other_sessions_and_its_owner_is_told(
    client: Client, cast: Cast, post: Post, signed_in: SignIn, sessions: Sessions, settings: Settings
) -> None:
    await signed_in("rural")
    async with transaction(sessions) as session:
        bearer = {"Authorization": f"Bearer {await bearer_of(session, cast.rural, Purpose.CONSULTS)}"}
    assert (await client.get("/consults", headers=bearer)).status == 200
    client.session.cookie_jar.clear()
    answer = await post(ASK, email=cast.emails["rural"])
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in/reset-mail")
    path = path_in(await last_mail(settings, sessions))
    assert (await client.get(path)).status == 200
    answer = await post(path, new=NEW)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert (await client.get("/")).status == 200
    async with sessions() as session:
        ended = (await session.scalars(select(WebSession.ended_at).order_by(WebSession.created_at))).all()
        assert [moment is not None for moment in ended] == [True, False]
        ours = select(AuditEvent.action).where(AuditEvent.action != "audit-checkpointed")
        actions = (await session.scalars(ours.order_by(AuditEvent.recorded_at))).all()
    assert actions[-3:] == ["password-reset-asked", "password-changed", "signed-in"]
    told = await last_mail(settings, sessions)
    assert (told["To"], told["Subject"]) == (cast.emails["rural"], "Your password was changed")
    client.session.cookie_jar.clear()
    assert (await client.get("/consults", headers=bearer)).status == 401, "whoever took the password may have made it"
    assert (await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)).status == 422
    assert (await post("/sign-in", email=cast.emails["rural"], password=NEW)).status == 303


async def test_the_link_is_good_once(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    asked = await post(ASK, email=cast.emails["rural"])
    path = path_in(await last_mail(settings, sessions))
    assert (await post(path, new=NEW)).status == 303
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies(asked.cookies, client.make_url(ASK))
    assert (await client.get(path)).status == 409
    assert (await post(path, new="cinq autres mots bien choisis")).status == 409


async def test_looking_at_it_and_a_bad_choice_use_nothing_up(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    await post(ASK, email=cast.emails["rural"])
    path = path_in(await last_mail(settings, sessions))
    for _ in range(3):
        assert (await client.get(path)).status == 200
    for bad in ("", "short", "x" * 14, "aaaaaaaaaaaaaaaaaa", "x" * 300):
        answer = await post(path, new=bad)
        assert answer.status == 422
        assert "aria-invalid" in await answer.text()
    assert (await post(path, new=NEW)).status == 303


async def test_no_other_browser_can_use_it(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    await post(ASK, email=cast.emails["rural"])
    path = path_in(await last_mail(settings, sessions))
    other = await aiohttp_client(make_app(settings))
    assert (await other.get(path)).status == 409
    await other.post(ASK, data={"email": cast.emails["rural"]}, allow_redirects=False)
    assert (await other.get(path)).status == 409, "its own cookie binds another link"
    assert (await other.post(path, data={"new": NEW}, allow_redirects=False)).status == 409
    assert (await client.get("/sign-in/reset/" + "x" * 43)).status == 409
    assert (await post(path, new=NEW)).status == 303


@pytest.mark.parametrize("what", ["late", "disabled"])
async def test_too_late_or_disabled_meanwhile(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings, what: str
) -> None:
    await post(ASK, email=cast.emails["rural"])
    path = path_in(await last_mail(settings, sessions))
    async with transaction(sessions) as session:
        if what == "late":
            await session.execute(update(OneTimeSecret).values(expires_at=now()))
        else:
            await session.execute(update(Account).values(disabled_at=now()))
    assert (await post(path, new=NEW)).status == 409


async def test_a_second_factor_is_still_asked_for_and_allows_a_shorter_one(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    await post(ASK, email=cast.emails["rural"])
    path = path_in(await last_mail(settings, sessions))
    answer = await post(path, new="vélo-7-Zébu")
    assert answer.headers["Location"] == "/sign-in/second-factor?next=/"
    assert "session" not in answer.cookies
    assert (await client.get("/patients")).status == 401
    assert (await post("/sign-in/second-factor", code=application.now())).status == 303


async def test_one_link_used_voids_the_others(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    other = await aiohttp_client(make_app(settings))
    await other.post(ASK, data={"email": cast.emails["rural"]}, allow_redirects=False)
    others_path = path_in(await last_mail(settings, sessions))
    await post(ASK, email=cast.emails["rural"])
    assert (await post(path_in(await last_mail(settings, sessions)), new=NEW)).status == 303
    assert (await other.get(others_path)).status == 409


async def test_no_queue_and_no_log_ever_holds_the_link(
    client: Client, cast: Cast, post: Post, signed_in: SignIn, sessions: Sessions, settings: Settings
) -> None:
    await post(ASK, email=cast.emails["rural"])
    token = path_in(await last_mail(settings, sessions)).rsplit("/", 1)[1]
    await signed_in("stranger")
    assert (await client.post(f"{ASK}/{token}", data={"new": NEW})).status == 403, "forged: audited as refused"
    async with sessions() as session:
        details = (await session.scalars(select(AuditEvent.detail))).all()
        queued = (await session.execute(text("select args::text from procrastinate_jobs"))).scalars().all()
        kept = (await session.scalars(select(OneTimeSecret.secret_hash))).all()
    assert token not in f"{details} {queued} {kept}"


async def test_nobody_is_mailed_where_the_address_is_nobodys(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    for email in ("nobody@example.test", "", "a b"):
        assert (await post(ASK, email=email)).status == 303
    assert await mails(settings, sessions) == []
