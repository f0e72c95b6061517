"""The demonstration."""

import pytest
from sqlalchemy import func, select

from teleconsult.accounts import sign_in
from teleconsult.accounts.models import Account
from teleconsult.db import Sessions, transaction
from teleconsult.demo import ACCOUNTS, PASSWORD, seed_demo
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings


@pytest.fixture
async def seeded(sessions: Sessions, settings: Settings) -> Objects:
    """The demonstration, filled in."""
    objects = Objects(open_store(None, settings.data))
    await seed_demo(sessions, settings, objects)
    return objects


async def test_seeding_twice_is_seeding_once(sessions: Sessions, settings: Settings, seeded: Objects) -> None:
    await seed_demo(sessions, settings, seeded)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count(Account.id))) == len(ACCOUNTS)


@pytest.mark.usefixtures("seeded")
async def test_every_account_signs_in(sessions: Sessions, settings: Settings) -> None:
    for email in ACCOUNTS:
        actor, _token = await sign_in(sessions, settings, email=email, password=PASSWORD, address="127.0.0.1")
        assert actor.name in ACCOUNTS[email]
