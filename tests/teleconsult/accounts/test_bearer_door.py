"""The machines' door: wrong tokens are counted, a flood of them costs no query, good tokens pass all the same."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.bearer_door import SHUT_FOR, BearerDoor
from teleconsult.accounts.limits import WRONG_PER_ADDRESS
from teleconsult.accounts.models import IssuedToken, SignInAttempt
from teleconsult.accounts.token_keys import BadToken
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import TooMany
from teleconsult.settings import Settings
from tests.people import Cast, bearer_of

HERE, THERE = "192.0.2.7", "192.0.2.8"


@pytest.fixture
def door(settings: Settings, sessions: Sessions) -> BearerDoor:
    return BearerDoor(settings, sessions)


@pytest.fixture
async def token(sessions: Sessions, cast: Cast) -> str:
    async with transaction(sessions) as session:
        return await bearer_of(session, cast.rural)


@pytest.fixture
def statements(sessions: Sessions) -> Iterator[list[str]]:
    """What is said to the database from here on."""
    said: list[str] = []
    engine = sessions.kw["bind"].sync_engine

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield said
    event.remove(engine, "before_cursor_execute", hear)


async def tries(db: AsyncSession) -> int:
    return await db.scalar(select(func.count()).select_from(SignInAttempt)) or 0


async def shut(door: BearerDoor, db: AsyncSession, token: str) -> None:
    await door.admit(db, token, address=THERE)
    for _ in range(WRONG_PER_ADDRESS):
        with pytest.raises(BadToken):
            await door.admit(db, f"{token[:-8]}AAAAAAAA", address=HERE)
    with pytest.raises(TooMany):
        await door.admit(db, f"{token[:-8]}AAAAAAAA", address=HERE)


async def test_a_good_token_writes_nothing(
    door: BearerDoor, db: AsyncSession, cast: Cast, token: str, statements: list[str]
) -> None:
    assert (await door.admit(db, token, address=HERE)).role_id == cast.rural.role_id
    assert not [statement for statement in statements if not statement.startswith(("SELECT", "select set_config"))]
    assert await tries(db) == 0


async def test_forged_tokens_are_counted_until_the_address_is_shut(
    door: BearerDoor, db: AsyncSession, token: str
) -> None:
    await shut(door, db, token)
    assert await tries(db) == WRONG_PER_ADDRESS
    assert (await door.admit(db, token, address=THERE)).token_id


async def test_a_flood_costs_no_query(door: BearerDoor, db: AsyncSession, token: str, statements: list[str]) -> None:
    await shut(door, db, token)
    statements.clear()
    for bad in ("", "a.b.c", f"{token[:-8]}AAAAAAAA"):
        with pytest.raises(TooMany):
            await door.admit(db, bad, address=HERE)
    assert statements == []


async def test_a_good_token_passes_where_others_flood(door: BearerDoor, db: AsyncSession, token: str) -> None:
    await shut(door, db, token)
    assert (await door.admit(db, token, address=HERE)).token_id


async def test_after_a_while_the_database_is_asked_again(
    door: BearerDoor, db: AsyncSession, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shut(door, db, token)
    await db.execute(update(SignInAttempt).values(attempted_at=now().replace(year=2020)))
    await db.commit()
    with pytest.raises(TooMany):
        await door.admit(db, "x", address=HERE)
    monkeypatch.setattr("teleconsult.accounts.bearer_door.SHUT_FOR", 0)
    door._shut[HERE] -= SHUT_FOR
    with pytest.raises(BadToken):
        await door.admit(db, "x", address=HERE)


async def test_a_token_that_was_ours_is_no_guess(door: BearerDoor, db: AsyncSession, token: str) -> None:
    await db.execute(update(IssuedToken).values(revoked_at=now()))
    for _ in range(3):
        with pytest.raises(BadToken):
            await door.admit(db, token, address=HERE)
    assert await tries(db) == 0
