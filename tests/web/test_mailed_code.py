"""A code by mail: from the browser that asked, once, ten minutes, and no more than five tries."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select, text, update

from teleconsult.accounts.models import Account, OneTimeSecret, WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import Post
from tests.factors import give_totp
from tests.mailbox import body, code_in, last_mail, mails
from tests.people import Cast
from web.app import make_app

Client = TestClient[web.Request, web.Application]
QUEUED = text("select args::text from procrastinate_jobs where task_name = 'mail_secret'")
ASK, ENTRY = "/sign-in/code", "/sign-in/code/entry"


async def test_the_mailed_code_opens_a_session(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    answer = await post(ASK, email=cast.emails["rural"].upper(), next="/consults")
    assert (answer.status, answer.headers["Location"]) == (303, f"{ENTRY}?next=/consults")
    message = await last_mail(settings, sessions)
    assert message["To"] == cast.emails["rural"]
    assert (await client.get(f"{ENTRY}?next=/consults")).status == 200
    answer = await post(ENTRY, code=code_in(message), next="/consults")
    assert (answer.status, answer.headers["Location"]) == (303, "/consults")
    assert (await client.get("/consults")).status == 200
    async with sessions() as session:
        assert (await session.scalars(select(WebSession.methods))).all() == ["email"]
        actions = (await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at))).all()
    assert (actions[0], actions[-1]) == ("sign-in-code-asked", "signed-in")


async def test_it_is_good_once(client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings) -> None:
    answer = await post(ASK, email=cast.emails["rural"])
    code = code_in(await last_mail(settings, sessions))
    assert (await post(ENTRY, code=code)).status == 303
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies(answer.cookies, client.make_url(ENTRY))
    assert (await post(ENTRY, code=code)).status == 422


async def test_it_is_good_in_no_other_browser(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    await post(ASK, email=cast.emails["rural"])
    code = code_in(await last_mail(settings, sessions))
    other = await aiohttp_client(make_app(settings))
    assert (await other.post(ENTRY, data={"code": code})).status == 422
    await other.post(ASK, data={"email": cast.emails["stranger"]}, allow_redirects=False)
    assert (await other.post(ENTRY, data={"code": code})).status == 422
    assert (await post(ENTRY, code=code)).status == 303


async def test_after_five_wrong_ones_the_right_one_is_worth_nothing(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    await post(ASK, email=cast.emails["rural"])
    code = code_in(await last_mail(settings, sessions))
    wrong = "11111111" if code != "11111111" else "22222222"
    for _ in range(5):
        assert (await post(ENTRY, code=wrong)).status == 422
    assert (await post(ENTRY, code=code)).status == 422


@pytest.mark.parametrize("what", ["late", "disabled"])
async def test_too_late_or_disabled_meanwhile(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings, what: str
) -> None:
    await post(ASK, email=cast.emails["rural"])
    code = code_in(await last_mail(settings, sessions))
    async with transaction(sessions) as session:
        if what == "late":
            await session.execute(update(OneTimeSecret).values(expires_at=now()))
        else:
            await session.execute(update(Account).values(disabled_at=now()))
    assert (await post(ENTRY, code=code)).status == 422


async def test_a_second_factor_is_still_asked_for(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    await post(ASK, email=cast.emails["rural"])
    answer = await post(ENTRY, code=code_in(await last_mail(settings, sessions)))
    assert answer.headers["Location"] == "/sign-in/second-factor?next=/"
    assert "session" not in answer.cookies
    assert (await post("/sign-in/second-factor", code=application.now())).status == 303
    async with sessions() as session:
        assert (await session.scalars(select(WebSession.methods))).all() == ["email otp"]


async def test_nobody_is_mailed_where_the_address_is_nobodys(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(Account).where(Account.email == cast.emails["rural"]).values(disabled_at=now()))
    for email in ("nobody@example.test", cast.emails["rural"], "", "a b", "@", "x\r\nBcc: y@example.test"):
        assert (await post(ASK, email=email)).status == 303
    assert await mails(settings, sessions) == []
    assert (await post(ENTRY, code="00000000")).status == 422


async def test_no_queue_and_no_log_ever_holds_the_code(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    await post(ASK, email=cast.emails["rural"])
    async with sessions() as session:
        queued = (await session.execute(QUEUED)).scalars().all()
        (kept,) = (await session.scalars(select(OneTimeSecret))).all()
        assert kept.secret_hash is None, "drawn by the job alone"
    assert queued == [f'{{"secret_id": "{kept.id}"}}']
    message = await last_mail(settings, sessions)
    code = code_in(message)
    async with sessions() as session:
        details = (await session.scalars(select(AuditEvent.detail))).all()
        queued = (await session.execute(QUEUED)).scalars().all()
        (kept,) = (await session.scalars(select(OneTimeSecret).execution_options(populate_existing=True))).all()
    assert code not in f"{details} {queued}"
    assert kept.secret_hash
    assert code.encode() not in kept.secret_hash
    assert code not in str(message["Subject"]), "a locked telephone shows subjects"
    assert "Rose" not in body(message)
