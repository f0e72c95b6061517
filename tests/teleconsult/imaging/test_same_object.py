"""One object by two doors: the file meta information differs, what it stands before does not."""

import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from sqlalchemy import select, update

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.digests import data_set_at
from teleconsult.imaging.dimse.arriving import file_head
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.refusals import Refusal
from tests import consult_steps
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.steps import Door, door
from tests.teleconsult.imaging.test_arrive import arrive

STUDY = "1.2.826.0.1.3680043.8.498.81"
OBJECT = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1", "SOPInstanceUID": f"{STUDY}.1.1"}


@pytest.fixture
async def bench(sessions: Sessions, tmp_path: Path) -> AsyncIterator[Door]:
    async with door(sessions, tmp_path) as opened:
        yield opened


def by_line(whole: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The same data set under the meta information that our DIMSE door writes."""
    return file_head(CTImageStorage, OBJECT["SOPInstanceUID"], syntax) + whole[data_set_at(BytesIO(whole)) :]


async def the_instance(sessions: Sessions) -> ImagingInstance:
    async with transaction(sessions) as session:
        return (await session.scalars(select(ImagingInstance))).one()


async def test_it_is_recognised_and_nothing_happens(bench: Door, cast: Cast, sessions: Sessions) -> None:
    whole = slice_of(cast, **OBJECT)
    arrivals = [*await arrive(bench, cast.rural, whole), *await arrive(bench, cast.rural, by_line(whole), whole)]
    assert [one.refusal for one in arrivals] == [None, None, None]
    kept = await the_instance(sessions)
    assert await bench.objects.get(kept.object_key) == whole, "as it came first"
    assert len(bench.stored_files()) == 1


async def test_both_in_one_lot_are_one(bench: Door, cast: Cast, sessions: Sessions) -> None:
    whole = slice_of(cast, **OBJECT)
    arrivals = await arrive(bench, cast.rural, by_line(whole), whole)
    assert [one.refusal for one in arrivals] == [None, None]
    assert await bench.objects.get((await the_instance(sessions)).object_key) == by_line(whole)


@pytest.mark.parametrize("is_noted", [False, True])
async def test_its_digest_is_read_from_the_file_unless_it_was_noted(
    bench: Door, cast: Cast, sessions: Sessions, *, is_noted: bool
) -> None:
    whole = slice_of(cast, **OBJECT)
    await arrive(bench, cast.rural, whole)
    noted = hashlib.sha256(whole[data_set_at(BytesIO(whole)) :]).digest() if is_noted else None
    async with transaction(sessions) as session:
        await session.execute(update(ImagingInstance).values(data_set_sha256=noted))
    same, other = await arrive(bench, cast.rural, by_line(whole), by_line(slice_of(cast, shade=3, **OBJECT)))
    assert (same.refusal, other.refusal) == (None, Refusal.OTHER_BYTES)


async def test_other_pixels_and_another_coding_are_another_object(bench: Door, cast: Cast, sessions: Sessions) -> None:
    whole = slice_of(cast, **OBJECT)
    await arrive(bench, cast.rural, whole)
    arrivals = await arrive(
        bench,
        cast.rural,
        slice_of(cast, shade=1, **OBJECT),
        by_line(whole, ImplicitVRLittleEndian),
        slice_of(cast, syntax=ImplicitVRLittleEndian, **OBJECT),
    )
    assert [one.refusal is not None for one in arrivals] == [True, True, True]
    assert await bench.objects.get((await the_instance(sessions)).object_key) == whole, "the first is unharmed"


async def test_brought_to_a_consult_it_is_the_machine_s(bench: Door, cast: Cast, sessions: Sessions) -> None:
    whole = slice_of(cast, **OBJECT)
    await arrive(bench, cast.rural, by_line(whole))
    draft = await consult_steps.drafted(cast, sessions)
    same, other = await bench.bring(cast.rural, draft.id, whole, slice_of(cast, shade=1, **OBJECT))
    assert (same.refusal, other.refusal) == (None, Refusal.OTHER_BYTES)
    assert len(bench.stored_files()) == 1
