"""WADO-RS: frames as pictures, drawn as they are asked for, or refused in words."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from aiohttp import ClientResponse
from PIL import Image
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.frames import decode_frame
from teleconsult.imaging.models import ImagingInstance, ImagingRendition, RenditionKind
from teleconsult.imaging.preparing import Preparer
from teleconsult.imaging.rendering import Drawing, drawn
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import radiograph
from tests.teleconsult.imaging.steps import door
from tests.web.dicomweb_steps import BROKEN, CT, REPORT, RGB, US, Asker, Client, address, asker, images
from web.api import wado_pictures

__all__ = ["images"]


@pytest.fixture
async def specialist(client: Client, sessions: Sessions, cast: Cast, images: None) -> Asker:
    return await asker(client, sessions, cast.specialist)


async def picture(answer: ClientResponse) -> Image.Image:
    assert answer.status == 200, await answer.text()
    return Image.open(BytesIO(await answer.read()))


async def test_each_form(specialist: Asker) -> None:
    for accept, kind in (("*/*", "JPEG"), ("image/png", "PNG"), ("image/webp;q=0.5, image/*;q=0.1", "WEBP")):
        drawn = await picture(await specialist.get(f"{address(CT)}/rendered", accept))
        assert (drawn.format, drawn.size) == (kind, (512, 512))
    assert (await picture(await specialist.get(f"{address(RGB)}/rendered"))).mode == "RGB"
    assert (await specialist.get(f"{address(CT)}/rendered", "image/gif")).status == 406
    assert (await specialist.get(f"{address(CT)}/rendered", "text/html")).status == 406


async def test_window_and_viewport(specialist: Asker) -> None:
    place = f"{address(CT)}/frames/1/rendered"

    async def grey(query: str) -> float:
        drawn = await picture(await specialist.get(f"{place}?{query}", "image/png"))
        return float(np.asarray(drawn.convert("L")).mean())

    means = {await grey(f"window={window}") for window in ("40,80", "480,2500", "40,80,sigmoid", "40,80,linear-exact")}
    assert len(means) == 4
    small = await picture(await specialist.get(f"{place}?viewport=200,100", "image/png"))
    assert small.size == (100, 100)
    part = await picture(await specialist.get(f"{place}?viewport=256,256,0,0,128,64", "image/png"))
    assert part.size == (256, 128)
    whole, turned = [
        np.asarray(await picture(await specialist.get(f"{place}?viewport=512,512,0,0,{width},512", "image/png")))
        for width in (512, -512)
    ]
    assert np.array_equal(whole, turned[:, ::-1])
    sizes = [len(await (await specialist.get(f"{place}?quality={q}")).read()) for q in (20, 95)]
    assert sizes[0] < sizes[1]


async def test_a_wrong_question(specialist: Asker) -> None:
    for query in (
        *("window=1", "window=a,b", "window=nan,5", "window=5,0", "window=1,2,cubic", "window=1,2,linear,3"),
        *(
            "viewport=0,5",
            "viewport=9",
            "viewport=1,2,3",
            "viewport=5000,5",
            "viewport=9,9,-1,0,5,5",
            "viewport=9,9,0,0,0,5",
        ),
        *("quality=0", "quality=101", "quality=x", "viewport=1e400,2"),
        *("quality=0050000000", f"quality=1{'0' * 4400}"),
    ):
        answer = await specialist.get(f"{address(CT)}/rendered?{query}")
        assert answer.status == 400, query
        assert (await answer.json())["error"].endswith(".")


async def test_thumbnails(specialist: Asker) -> None:
    for place in (address(US), address(US, level="series"), address(US, level="study"), f"{address(US)}/frames/30"):
        drawn = await picture(await specialist.get(f"{place}/thumbnail"))
        assert (drawn.format, max(drawn.size)) == ("JPEG", 128)
    larger = await picture(await specialist.get(f"{address(CT)}/thumbnail?viewport=300,300", "image/webp"))
    assert (larger.format, larger.size) == ("WEBP", (300, 300))


async def test_the_pictures_of_a_study_and_a_series_come_in_a_multipart(specialist: Asker) -> None:
    for level in ("study", "series"):
        answer = await specialist.get(f"{address(US, level=level)}/rendered?viewport=64,64", "multipart/related")
        assert (answer.status, answer.content_type) == (200, "multipart/related")
        body = await answer.read()
        head, _blank, rest = body.partition(b"\r\n\r\n")
        assert b"image/jpeg" in head
        assert (
            f"Content-Location: http://127.0.0.1:{specialist.client.port}/dicomweb{address(US)}/rendered".encode()
            in head
        )
        with Image.open(BytesIO(rest)) as drawn:
            assert (drawn.format, max(drawn.size)) == ("JPEG", 64)
        kept = {"If-None-Match": answer.headers["ETag"]}
        assert (await specialist.get(f"{address(US, level=level)}/rendered?viewport=64,64", **kept)).status == 304
    wanted = 'multipart/related; type="image/png"'
    answer = await specialist.get(f"{address(CT, level='study')}/rendered", wanted)
    assert b"Content-Type: image/png" in await answer.read()


async def test_pictures_are_bounded_and_never_one_alone(specialist: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"{address(CT, level='study')}/rendered"
    assert (await specialist.get(place, "image/jpeg")).status == 406
    assert (await specialist.get(f"{address(REPORT, level='study')}/rendered")).status == 404, "nothing to draw"
    assert (await specialist.get(f"{address(BROKEN, level='study')}/rendered")).status == 406
    assert (await specialist.get("/studies/1.2.3/rendered")).status == 404
    assert (await specialist.get(f"{place}?window=1")).status == 400
    monkeypatch.setattr(wado_pictures, "MOST", 0)
    answer = await specialist.get(place)
    assert (answer.status, "more than 0 pictures" in (await answer.json())["error"]) == (406, True)


async def test_what_cannot_be_shown_is_said(specialist: Asker) -> None:
    for path in (BROKEN, REPORT):
        for what in ("rendered", "frames/1/rendered", "thumbnail", "frames/1/thumbnail"):
            answer = await specialist.get(f"{address(path)}/{what}")
            assert answer.status == 406, (path, what)
            assert (await answer.json())["error"].endswith(".")
    assert (await specialist.get(f"{address(REPORT, level='study')}/thumbnail")).status == 404
    assert (await specialist.get(f"{address(US)}/frames/31/rendered")).status == 404


async def test_what_one_has_already(specialist: Asker) -> None:
    place = f"{address(CT)}/rendered"
    tag = (await specialist.get(place)).headers["ETag"]
    assert (await specialist.get(place, **{"If-None-Match": tag})).status == 304
    assert (await specialist.get(f"{place}?quality=30", **{"If-None-Match": tag})).status == 200


async def test_the_picture_of_a_large_frame_was_drawn_beforehand(
    client: Client, sessions: Sessions, settings: Settings, cast: Cast, tmp_path: Path
) -> None:
    content = radiograph(1024, SOPInstanceUID="1.2.3.4", SeriesInstanceUID="1.2.3", StudyInstanceUID="1.2")
    consult = await consult_steps.submitted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, content)
        await Preparer(
            sessions=sessions, objects=opened.objects, sandbox=opened.sandbox, data=settings.data
        ).prepare_lot()
        async with transaction(sessions) as session:
            kept = await session.scalars(select(ImagingInstance.object_key))
            coded = select(ImagingRendition.object_key).where(ImagingRendition.kind == RenditionKind.CODESTREAM)
            for key in (*kept, *await session.scalars(coded)):
                await opened.objects.delete(key)
    rural = await asker(client, sessions, cast.rural)
    answer = await rural.get("/studies/1.2/series/1.2.3/instances/1.2.3.4/rendered", "image/jpeg")
    path = tmp_path / "radiograph"
    path.write_bytes(content)
    assert (answer.status, await answer.read()) == (200, drawn(*decode_frame(path, 0), Drawing()))
