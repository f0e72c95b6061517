"""Every file that pydicom publishes: given back byte for byte, drawn or refused in words, never a failure."""

import hashlib
from collections import Counter

from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import REAL
from tests.teleconsult.imaging.steps import door
from tests.web.dicomweb_steps import Client, asker

FILES = sorted(path for path in REAL.parent.rglob("*") if path.is_file() and b"DICM" in path.read_bytes()[:132])


async def test_every_published_file(client: Client, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    consult = await consult_steps.drafted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, *(path.read_bytes() for path in FILES))
    by_digest = {hashlib.sha256(path.read_bytes()).digest(): path for path in FILES}
    rural = await asker(client, sessions, cast.rural)
    async with transaction(sessions) as session:
        kept = (
            await session.execute(
                select(ImagingStudy.study_instance_uid, ImagingSeries.series_instance_uid, ImagingInstance)
                .join(ImagingSeries, ImagingSeries.imaging_study_id == ImagingStudy.id)
                .join(ImagingInstance, ImagingInstance.imaging_series_id == ImagingSeries.id)
            )
        ).all()
    statuses: Counter[int] = Counter()
    for study, series, instance in kept:
        place = f"/studies/{study}/series/{series}/instances/{instance.sop_instance_uid}"
        whole = await rural.get(place, "application/dicom")
        assert await whole.read() == by_digest[instance.sha256].read_bytes(), place
        metadata = await rural.get(f"{place}/metadata")
        (told,) = await metadata.json(content_type=None)
        assert told["00080018"]["Value"] == [instance.sop_instance_uid]
        frame, drawn = await rural.get(f"{place}/frames/1"), await rural.get(f"{place}/rendered")
        assert frame.status in (200, 404, 406), (place, frame.status)
        assert drawn.status in (200, 406), (place, drawn.status)
        assert drawn.status == 200 or (await drawn.json())["error"].endswith(".")
        statuses[drawn.status] += 1
    assert len(kept) >= 129, "many carry the UID of another one, some none"
    assert statuses[200] >= 69, "the others hold no picture, or one that is damaged"
