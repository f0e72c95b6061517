"""Setting up an authenticator application, codes for paper, and doing without."""

import dataclasses
import time
import urllib.parse
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.enrolling import (
    Enrolment,
    confirm_totp,
    new_recovery_codes,
    recovery_codes_left,
    remove_totp,
    start_totp,
)
from teleconsult.accounts.models import Account, RecoveryCode, Totp
from teleconsult.accounts.passwords import hash_password
from teleconsult.accounts.second_factor import has_second_factor, take_code
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, Refused, StepUpNeeded
from teleconsult.settings import Settings
from tests.factors import give_totp, totp_of, wrong_code
from tests.mailbox import last_mail
from tests.people import PASSWORD, Cast


@pytest.fixture
def actor(cast: Cast) -> Actor:
    """The rural doctor, who has just proved who they are."""
    return dataclasses.replace(cast.rural, factor_at=now())


def shown_by(begun: Enrolment) -> str:
    """What the application shows that was given this."""
    application = pyotp.parse_uri(begun.uri)
    assert isinstance(application, pyotp.TOTP)
    return application.now()


async def test_an_application_is_asked_for_once_it_has_shown_a_code(
    actor: Actor, sessions: Sessions, settings: Settings
) -> None:
    assert actor.account_id
    async with transaction(sessions) as session:
        begun = await start_totp(session, actor, settings)
        assert not await has_second_factor(session, actor.account_id)
    uri = urllib.parse.urlsplit(begun.uri)
    secret = urllib.parse.parse_qs(uri.query)["secret"][0]
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert begun.secret.replace(" ", "") == secret
    assert begun.qr_code.startswith("data:image/svg+xml")
    application = pyotp.parse_uri(begun.uri)
    assert isinstance(application, pyotp.TOTP)
    async with sessions() as session:
        with pytest.raises(Invalid):
            await confirm_totp(session, actor, settings, code=wrong_code(application))
    async with transaction(sessions) as session:
        codes = await confirm_totp(session, actor, settings, code=application.now())
    assert len(set(codes)) == 10
    async with transaction(sessions) as session:
        assert await has_second_factor(session, actor.account_id)
        assert await recovery_codes_left(session, actor) == 10
        assert not await take_code(session, settings, account_id=actor.account_id, code=application.now())
        assert await take_code(session, settings, account_id=actor.account_id, code=codes[3].upper())
        assert not await take_code(session, settings, account_id=actor.account_id, code=codes[3])
        assert await recovery_codes_left(session, actor) == 9
        actions = (await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at))).all()
    assert actions == ["second-factor-added", "recovery-codes-drawn", "recovery-code-used"]
    assert (await last_mail(settings, sessions))["Subject"] == "Your ways to sign in have changed"


async def test_what_is_kept_opens_nothing(actor: Actor, sessions: Sessions, settings: Settings) -> None:
    async with transaction(sessions) as session:
        begun = await start_totp(session, actor, settings)
        codes = await confirm_totp(session, actor, settings, code=shown_by(begun))
    async with sessions() as session:
        totp = await totp_of(session, actor)
        hashes = (await session.scalars(select(RecoveryCode.code_hash))).all()
    assert begun.secret.replace(" ", "").encode() not in totp.secret_sealed
    assert not any(code.replace("-", "").encode() in kept for code in codes for kept in hashes)


async def test_a_step_counts_once_and_none_before_it(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    assert cast.rural.account_id
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
        codes = {step: application.at(time.time() + 30 * step) for step in (-2, -1, 0, 1, 2)}
        taken = [
            await take_code(session, settings, account_id=cast.rural.account_id, code=codes[step])
            for step in (-2, 2, 0, 0, -1, 1, 1)
        ]
    assert taken == [False, False, True, False, False, True, False]


async def test_a_page_shown_twice_undoes_nothing_but_an_old_secret_is_void(
    actor: Actor, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        first = await start_totp(session, actor, settings)
        assert await start_totp(session, actor, settings) == first
        await session.execute(update(Totp).values(created_at=now() - timedelta(minutes=16)))
    async with transaction(sessions) as session:
        second = await start_totp(session, actor, settings)
    assert second != first
    async with transaction(sessions) as session:
        with pytest.raises(Invalid):
            await confirm_totp(session, actor, settings, code=shown_by(first))
        await confirm_totp(session, actor, settings, code=shown_by(second))
        for act in (start_totp(session, actor, settings), confirm_totp(session, actor, settings, code="000000")):
            with pytest.raises(Refused):
                await act


async def test_each_change_wants_a_factor_shown_just_now(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    for moment in (None, now() - timedelta(minutes=3)):
        actor = dataclasses.replace(cast.rural, factor_at=moment)
        async with sessions() as session:
            for act in (
                start_totp(session, actor, settings),
                confirm_totp(session, actor, settings, code="000000"),
                new_recovery_codes(session, actor, settings),
                remove_totp(sessions, settings, actor, password=PASSWORD, address="192.0.2.1"),
            ):
                with pytest.raises(StepUpNeeded):
                    await act


async def test_new_codes_for_paper_void_the_old(actor: Actor, sessions: Sessions, settings: Settings) -> None:
    assert actor.account_id
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await new_recovery_codes(session, actor, settings)
        await give_totp(session, settings, actor)
        old = await new_recovery_codes(session, actor, settings)
        new = await new_recovery_codes(session, actor, settings)
        assert not set(old) & set(new)
        assert not await take_code(session, settings, account_id=actor.account_id, code=old[0])
        assert await take_code(session, settings, account_id=actor.account_id, code=new[0])


async def test_doing_without_wants_a_password_that_can_stand_alone(
    actor: Actor, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        await give_totp(session, settings, actor)
    with pytest.raises(Invalid) as wrong:
        await remove_totp(sessions, settings, actor, password="wrong", address="192.0.2.1")
    assert wrong.value.fields == {"password": "This is not your password."}
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(password_hash=hash_password("vélo-42k")))
    with pytest.raises(Invalid) as short:
        await remove_totp(sessions, settings, actor, password="vélo-42k", address="192.0.2.1")
    assert short.value.values == {"least": 15}
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(password_hash=hash_password(PASSWORD)))
    await remove_totp(sessions, settings, actor, password=PASSWORD, address="192.0.2.1")
    async with sessions() as session:
        assert (await session.scalars(select(Totp))).all() == []
        assert (await session.scalars(select(RecoveryCode))).all() == []
    with pytest.raises(Refused):
        await remove_totp(sessions, settings, actor, password=PASSWORD, address="192.0.2.1")
