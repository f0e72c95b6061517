"""What comes alone and joins a series that is here is written as any other lot; what does not join leaves nothing."""

import asyncio
import errno
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.actions import Instance, Outcome
from teleconsult.imaging.joining import join_series
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.parsing import read_header
from teleconsult.objects import new_key
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.steps import Door, door
from tests.teleconsult.imaging.test_arrive import arrive

STUDY = "1.2.826.0.1.3680043.8.498.91"
SAME = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1"}


@pytest.fixture
async def bench(sessions: Sessions, tmp_path: Path) -> AsyncIterator[Door]:
    async with door(sessions, tmp_path) as opened:
        yield opened


@pytest.fixture
def scanner(cast: Cast) -> Actor:
    return replace(SYSTEM, organization_id=cast.rural.organization_id, name="CT1", address="10.0.0.7")


def kept(bench: Door, content: bytes) -> Instance:
    path = bench.folder / "one"
    path.write_bytes(content)
    return Instance("one", read_header(path), len(content), b"\1" * 32, new_key("dicom"))


async def join(sessions: Sessions, actor: Actor, instance: Instance) -> Outcome | None:
    """With a disk that holds everything at once."""
    return await join_series(sessions, actor, instance, hold=partial(asyncio.sleep, 0))


async def counts(sessions: Sessions) -> tuple[int | None, ...]:
    """Rows, and what the study and its series say they have."""
    async with transaction(sessions) as session:
        rows = [await session.scalar(select(func.count()).select_from(ImagingInstance))]
        told = [await session.scalar(select(of.number_of_instances)) for of in (ImagingStudy, ImagingSeries)]
        events = select(func.count()).where(AuditEvent.action == "images-stored")
        return (*rows, *told, await session.scalar(events))


async def test_one_that_joins_is_written_like_the_first(
    bench: Door, cast: Cast, scanner: Actor, sessions: Sessions
) -> None:
    content = slice_of(cast, **SAME)
    await arrive(bench, scanner, content)
    instance = kept(bench, slice_of(cast, **SAME))
    outcome = await join(sessions, scanner, instance)
    assert outcome is not None
    assert outcome.object_key == instance.object_key
    assert await counts(sessions) == (2, 2, 2, 2)
    async with transaction(sessions) as session:
        rows = select(*ImagingInstance.__table__.columns).order_by(ImagingInstance.created_at)
        first, second = (await session.execute(rows)).all()
        one, other = await session.scalars(select(AuditEvent).where(AuditEvent.action == "images-stored"))
    own = {"id", "sop_instance_uid", "object_key", "created_at", "sha256", "dicom_json", "size", "pixels_at"}
    assert not {name for name, value in first._mapping.items() if second._mapping[name] != value} - own
    said = AuditEvent.__table__.columns.keys()
    assert {name for name in said if getattr(one, name) != getattr(other, name)} == {"id", "recorded_at"}
    assert (other.patient_id, other.entity_id, other.patient_organization_id) == (
        cast.patient.id,
        outcome.study_id,
        cast.rural.organization_id,
    )


async def test_all_else_is_looked_at_closer(bench: Door, cast: Cast, scanner: Actor, sessions: Sessions) -> None:
    first = slice_of(cast, **SAME, SOPInstanceUID=f"{STUDY}.1.1")
    await arrive(bench, scanner, first)
    others = {
        "another series": slice_of(cast, StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.2"),
        "another study": slice_of(cast, StudyInstanceUID=f"{STUDY}.8", SeriesInstanceUID=f"{STUDY}.1"),
        "another patient": slice_of(cast, **SAME, PatientName="Roy^Aline"),
        "another birth date": slice_of(cast, **SAME, PatientBirthDate=""),
        "here already": first,
    }
    for what, content in others.items():
        assert await join(sessions, scanner, kept(bench, content)) is None, what
    elsewhere = replace(scanner, organization_id=cast.specialist.organization_id)
    assert await join(sessions, elsewhere, kept(bench, slice_of(cast, **SAME))) is None
    with pytest.raises(NotFound):
        await join(sessions, cast.nurse, kept(bench, slice_of(cast, **SAME)))
    assert await counts(sessions) == (1, 1, 1, 1)


async def test_the_first_after_the_job_has_begun_asks_for_the_next(
    bench: Door, cast: Cast, scanner: Actor, sessions: Sessions
) -> None:
    await arrive(bench, scanner, slice_of(cast, **SAME))
    waiting = "procrastinate_jobs where task_name = 'prepare_images' and status = 'todo'"
    async with transaction(sessions) as session:
        await session.execute(text(f"update {waiting.replace('where', 'set status = $$doing$$ where')}"))
    assert await join(sessions, scanner, kept(bench, slice_of(cast, **SAME))) is None
    await arrive(bench, scanner, slice_of(cast, **SAME))
    async with transaction(sessions) as session:
        assert await session.scalar(text(f"select count(*) from {waiting}")) == 1
    assert await join(sessions, scanner, kept(bench, slice_of(cast, **SAME))) is not None
    assert await counts(sessions) == (3, 3, 3, 3)


async def test_nothing_is_committed_before_the_disk_holds_it(
    bench: Door, cast: Cast, scanner: Actor, sessions: Sessions
) -> None:
    await arrive(bench, scanner, slice_of(cast, **SAME))
    seen = []

    async def hold() -> None:
        seen.append(await counts(sessions))

    assert await join_series(sessions, scanner, kept(bench, slice_of(cast, **SAME)), hold=hold) is not None
    assert seen == [(1, 1, 1, 1)]

    async def fail() -> None:
        raise OSError(errno.EIO, "the disk does not hold it")

    with pytest.raises(OSError, match="does not hold"):
        await join_series(sessions, scanner, kept(bench, slice_of(cast, **SAME)), hold=fail)
    assert await counts(sessions) == (2, 2, 2, 2)
