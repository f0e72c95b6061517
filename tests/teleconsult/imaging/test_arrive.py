"""Images of a machine, where they meet those that people bring to consults, and each other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.errors import NotFound, Refused
from teleconsult.imaging.actions import remove_study
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.preparing import Preparer
from teleconsult.imaging.receiving import Arrival, Received
from teleconsult.imaging.refusals import Refusal
from teleconsult.records.models import RecordEntry
from tests import consult_steps
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.steps import Door, door
from tests.teleconsult.imaging.test_match import match

STUDY = "1.2.826.0.1.3680043.8.498.79"


@pytest.fixture
async def bench(sessions: Sessions, tmp_path: Path) -> AsyncIterator[Door]:
    async with door(sessions, tmp_path) as opened:
        yield opened


async def arrive(bench: Door, actor: Actor, *contents: bytes, folder: Path | None = None) -> list[Arrival]:
    files = []
    for number, content in enumerate(contents):
        path = (folder or bench.folder) / f"sent{number}"
        path.write_bytes(content)
        files.append(Received(path.name, path))
    return await bench.receiver.receive_arrived(actor, files=files)


async def the_study(sessions: Sessions) -> ImagingStudy:
    async with transaction(sessions) as session:
        return (await session.scalars(select(ImagingStudy))).one()


async def test_further_images_of_a_consult_s_study_join_it(bench: Door, cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(cast, StudyInstanceUID=STUDY))
    [arrived] = await arrive(bench, cast.rural, slice_of(cast, StudyInstanceUID=STUDY))
    assert arrived.refusal is None
    study = await the_study(sessions)
    assert (study.service_request_id, study.number_of_instances, study.source) == (draft.id, 2, "")


async def test_what_waits_is_not_brought_to_a_consult(bench: Door, cast: Cast, sessions: Sessions) -> None:
    waits = slice_of(cast, StudyInstanceUID=STUDY, PatientID="A-7")
    await arrive(bench, cast.rural, waits)
    draft = await consult_steps.drafted(cast, sessions)
    [outcome] = await bench.bring(cast.rural, draft.id, waits)
    assert outcome.refusal is Refusal.UNMATCHED
    await match(sessions, cast.nurse, (await the_study(sessions)).id, cast.patient.id)
    [outcome] = await bench.bring(cast.rural, draft.id, waits)
    assert outcome.refusal is None
    assert (await the_study(sessions)).service_request_id == draft.id


async def test_a_machine_s_study_is_not_taken_out_by_who_asks_with_it(
    bench: Door, cast: Cast, sessions: Sessions
) -> None:
    sent = slice_of(cast, StudyInstanceUID=STUDY)
    await arrive(bench, cast.rural, sent)
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, sent)
    study = await the_study(sessions)
    with pytest.raises(Refused, match="stay in the file"):
        async with transaction(sessions, cast.rural) as session:
            await remove_study(session, cast.rural, study_id=study.id)


async def test_further_images_follow_a_study_that_was_matched(bench: Door, cast: Cast, sessions: Sessions) -> None:
    strange = {"StudyInstanceUID": STUDY, "PatientName": "Typed^Wrong", "PatientID": "A-7"}
    await arrive(bench, cast.rural, slice_of(cast, **strange))
    study = await the_study(sessions)
    await match(sessions, cast.nurse, study.id, cast.patient.id, "Typed wrong at the scanner.")
    [more, others] = await arrive(
        bench, cast.rural, slice_of(cast, **strange), slice_of(cast, **{**strange, "PatientName": "Roy^Aline"})
    )
    assert (more.refusal, others.refusal) == (None, Refusal.OTHER_PATIENT)
    async with transaction(sessions) as session:
        entry = (await session.scalars(select(RecordEntry).where(RecordEntry.source_id == study.id))).one()
    assert (entry.patient_id, entry.resource["numberOfInstances"]) == (cast.patient.id, 2)


async def test_the_right_name_joins_a_study_that_was_matched(bench: Door, cast: Cast, sessions: Sessions) -> None:
    await arrive(bench, cast.rural, slice_of(cast, StudyInstanceUID=STUDY, PatientID="A-7"))
    await match(sessions, cast.nurse, (await the_study(sessions)).id, cast.patient.id)
    [arrived] = await arrive(bench, cast.rural, slice_of(cast, StudyInstanceUID=STUDY))
    assert arrived.refusal is None, "the scanner was set right meanwhile"


async def test_who_may_bring_no_images_leaves_nothing(bench: Door, cast: Cast, sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        await arrive(bench, cast.nurse, slice_of(cast))
    assert not bench.stored_files()
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ImagingInstance)) == 0


async def test_one_sop_uid_in_two_studies_is_kept_once(bench: Door, cast: Cast, sessions: Sessions) -> None:
    first = slice_of(cast, StudyInstanceUID=STUDY, SOPInstanceUID=f"{STUDY}.1")
    other = slice_of(cast, StudyInstanceUID=f"{STUDY}.9", SOPInstanceUID=f"{STUDY}.1")
    outcomes = await arrive(bench, cast.rural, first, other)
    assert [one.refusal for one in outcomes] == [None, Refusal.OTHER_BYTES]
    assert (await the_study(sessions)).study_instance_uid == STUDY, "no empty study stays behind"


async def test_two_senders_at_once_file_one_study_together(bench: Door, cast: Cast, sessions: Sessions) -> None:
    series = f"{STUDY}.2"
    mine, theirs = (
        [slice_of(cast, StudyInstanceUID=STUDY, SeriesInstanceUID=series, InstanceNumber=number) for _one in range(3)]
        for number in (1, 2)
    )
    both = slice_of(cast, StudyInstanceUID=STUDY, SeriesInstanceUID=series)
    async with door(sessions, bench.folder / "other") as other:
        told = await asyncio.gather(arrive(bench, cast.rural, *mine, both), arrive(other, cast.rural, *theirs, both))
    assert [one.refusal for arrivals in told for one in arrivals] == [None] * 8
    study = await the_study(sessions)
    assert (study.number_of_series, study.number_of_instances) == (1, 7)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ImagingInstance)) == 7
        [counted] = await session.scalars(select(ImagingSeries.number_of_instances))
    assert counted == 7


async def test_further_images_are_counted_in_the_file_once_they_are_made_ready(
    bench: Door, cast: Cast, sessions: Sessions
) -> None:
    same = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.2"}
    for _sent in range(3):
        await arrive(bench, cast.rural, slice_of(cast, **same))
    study, entry = await the_study(sessions), select(RecordEntry)
    async with transaction(sessions) as session:
        first = (await session.scalars(entry.where(RecordEntry.source_id == study.id))).one()
    preparer = Preparer(sessions=sessions, objects=bench.objects, sandbox=bench.sandbox, data=bench.folder)
    assert len(await preparer.prepare_lot()) == 3
    async with transaction(sessions) as session:
        told = (await session.scalars(entry.where(RecordEntry.source_id == study.id))).one()
    assert (first.version, first.resource["numberOfInstances"]) == (1, 1), "not a version for each image"
    assert (told.version, told.resource["numberOfInstances"]) == (2, 3)


async def test_a_new_series_is_in_the_file_at_once(bench: Door, cast: Cast, sessions: Sessions) -> None:
    for number in (2, 3):
        await arrive(bench, cast.rural, slice_of(cast, StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.{number}"))
    study = await the_study(sessions)
    async with transaction(sessions) as session:
        entry = (await session.scalars(select(RecordEntry).where(RecordEntry.source_id == study.id))).one()
    assert (entry.resource["numberOfSeries"], study.number_of_series) == (2, 2)


async def test_of_a_lot_that_fails_at_its_last_row_nothing_stays(
    bench: Door, cast: Cast, sessions: Sessions, clean_database: DatabaseUrls
) -> None:
    with psycopg.connect(clean_database.owner, autocommit=True) as owner:
        owner.execute("alter table audit_event add constraint none_stored check (action <> 'images-stored')")
        try:
            with pytest.raises(IntegrityError):
                await arrive(bench, cast.rural, slice_of(cast), slice_of(cast))
        finally:
            owner.execute("alter table audit_event drop constraint none_stored")
    assert not bench.stored_files()
    async with transaction(sessions) as session:
        for kind in (ImagingStudy, ImagingSeries, ImagingInstance, RecordEntry):
            assert not (await session.scalars(select(kind.id))).all()
    [again] = await arrive(bench, cast.rural, slice_of(cast))
    assert again.refusal is None
