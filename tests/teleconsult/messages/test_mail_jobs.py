"""Mails as jobs: each is for somebody, in their language, drawn when it goes, and never after its time."""

import uuid

import pytest
from procrastinate.jobs import Status
from sqlalchemy import text, update

from teleconsult.accounts import one_time
from teleconsult.accounts.models import Account, OneTimeSecret, SecretPurpose
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.documents.letters import LetterKind
from teleconsult.jobs import defer
from teleconsult.messages.jobs import mail_secret, notify
from teleconsult.settings import Settings
from tests.mailbox import body, code_in, last_mail, mails, path_in, work
from tests.people import Cast


async def ask(sessions: Sessions, cast: Cast, purpose: SecretPurpose) -> uuid.UUID:
    async with transaction(sessions) as session:
        kept = await one_time.keep(session, purpose, account_id=cast.rural.account_id, browser="b")
        await defer(session, mail_secret, secret_id=str(kept.id))
    return kept.id


@pytest.mark.parametrize("locale", ["fr", "en", "vi", None])
async def test_in_the_persons_language(cast: Cast, sessions: Sessions, settings: Settings, locale: str | None) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(locale=locale))
    await ask(sessions, cast, SecretPurpose.SIGN_IN_CODE)
    message = await last_mail(settings, sessions)
    greeting = {"fr": "Bonjour", "en": "Hello", "vi": "Xin chào", None: "Bonjour"}[locale]
    assert body(message).startswith(f"{greeting} Dr Hélène Tremblay,")


async def test_the_code_is_the_rows(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    kept_id = await ask(sessions, cast, SecretPurpose.SIGN_IN_CODE)
    code = code_in(await last_mail(settings, sessions))
    async with sessions() as session:
        kept = await session.get_one(OneTimeSecret, kept_id)
    assert one_time.is_code(settings, kept, f" {code[:4]} {code[4:]} ")
    assert not one_time.is_code(settings, kept, str(int(code) ^ 1).zfill(8))


@pytest.mark.parametrize(
    ("purpose", "path"),
    [(SecretPurpose.PASSWORD_RESET, "/sign-in/reset/"), (SecretPurpose.INVITATION, "/invitation/")],
)
async def test_the_link_is_the_rows(
    cast: Cast, sessions: Sessions, settings: Settings, purpose: SecretPurpose, path: str
) -> None:
    kept_id = await ask(sessions, cast, purpose)
    link = path_in(await last_mail(settings, sessions))
    assert link.startswith(path)
    async with transaction(sessions) as session:
        kept = await one_time.behind_link(session, purpose, link.removeprefix(path))
        assert kept
        assert kept.id == kept_id
        for other in SecretPurpose:
            if other is not purpose:
                assert await one_time.behind_link(session, other, link.removeprefix(path)) is None


async def test_after_its_time_nothing_is_mailed(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    for change in ({"expires_at": now()}, {"used_at": now()}):
        kept_id = await ask(sessions, cast, SecretPurpose.PASSWORD_RESET)
        async with transaction(sessions) as session:
            await session.execute(update(OneTimeSecret).where(OneTimeSecret.id == kept_id).values(**change))
    async with transaction(sessions) as session:
        await defer(session, mail_secret, secret_id=str(uuid.uuid4()))
    assert await mails(settings, sessions) == []


async def test_a_mail_that_could_not_go_is_tried_again_with_a_fresh_secret(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    kept_id = await ask(sessions, cast, SecretPurpose.SIGN_IN_CODE)
    await work(settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:9"}), sessions)
    async with transaction(sessions) as session:
        first = (await session.get_one(OneTimeSecret, kept_id)).secret_hash
        waiting = text("update procrastinate_jobs set scheduled_at = null where status = :status returning attempts")
        assert (await session.execute(waiting, {"status": Status.TODO.value})).scalars().all() == [1]
    await last_mail(settings, sessions)
    async with sessions() as session:
        assert (await session.get_one(OneTimeSecret, kept_id)).secret_hash != first


@pytest.mark.parametrize("kind", [LetterKind.PASSWORD_CHANGED, LetterKind.FACTORS_CHANGED])
async def test_a_change_is_told_once_it_is_kept(
    cast: Cast, sessions: Sessions, settings: Settings, kind: LetterKind
) -> None:
    assert cast.rural.account_id
    async with sessions() as session:
        await notify(session, cast.rural.account_id, kind)
        await session.rollback()
    assert await mails(settings, sessions) == []
    async with transaction(sessions) as session:
        await notify(session, cast.rural.account_id, kind)
    (message,) = await mails(settings, sessions)
    assert message["To"] == cast.emails["rural"]
    assert f"{settings.base_url}/sign-in" in body(message)
