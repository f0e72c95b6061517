"""What thin links need is made once the images are here, once, and goes with them."""

import io
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless, generate_uid
from sqlalchemy import func, select, text

from teleconsult import jobs
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.imaging import preparing
from teleconsult.imaging.actions import remove_study
from teleconsult.imaging.filming import BEHIND, film
from teleconsult.imaging.frames import decode_frame
from teleconsult.imaging.jobs import images_waiting
from teleconsult.imaging.models import ImagingInstance, ImagingRendition, ImagingStudy, RenditionKind
from teleconsult.imaging.packs import Span
from teleconsult.imaging.prepared import prepared, read
from teleconsult.imaging.preparing import Preparer
from teleconsult.imaging.rendering import Drawing, drawn
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import HEAD, REAL, dicom_bytes, radiograph
from tests.teleconsult.imaging.steps import Door, door

US = (REAL / "examples_ybr_color.dcm").read_bytes()
BROKEN = dicom_bytes(RLELossless, PixelData=encapsulate([b"\0" * 64]))


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions) -> ServiceRequest:
    return await consult_steps.drafted(cast, sessions)


@pytest.fixture
async def at(sessions: Sessions, tmp_path: Path) -> AsyncIterator[Door]:
    async with door(sessions, tmp_path) as opened:
        yield opened


def preparer(at: Door, sessions: Sessions) -> Preparer:
    return Preparer(sessions=sessions, objects=at.objects, sandbox=at.sandbox, data=at.folder)


def series(count: int, **values: Any) -> list[bytes]:
    same: dict[str, Any] = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "side": 80}
    return [dicom_bytes(InstanceNumber=number + 1, shade=number, **(same | values)) for number in range(count)]


async def packed(sessions: Sessions, kind: RenditionKind, content: bytes, frame: int = 1) -> Span | None:
    """Where that of a frame of this file lies."""
    uid = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True).SOPInstanceUID
    async with transaction(sessions) as session:
        found = await session.scalar(select(ImagingInstance.id).where(ImagingInstance.sop_instance_uid == uid))
        assert found is not None
        return (await prepared(session, kind, [(found, frame)])).get((found, frame))


async def rows(sessions: Sessions) -> dict[str, int]:
    async with transaction(sessions) as session:
        counted = select(ImagingRendition.kind, func.count()).group_by(ImagingRendition.kind)
        return {str(kind): count for kind, count in await session.execute(counted)}


async def test_a_series_is_packed_into_one_object_a_kind(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door
) -> None:
    slices = series(5)
    await at.bring(cast.rural, consult.id, *slices)
    before = set(at.stored_files())
    assert await images_waiting(sessions) == 5
    assert len(await preparer(at, sessions).prepare_lot()) == 5
    assert await rows(sessions) == {"preview": 5, "codestream": 5, "thumbnail": 5}
    assert len(set(at.stored_files()) - before) == 3
    assert await images_waiting(sessions) == 0
    for number, content in enumerate(slices):
        span = await packed(sessions, RenditionKind.CODESTREAM, content)
        assert span is not None
        found = await read(at.objects, span)
        assert found is not None and found.content is not None
        samples = pydicom.dcmread(io.BytesIO(content)).pixel_array
        assert np.array_equal(imagecodecs.htj2k_decode(found.content), samples), number
        assert found.head["levels"] == [[40, 40, found.head["levels"][0][2]], [80, 80, span.length]]
        small = await packed(sessions, RenditionKind.PREVIEW, content)
        assert small is not None
        picture = await read(at.objects, small)
        assert picture is not None and picture.content is not None
        assert Image.open(io.BytesIO(picture.content)).size == (80, 80)
        assert await packed(sessions, RenditionKind.PREVIEW, content, 2) is None


async def test_a_second_time_changes_nothing(cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door) -> None:
    await at.bring(cast.rural, consult.id, *series(2))
    await preparer(at, sessions).prepare_lot()
    before = set(at.stored_files())
    assert await preparer(at, sessions).prepare_lot() == []
    async with transaction(sessions) as session:  # as when two workers took the same images
        await session.execute(text("update imaging_instance set prepared_at = null"))
    late = preparer(at, sessions)
    waiting = await late._newest()
    async with transaction(sessions) as session:
        await session.execute(text("update imaging_instance set prepared_at = now()"))
    lot = preparing._Lot({RenditionKind.PREVIEW: io.BytesIO()}, done=waiting)
    await late._keep(lot)
    assert set(at.stored_files()) == before
    assert await rows(sessions) == {"preview": 2, "codestream": 2, "thumbnail": 2}


async def test_the_newest_study_comes_first_and_a_large_one_in_lots(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MOST_INSTANCES", 2)
    old, new = series(1), series(3)
    await at.bring(cast.rural, consult.id, *old)
    await at.bring(cast.rural, consult.id, *new)
    done = [await preparer(at, sessions).prepare_lot() for _turn in range(4)]
    assert [len(lot) for lot in done] == [2, 1, 1, 0]
    async with transaction(sessions) as session:
        uids = await session.scalars(select(ImagingInstance.sop_instance_uid).where(ImagingInstance.id.in_(done[2])))
        assert list(uids) == [pydicom.dcmread(io.BytesIO(old[0])).SOPInstanceUID]


async def test_what_cannot_be_read_is_noted_once(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door
) -> None:
    report = (REAL / "test-SR.dcm").read_bytes()
    await at.bring(cast.rural, consult.id, BROKEN, report)
    while await preparer(at, sessions).prepare_lot():
        pass
    assert await images_waiting(sessions) == 0
    async with transaction(sessions) as session:
        (row,) = await session.scalars(select(ImagingRendition))
    assert (row.kind, row.refusal, row.object_key) == (RenditionKind.PREVIEW, "damaged", "")
    assert not [path for path in at.stored_files() if "rendition" in path.parts]


async def test_what_lost_something_is_left_as_it_is(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door
) -> None:
    await at.bring(cast.rural, consult.id, US, HEAD.read_bytes())
    while await preparer(at, sessions).prepare_lot():
        pass
    assert await packed(sessions, RenditionKind.CODESTREAM, US) is None
    assert await packed(sessions, RenditionKind.PREVIEW, US, 30) is not None
    assert await packed(sessions, RenditionKind.CODESTREAM, HEAD.read_bytes()) is not None
    span = await packed(sessions, RenditionKind.THUMBNAIL, US)
    assert span is not None


async def test_moving_images_become_a_video(cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door) -> None:
    await at.bring(cast.rural, consult.id, US, *series(1))
    ids = [one for _turn in range(2) for one in await preparer(at, sessions).prepare_lot()]
    made = [await film(sessions, at.objects, at.sandbox, data=at.folder, instance_id=one) for one in [*ids, *ids]]
    assert sorted(made) == [False, False, False, True]
    span = await packed(sessions, RenditionKind.CINE, US)
    assert span is not None
    with av.open(io.BytesIO(await at.objects.get(span.object_key)), "r") as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("vp9", 320, 240)
        assert sum(1 for _frame in video.decode(stream)) == 30
    assert await film(sessions, at.objects, at.sandbox, data=at.folder, instance_id=uuid.uuid4()) is False


async def test_a_study_taken_back_takes_it_along(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door
) -> None:
    await at.bring(cast.rural, consult.id, *series(2))
    late = preparer(at, sessions)
    waiting = await late._newest()
    await preparer(at, sessions).prepare_lot()
    async with transaction(sessions, cast.rural) as session:
        study_id = await session.scalar(select(ImagingStudy.id))
        assert study_id is not None
        _consult, keys = await remove_study(session, cast.rural, study_id=study_id)
    for key in keys:
        await at.objects.delete(key)
    assert at.stored_files() == []
    assert await rows(sessions) == {}
    lot = preparing._Lot({RenditionKind.PREVIEW: io.BytesIO()}, done=waiting)
    await late._keep(lot)
    assert await rows(sessions) == {}, "a job that comes after the removal leaves nothing"


async def test_a_video_that_could_not_be_kept_is_made_later(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door, settings: Settings
) -> None:
    await at.bring(cast.rural, consult.id, US)
    await preparer(at, sessions).prepare_lot()
    folder = at.folder / "objects" / "rendition"
    folder.rename(at.folder / "away")
    folder.touch()
    await work(sessions, settings, at)
    assert "cine" not in await rows(sessions)
    async with transaction(sessions) as session:
        film_job = "select status::text, attempts, priority from procrastinate_jobs where task_name = 'film_images'"
        assert (await session.execute(text(film_job))).all() == [("todo", 1, BEHIND - 1)], "and others come first"


async def work(sessions: Sessions, settings: Settings, at: Door) -> None:
    """What a worker does until there is nothing to do."""
    here = settings.model_copy(update={"data": at.folder})
    async with jobs.connected(settings.database_url or "") as app:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions, "settings": here},
        )


async def test_the_worker_does_it_by_itself_and_never_twice_at_once(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door, settings: Settings
) -> None:
    for content in series(3):
        await at.bring(cast.rural, consult.id, content)
    async with transaction(sessions) as session:
        queued = "select count(*) from procrastinate_jobs where task_name = 'prepare_images'"
        assert await session.scalar(text(queued)) == 1, "one job, whatever number of lots"
    await work(sessions, settings, at)
    assert await images_waiting(sessions) == 0
    assert await rows(sessions) == {"preview": 3, "codestream": 3, "thumbnail": 3}


async def test_the_picture_of_a_large_compressed_frame_is_made(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, at: Door
) -> None:
    large = radiograph(1024)
    await at.bring(cast.rural, consult.id, large, radiograph(512), dicom_bytes(side=1024))
    while await preparer(at, sessions).prepare_lot():
        pass
    assert (await rows(sessions))["picture"] == 1
    span = await packed(sessions, RenditionKind.PICTURE, large)
    assert span is not None
    found = await read(at.objects, span)
    path = at.folder / "large"
    path.write_bytes(large)
    assert found is not None
    assert found.content == drawn(*decode_frame(path, 0), Drawing())
