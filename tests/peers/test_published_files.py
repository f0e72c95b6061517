"""Every file that pydicom publishes: given back byte for byte, drawn or refused in words, never a failure."""

import hashlib
from collections import Counter

from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.settings import Settings
from tests import consult_steps
from tests.peers.published import FEWEST_DRAWN, FEWEST_KEPT, FILES, NAMES, PAGE, fates, page
from tests.people import Cast
from tests.teleconsult.imaging.steps import door
from tests.web.dicomweb_steps import Client, asker

SOME = [path for path in FILES.values() if b"DICM" in path.read_bytes()[:132]][::5]
"""For the way over HTTP, where each takes four requests."""


async def test_the_page_says_what_becomes_of_each(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        told = await fates(opened, sessions, cast.rural, list(FILES))
    kept = [fate for fate in told.values() if not fate.not_kept]
    assert len(kept) >= FEWEST_KEPT
    assert all(fate.is_same for fate in kept)
    assert sum(not fate.not_drawn for fate in kept) >= FEWEST_DRAWN
    assert {name: told[f"charset_files/{name}.dcm"].name for name in NAMES} == NAMES
    assert page(told) == PAGE.read_text(), "write it anew: python -m tests.peers.published"


async def test_some_of_them_over_dicomweb(client: Client, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    consult = await consult_steps.drafted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, *(path.read_bytes() for path in SOME))
    by_digest = {hashlib.sha256(path.read_bytes()).digest(): path for path in SOME}
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
    assert len(kept) >= 30, "some carry the UID of another one"
    assert statuses[200] >= 20, "the others hold no picture, or one that is damaged"
