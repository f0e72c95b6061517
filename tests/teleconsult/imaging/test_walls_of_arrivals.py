"""What the database itself shows and lets be done of images that are nobody's yet, to queries that forgot who asks."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import ACTING, Sessions, transaction
from tests.people import Cast
from tests.system_steps import let_in
from tests.teleconsult.imaging.test_match import SEES, SEES_NOT, match, waiting

TABLES = ("imaging_study", "imaging_series", "imaging_instance")


async def shown(sessions: Sessions, acting: str) -> list[int]:
    async with sessions() as session:
        session.info[ACTING] = acting
        return [(await session.execute(text(f"select count(*) from {table}"))).scalar_one() for table in TABLES]


async def test_only_who_registers_patients_there_is_shown_what_waits(cast: Cast, sessions: Sessions) -> None:
    await waiting(cast, sessions)
    for who in SEES:
        assert await shown(sessions, getattr(cast, who).acting) == [1, 1, 1], who
    for who in SEES_NOT:
        assert await shown(sessions, getattr(cast, who).acting) == [0, 0, 0], who
    assert await shown(sessions, "") == [0, 0, 0]


async def test_a_system_is_shown_its_house_s_patients_images_and_none_that_wait(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions, header_patient_name="Bélanger^Rose")
    ours = f"client:{(await let_in(sessions, cast.rural.organization_id)).id}"
    theirs = f"client:{(await let_in(sessions, cast.stranger.organization_id)).id}"
    assert await shown(sessions, ours) == [0, 0, 0]
    await match(sessions, cast.nurse, study_id, cast.patient.id)
    assert await shown(sessions, ours) == [1, 1, 1]
    assert await shown(sessions, theirs) == [0, 0, 0]
    assert await shown(sessions, cast.nurse.acting) == [0, 0, 0], "matched, they are in a file that is not open"


@pytest.mark.parametrize(
    "statement",
    [
        "update imaging_study set patient_id = :patient",
        "update imaging_study set description = 'mine'",
        "delete from imaging_instance",
        "delete from imaging_study",
    ],
)
async def test_nobody_but_the_system_changes_them(cast: Cast, sessions: Sessions, statement: str) -> None:
    await waiting(cast, sessions)
    client = f"client:{(await let_in(sessions, cast.rural.organization_id)).id}"
    for acting in (client, *(getattr(cast, who).acting for who in (*SEES, *SEES_NOT))):
        async with sessions() as session:
            session.info[ACTING] = acting
            result = await session.execute(text(statement), {"patient": cast.patient.id} if ":" in statement else {})
            assert result.rowcount == 0, acting  # type: ignore[attr-defined]  # an update's result is a cursor's


async def test_a_study_becomes_somebody_s_once(cast: Cast, sessions: Sessions) -> None:
    await waiting(cast, sessions)
    give = text("update imaging_study set patient_id = :patient")
    async with transaction(sessions, SYSTEM) as session:
        await session.execute(give, {"patient": cast.patient.id})
    for other in (cast.patient_elsewhere.id, None):
        async with sessions() as session:
            with pytest.raises(DBAPIError) as caught:
                await session.execute(give, {"patient": other})
        assert isinstance(caught.value.orig, psycopg.errors.RestrictViolation)
