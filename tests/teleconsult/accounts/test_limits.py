"""Kept tries: whose, from where, from what browser, and how many in a row."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from teleconsult.accounts.devices import ACCOUNTS, known_browser, remembering
from teleconsult.accounts.limits import Door, account_hash, attempt, count_wrong, forgive
from teleconsult.accounts.models import SignInAttempt
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import TooMany
from teleconsult.settings import Settings

EMAIL = "rural@example.test"


async def tries(
    sessions: Sessions,
    settings: Settings,
    count: int,
    *,
    door: Door = Door.PASSWORD,
    right: bool = False,
    address: str = "192.0.2.1",
    at: datetime | None = None,
    email: str | None = EMAIL,
    device: str = "",
    known: bytes | None = None,
) -> None:
    for _ in range(count):
        async with transaction(sessions) as session:
            kept = await attempt(session, settings, door=door, address=address, email=email, device=device, known=known)
            if right:
                await forgive(session, kept)
            if at:
                await session.execute(update(SignInAttempt).where(SignInAttempt.id == kept).values(attempted_at=at))


async def test_ten_wrong_ones_at_any_doors(sessions: Sessions, settings: Settings) -> None:
    await tries(sessions, settings, 5, door=Door.PASSKEY)
    await tries(sessions, settings, 20, right=True)
    await tries(sessions, settings, 5, door=Door.FEDERATED, address="192.0.2.2")
    for door in Door:
        with pytest.raises(TooMany):
            await tries(sessions, settings, 1, door=door, address="192.0.2.3")
    await tries(sessions, settings, 1, email="other@example.test")


async def test_after_a_quarter_of_an_hour_there_are_ten_more(sessions: Sessions, settings: Settings) -> None:
    await tries(sessions, settings, 10, at=now() - timedelta(minutes=15, seconds=1))
    await tries(sessions, settings, 10)
    with pytest.raises(TooMany):
        await tries(sessions, settings, 1)


async def test_a_hundred_in_a_row_close_that_door_until_a_right_one(sessions: Sessions, settings: Settings) -> None:
    for hour in range(10, 0, -1):
        await tries(sessions, settings, 10, at=now() - timedelta(hours=hour))
    with pytest.raises(TooMany) as closed:
        await tries(sessions, settings, 1)
    assert "Choose a new password" in closed.value.message
    await tries(sessions, settings, 1, door=Door.MAILED_CODE)
    cookie = remembering(settings, "", whose=account_hash(settings, EMAIL))
    await tries(sessions, settings, 1, device=cookie, right=True)
    with pytest.raises(TooMany):
        await tries(sessions, settings, 1, address="192.0.2.9")
    async with transaction(sessions) as session:
        last = select(func.max(SignInAttempt.attempted_at)).where(SignInAttempt.door == Door.PASSWORD)
        await session.execute(
            update(SignInAttempt).where(SignInAttempt.attempted_at == last.scalar_subquery()).values(known_hash=None)
        )
    await tries(sessions, settings, 1)


async def test_known_browsers_and_sessions_have_their_own(sessions: Sessions, settings: Settings) -> None:
    await tries(sessions, settings, 10)
    for number in range(40):
        await tries(sessions, settings, 1, email=f"{number}@example.test")
    cookie = remembering(settings, "", whose=account_hash(settings, EMAIL))
    session_id = uuid.uuid4().bytes
    await tries(sessions, settings, 10, device=cookie)
    await tries(sessions, settings, 10, known=session_id, door=Door.STEP_UP)
    for again in ({"device": cookie}, {"known": session_id}):
        with pytest.raises(TooMany):
            await tries(sessions, settings, 1, **again)


async def test_doors_that_know_no_account_count_by_address(sessions: Sessions, settings: Settings) -> None:
    for door in (Door.BEARER, Door.GUEST) * 25:
        await count_wrong(sessions, settings, door=door, address="2001:db8::1")
    with pytest.raises(TooMany):
        await count_wrong(sessions, settings, door=Door.BEARER, address="2001:db8::1")
    await count_wrong(sessions, settings, door=Door.BEARER, address="2001:db8::2")


async def test_no_address_of_a_person_is_kept(sessions: Sessions, settings: Settings) -> None:
    await tries(sessions, settings, 1)
    async with sessions() as session:
        (kept,) = (await session.scalars(select(SignInAttempt))).all()
    assert kept.email_hash == account_hash(settings, EMAIL.upper())
    assert kept.email_hash != account_hash(settings.model_copy(update={"secret_key": "y" * 40}), EMAIL)


def test_one_cookie_knows_the_accounts_of_a_shared_computer(settings: Settings) -> None:
    people = [account_hash(settings, f"{number}@example.test") for number in range(ACCOUNTS + 1)]
    cookie = ""
    for whose in people:
        cookie = remembering(settings, cookie, whose=whose)
    assert known_browser(settings, cookie, whose=people[0]) is None, "the longest ago is forgotten"
    assert len({known_browser(settings, cookie, whose=whose) for whose in people[1:]}) == 1
    assert remembering(settings, cookie, whose=people[-1]) == cookie
    assert len(cookie) < 300


@pytest.mark.parametrize("forged", ["", "x", ".", "é" * 22, "A" * 22, "A" * 22 + "." + "A" * 16, "A" * 5000])
def test_no_made_up_cookie_is_known(settings: Settings, forged: str) -> None:
    whose = account_hash(settings, EMAIL)
    assert known_browser(settings, forged, whose=whose) is None
    assert known_browser(settings, remembering(settings, forged, whose=whose), whose=whose)


def test_a_mark_is_worth_nothing_beside_another_id_or_key(settings: Settings) -> None:
    whose = account_hash(settings, EMAIL)
    _device, mark = remembering(settings, "", whose=whose).split(".")
    assert known_browser(settings, "B" * 22 + "." + mark, whose=whose) is None
    other = settings.model_copy(update={"secret_key": "another secret key, long enough too"})
    assert known_browser(other, remembering(settings, "", whose=whose), whose=whose) is None
