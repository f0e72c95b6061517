"""The second step of signing in: asked for, bound to the browser, good once."""

import time

from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select, update

from teleconsult.accounts.models import Account, OneTimeSecret, RecoveryCode, WebSession
from teleconsult.accounts.second_factor import recovery_code_hash
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import Post
from tests.factors import give_totp, wrong_code
from tests.people import PASSWORD, Cast
from web.app import make_app

Client = TestClient[web.Request, web.Application]
STEP = "/sign-in/second-factor"


async def actions(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        return list(await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at)))


async def test_the_password_alone_opens_nothing(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    answer = await post("/sign-in", email=cast.emails["rural"], password=PASSWORD, next="/consults")
    assert answer.headers["Location"] == f"{STEP}?next=/consults"
    assert "session" not in answer.cookies
    cookie = answer.cookies["second-factor"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", STEP)
    assert (await client.get("/consults")).status == 401
    assert (await client.get(STEP)).status == 200
    answer = await post(STEP, code=application.now(), next="/consults")
    assert (answer.status, answer.headers["Location"]) == (303, "/consults")
    assert (await client.get("/consults")).status == 200
    async with sessions() as session:
        assert (await session.scalars(select(WebSession.methods))).all() == ["pwd otp"]
    assert await actions(sessions) == ["signed-in"]


async def test_a_code_counts_once(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    code = application.now()
    await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    assert (await post(STEP, code=f"{code[:3]} {code[3:]}")).status == 303
    client.session.cookie_jar.clear()
    await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    assert (await post(STEP, code=code)).status == 422
    assert (await post(STEP, code=application.at(time.time() + 30))).status == 303


async def test_a_recovery_code_counts_once(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    account_id = cast.rural.account_id
    assert account_id
    async with transaction(sessions) as session:
        await give_totp(session, settings, cast.rural)
        kept = recovery_code_hash(settings, account_id, "abcde12345")
        session.add(RecoveryCode(account_id=account_id, code_hash=kept, created_at=now()))
    for status in (303, 422):
        client.session.cookie_jar.clear()
        await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
        assert (await post(STEP, code=" ABCDE-12345 ")).status == status
    assert await actions(sessions) == ["recovery-code-used", "signed-in", "second-factor-failed"]


async def test_another_browser_cannot_take_the_step(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    other = await aiohttp_client(make_app(settings))
    code = {"code": application.now()}
    answer = await other.post(STEP, data=code, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    assert (await other.get(STEP, allow_redirects=False)).headers["Location"] == "/sign-in"
    assert (await post(STEP, code=code["code"])).status == 303


async def test_five_wrong_codes_end_the_step(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    for _ in range(5):
        assert (await post(STEP, code=wrong_code(application))).status == 422
    answer = await post(STEP, code=application.now())
    assert answer.headers["Location"] == "/sign-in"
    assert (await actions(sessions)).count("second-factor-failed") == 5


async def test_too_late_or_disabled_meanwhile(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    async with transaction(sessions) as session:
        await session.execute(update(OneTimeSecret).values(expires_at=now()))
    assert (await post(STEP, code=application.now())).headers["Location"] == "/sign-in"
    await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(disabled_at=now()))
    assert (await post(STEP, code=application.now())).headers["Location"] == "/sign-in"
    assert "signed-in" not in await actions(sessions)


async def test_what_is_no_code_is_refused_in_words(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        await give_totp(session, settings, cast.rural)
    await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    for code in ("", "١٢٣٤٥٦", "x" * 5000, "²³⁴"):
        assert (await post(STEP, code=code)).status == 422
