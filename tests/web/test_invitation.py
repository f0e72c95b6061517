"""The way in of who is new: the first browser that begins has the invitation, a password is chosen there, once."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select, text, update

from teleconsult.accounts.invitations import invite_account
from teleconsult.accounts.models import Account, OneTimeSecret, WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound, Refused
from teleconsult.settings import Settings
from tests.conftest import Post
from tests.mailbox import last_mail, path_in
from tests.people import Cast
from web.app import make_app

Client = TestClient[web.Request, web.Application]
NEW = "quatre mots bien choisis"


@pytest.fixture
async def invited(cast: Cast, sessions: Sessions, settings: Settings) -> str:
    """The path mailed to the colleague, who has no password yet."""
    async with transaction(sessions) as session:
        await session.execute(update(Account).where(Account.id == cast.colleague.account_id).values(password_hash=None))
    return await invite(cast, sessions, settings)


async def invite(cast: Cast, sessions: Sessions, settings: Settings) -> str:
    assert cast.colleague.account_id
    async with transaction(sessions) as session:
        await invite_account(session, cast.admin, settings, account_id=cast.colleague.account_id)
    message = await last_mail(settings, sessions)
    assert message["To"] == cast.emails["colleague"]
    return path_in(message)


async def test_who_is_invited_begins_chooses_and_is_in(
    client: Client, cast: Cast, post: Post, invited: str, sessions: Sessions
) -> None:
    answer = await client.get(invited)
    assert answer.status == 200
    assert 'name="new"' not in await answer.text()
    answer = await post(f"{invited}/opening")
    assert (answer.status, answer.headers["Location"]) == (303, invited)
    assert 'name="new"' in await (await client.get(invited)).text()
    answer = await post(invited, new=NEW)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert (await client.get("/")).status == 200
    async with sessions() as session:
        actions = (await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at))).all()
        assert (await session.scalars(select(WebSession.account_id))).all() == [cast.colleague.account_id]
    wanted = ["invitation-sent", "invitation-opened", "password-chosen", "invitation-accepted", "signed-in"]
    assert [action for action in actions if action in wanted] == wanted
    client.session.cookie_jar.clear()
    assert (await post("/sign-in", email=cast.emails["colleague"], password=NEW)).status == 303


async def test_looking_binds_nothing(
    client: Client, post: Post, invited: str, settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    scanner = await aiohttp_client(make_app(settings))
    for _ in range(3):
        assert (await scanner.get(invited)).status == 200
    assert (await post(f"{invited}/opening")).status == 303
    assert (await post(invited, new=NEW)).status == 303


async def test_it_is_the_first_browsers(
    client: Client, post: Post, invited: str, settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    other = await aiohttp_client(make_app(settings))
    assert (await post(f"{invited}/opening")).status == 303
    assert (await other.get(invited)).status == 409
    assert (await other.post(f"{invited}/opening")).status == 409
    assert (await other.post(invited, data={"new": NEW})).status == 409
    assert (await post(invited, new="too short")).status == 422
    assert (await post(invited, new=NEW)).status == 303


async def test_it_is_good_once_and_not_before_it_was_begun(client: Client, post: Post, invited: str) -> None:
    assert (await post(invited, new=NEW)).status == 409
    await post(f"{invited}/opening")
    assert (await post(invited, new=NEW)).status == 303
    client.session.cookie_jar.clear()
    for answer in (await client.get(invited), await post(invited, new=NEW), await post(f"{invited}/opening")):
        assert answer.status == 409


async def test_too_late(client: Client, post: Post, invited: str, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(OneTimeSecret).values(expires_at=now()))
    assert (await client.get(invited)).status == 409
    assert (await post(f"{invited}/opening")).status == 409


async def test_a_fresh_one_voids_the_one_before(
    client: Client, cast: Cast, post: Post, invited: str, sessions: Sessions, settings: Settings
) -> None:
    fresh = await invite(cast, sessions, settings)
    assert (await client.get(invited)).status == 409
    assert (await post(f"{fresh}/opening")).status == 303


async def test_who_may_invite_whom(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    assert cast.colleague.account_id
    for actor in (cast.rural, cast.coordinator, cast.specialist):
        async with sessions() as session:
            with pytest.raises(NotFound):
                await invite_account(session, actor, settings, account_id=cast.colleague.account_id)
    async with sessions() as session:
        with pytest.raises(Refused, match="chosen a password already"):
            await invite_account(session, cast.admin, settings, account_id=cast.colleague.account_id)
    async with sessions() as session:
        await session.execute(update(Account).values(disabled_at=now(), password_hash=None))
        with pytest.raises(Refused, match="disabled"):
            await invite_account(session, cast.admin, settings, account_id=cast.colleague.account_id)


async def test_no_queue_and_no_log_ever_holds_the_link(
    client: Client, post: Post, invited: str, sessions: Sessions
) -> None:
    await post(f"{invited}/opening")
    token = invited.rsplit("/", 1)[1]
    async with sessions() as session:
        details = (await session.scalars(select(AuditEvent.detail))).all()
        queued = (await session.execute(text("select args::text from procrastinate_jobs"))).scalars().all()
        kept = (await session.scalars(select(OneTimeSecret.secret_hash))).all()
    assert token not in f"{details} {queued} {kept}"
