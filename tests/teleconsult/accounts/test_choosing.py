"""Choosing a password: length counts, the expected ones are refused, and nothing else is asked."""

import asyncio

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.choosing import change_password, demand_of, hash_of_choice, keep_choice
from teleconsult.accounts.entering import SignedIn, Visit
from teleconsult.accounts.models import Account, WebSession
from teleconsult.accounts.passwords import hash_apart
from teleconsult.accounts.signing_in import sign_in
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, TooMany
from teleconsult.settings import Settings
from tests.factors import give_totp
from tests.mailbox import last_mail
from tests.people import PASSWORD, Cast

NEW = "quatre mots bien choisis"
VISIT = Visit(address="192.0.2.1")


async def refusal(sessions: Sessions, cast: Cast, new: str) -> Invalid | None:
    async with sessions() as session:
        demand = await demand_of(session, await session.get_one(Account, cast.rural.account_id))
    try:
        await hash_of_choice(demand, new=new)
    except Invalid as error:
        assert list(error.fields) == ["new"]
        return error
    return None


@pytest.mark.parametrize(
    "good",
    [
        "correct horse battery staple",
        "le chat dort sur la table",
        "mật khẩu này thật là dài",
        "   x9fK ~ zebra, trois pommes",
        "🐈🐎🦆🐟🦌🐝🐞🐢🐧🦉🐺🦔🐙🦀🐬",
        "tout en minuscules svp",
        ("Zk7 vélo du mardi, pluie sur le quai " * 7)[:256],
    ],
)
async def test_any_sentence_will_do(sessions: Sessions, cast: Cast, good: str) -> None:
    assert await refusal(sessions, cast, good) is None


@pytest.mark.parametrize(
    "expected",
    [
        "aaaaaaaaaaaaaaaa",
        "1234567890123456",
        "passwordpassword",
        "Password12345678",
        "P4ssw0rd!P4ssw0rd!",
        "motdepassemotdepasse",
        "azertyuiopqsdfgh",
        "qwertyuiopasdfgh",
        "123456789987654321",
        "Teleconsult2026!!",
        "téléconsultation1",
        "tremblay tremblay",
        "Helene Tremblay 1",
        "Centre de santé de l’Anse",
    ],
)
async def test_what_would_be_tried_first_is_refused(sessions: Sessions, cast: Cast, expected: str) -> None:
    error = await refusal(sessions, cast, expected)
    assert error
    assert "first to be tried" in error.fields["new"]


async def test_ones_own_address_is_refused(sessions: Sessions, cast: Cast) -> None:
    assert await refusal(sessions, cast, cast.emails["rural"])


async def test_length(sessions: Sessions, cast: Cast, settings: Settings) -> None:
    error = await refusal(sessions, cast, "zébu vélo 42 k")
    assert error
    assert error.values == {"least": 15}
    assert await refusal(sessions, cast, "zébu vélo 42 kW") is None
    assert await refusal(sessions, cast, "ze\u0301bu ve\u0301lo 42 k"), "counted in its normal form"
    too_long = await refusal(sessions, cast, "zébu vélo 42 kW" * 20)
    assert too_long
    assert too_long.values == {"most": 256}
    async with transaction(sessions) as session:
        await give_totp(session, settings, cast.rural)
    assert await refusal(sessions, cast, "zébu-42k") is None
    assert await refusal(sessions, cast, "zébu-42")


async def test_changing_it_keeps_this_session_and_ends_the_others(
    sessions: Sessions, cast: Cast, settings: Settings
) -> None:
    email = cast.emails["rural"]
    here = await sign_in(sessions, settings, email=email, password=PASSWORD, visit=VISIT)
    elsewhere = await sign_in(sessions, settings, email=email, password=PASSWORD, visit=VISIT)
    assert isinstance(here, SignedIn)
    assert isinstance(elsewhere, SignedIn)
    await change_password(sessions, settings, here.actor, current=PASSWORD, new=NEW, address="192.0.2.1")
    async with sessions() as session:
        open_ones = (await session.scalars(select(WebSession.id).where(WebSession.ended_at.is_(None)))).all()
        actions = (await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at))).all()
    assert open_ones == [here.actor.session_id]
    assert actions[-1] == "password-changed"
    assert (await last_mail(settings, sessions))["Subject"] == "Your password was changed"
    with pytest.raises(Invalid):
        await sign_in(sessions, settings, email=email, password=PASSWORD, visit=VISIT)
    assert await sign_in(sessions, settings, email=email, password=NEW, visit=VISIT)


async def test_without_the_current_one_nothing_changes(sessions: Sessions, cast: Cast, settings: Settings) -> None:
    for _ in range(10):
        with pytest.raises(Invalid) as refused:
            await change_password(sessions, settings, cast.rural, current="wrong", new=NEW, address="192.0.2.1")
        assert list(refused.value.fields) == ["current"]
    with pytest.raises(TooMany):
        await change_password(sessions, settings, cast.rural, current=PASSWORD, new=NEW, address="192.0.2.1")
    async with sessions() as session:
        actions = (await session.scalars(select(AuditEvent.action))).all()
    assert set(actions) == {"step-up-failed"}


async def test_a_bad_choice_changes_nothing(sessions: Sessions, cast: Cast, settings: Settings) -> None:
    with pytest.raises(Invalid) as refused:
        await change_password(sessions, settings, cast.rural, current=PASSWORD, new="short", address="192.0.2.1")
    assert list(refused.value.fields) == ["new"]
    entry = await sign_in(sessions, settings, email=cast.emails["rural"], password=PASSWORD, visit=VISIT)
    assert isinstance(entry, SignedIn)


@pytest.mark.parametrize("act", ["sign-in", "change"])
async def test_the_old_one_is_worth_nothing_to_who_was_being_let_in(
    sessions: Sessions, cast: Cast, settings: Settings, act: str
) -> None:
    """Its owner chooses another one while somebody who knows it is on the way in, or chooses a third."""
    entry = await sign_in(sessions, settings, email=cast.emails["rural"], password=PASSWORD, visit=VISIT)
    assert isinstance(entry, SignedIn)
    if act == "sign-in":
        late = sign_in(sessions, settings, email=cast.emails["rural"], password=PASSWORD, visit=VISIT)
    else:
        third = "another sentence nobody tries"
        late = change_password(sessions, settings, entry.actor, current=PASSWORD, new=third, address="192.0.2.1")
    async with transaction(sessions) as session:
        account = await session.get_one(Account, entry.actor.account_id, with_for_update=True)
        task = asyncio.create_task(late)
        await asyncio.wait({task}, timeout=0.3)  # the old one was right, and what comes next waits for the account
        await keep_choice(session, settings, SYSTEM, account, password_hash=await hash_apart(NEW))
    with pytest.raises(Invalid):
        await task
    async with sessions() as session:
        assert (await session.scalars(select(WebSession.id).where(WebSession.ended_at.is_(None)))).all() == []
    assert await sign_in(sessions, settings, email=cast.emails["rural"], password=NEW, visit=VISIT)
