"""Administrators who have just proved who they are, and the operator."""

from dataclasses import replace

import pytest

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import RoleCode
from tests.people import Cast, another_person


@pytest.fixture
def admin(cast: Cast) -> Actor:
    """The tertiary hospital's administrator."""
    return replace(cast.admin, factor_at=now())


@pytest.fixture
async def admin_elsewhere(cast: Cast, sessions: Sessions) -> Actor:
    """The administrator of the stranger's clinic."""
    async with transaction(sessions) as session:
        actor = await another_person(session, cast, "elsewhere", RoleCode.ADMINISTRATOR)
    return replace(actor, factor_at=now())


@pytest.fixture
async def admin_of_rural(cast: Cast, sessions: Sessions) -> Actor:
    """The administrator of the rural health centre."""
    async with transaction(sessions) as session:
        actor = await another_person(session, cast, "rural", RoleCode.ADMINISTRATOR)
    return replace(actor, factor_at=now())


@pytest.fixture
def operator(cast: Cast) -> Actor:
    """Who runs the network."""
    return replace(cast.operator, factor_at=now())
