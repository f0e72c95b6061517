"""A commit goes through and its answer is lost: what the rows name is in the store, whatever the sender heard."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance
from tests import consult_steps
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.steps import Door, door
from tests.teleconsult.imaging.test_arrive import arrive

STUDY = "1.2.826.0.1.3680043.8.498.80"


@pytest.fixture
async def bench(sessions: Sessions, tmp_path: Path) -> AsyncIterator[Door]:
    async with door(sessions, tmp_path) as opened:
        yield opened


@contextmanager
def lost(*numbers: int) -> Iterator[None]:
    """Of the commits in the block, the answers to these (from 1)."""
    count, commit = 0, psycopg.AsyncConnection.commit

    async def lose(connection: psycopg.AsyncConnection[Any]) -> None:
        nonlocal count
        await commit(connection)
        count += 1
        if count in numbers:
            raise psycopg.OperationalError("the connection is lost")

    psycopg.AsyncConnection.commit = lose  # type: ignore[method-assign]  # the driver's, whoever uses it
    try:
        yield
    finally:
        psycopg.AsyncConnection.commit = commit  # type: ignore[method-assign]


async def rows_with_files(bench: Door, sessions: Sessions) -> set[str]:
    """The objects by their UIDs; each is in the store."""
    async with transaction(sessions) as session:
        found = (await session.scalars(select(ImagingInstance))).all()
    for one in found:
        assert await bench.objects.size_of(one.object_key) == one.size
    assert len(bench.stored_files()) == len(found), "and nothing else"
    return {one.sop_instance_uid for one in found}


async def test_of_one_that_a_machine_sends(bench: Door, cast: Cast, sessions: Sessions) -> None:
    sent = slice_of(cast, StudyInstanceUID=STUDY)
    with lost(1), pytest.raises(OperationalError):
        await arrive(bench, cast.rural, sent)
    assert len(await rows_with_files(bench, sessions)) == 1
    [again] = await arrive(bench, cast.rural, sent)
    assert again.refusal is None
    assert await rows_with_files(bench, sessions) == {again.sop_instance_uid}


async def test_of_one_that_joins_a_series(bench: Door, cast: Cast, sessions: Sessions) -> None:
    same = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1"}
    await arrive(bench, cast.rural, slice_of(cast, **same))
    sent = slice_of(cast, **same)
    with lost(1), pytest.raises(OperationalError):
        await arrive(bench, cast.rural, sent)
    assert len(await rows_with_files(bench, sessions)) == 2
    [again] = await arrive(bench, cast.rural, sent)
    assert again.refusal is None
    assert len(await rows_with_files(bench, sessions)) == 2


@pytest.mark.parametrize("numbers", [(1,), (2,), (3,), (1, 2), (2, 3), (2, 3, 4), (2, 4)])
async def test_of_several_at_once(bench: Door, cast: Cast, sessions: Sessions, numbers: tuple[int, ...]) -> None:
    folders = [bench.folder / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    with lost(*numbers):
        told = await asyncio.gather(
            *(arrive(bench, cast.rural, slice_of(cast, StudyInstanceUID=STUDY), folder=folder) for folder in folders),
            return_exceptions=True,
        )
    stored = await rows_with_files(bench, sessions)
    acknowledged = [one[0] for one in told if isinstance(one, list)]
    assert all(one.refusal is None and one.sop_instance_uid in stored for one in acknowledged)
    assert all(isinstance(one, OperationalError) for one in told if not isinstance(one, list))


async def test_of_what_a_person_brings(bench: Door, cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    with lost(1), pytest.raises(OperationalError):
        await bench.bring(cast.rural, draft.id, slice_of(cast, StudyInstanceUID=STUDY))
    assert len(await rows_with_files(bench, sessions)) == 1


async def test_a_file_that_was_lost_comes_back_when_it_is_sent_again(
    bench: Door, cast: Cast, sessions: Sessions
) -> None:
    sent = slice_of(cast, StudyInstanceUID=STUDY)
    await arrive(bench, cast.rural, sent)
    [path] = bench.stored_files()
    path.unlink()
    await arrive(bench, cast.rural, sent)
    assert path.read_bytes() == sent
    assert len(await rows_with_files(bench, sessions)) == 1
