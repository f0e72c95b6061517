"""What the viewer fetches first over a thin link: many small pictures at once, and frames by their beginning."""

import gzip
import html
import json
import shutil
import struct
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless, generate_uid
from sqlalchemy import func, select

import teleconsult.imaging.prepared
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.actions import reconcile_study
from teleconsult.imaging.filming import film
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.preparing import Preparer
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.files import HEAD, REAL, dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]

CT = pydicom.dcmread(HEAD)
US = pydicom.dcmread(REAL / "examples_ybr_color.dcm", stop_before_pixels=True)
BROKEN_FILE = dicom_bytes(RLELossless, PixelData=encapsulate([b"\0" * 64]))
BROKEN = pydicom.dcmread(BytesIO(BROKEN_FILE))
STUDY, SERIES = generate_uid(), generate_uid()


@pytest.fixture(autouse=True)
async def shared(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[None]:
    """A series of three slices and a report, brought out of order, and others' studies, all confirmed."""
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    of_series: dict[str, Any] = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "side": 100}
    slices = [dicom_bytes(InstanceNumber=number, shade=10 * number, **of_series) for number in (3, 1, 2)]
    report = dicom_bytes(InstanceNumber=4, PhotometricInterpretation="NONE", **of_series)
    names = ("J2K_pixelrep_mismatch.dcm", "examples_ybr_color.dcm")
    async with door(sessions, settings.data) as opened:
        await opened.bring(
            cast.rural, consult.id, *slices, report, BROKEN_FILE, *[(REAL / name).read_bytes() for name in names]
        )
    async with transaction(sessions) as session:
        for study in await session.scalars(select(ImagingStudy)):
            await reconcile_study(session, cast.rural, study_id=study.id)
    yield


def previews_of(slices: str, *, study: str = STUDY, series: str = SERIES) -> str:
    return f"/studies/{study}/series/{series}/previews?slices={slices}"


def codestream_of(ds: pydicom.Dataset, frame: int = 1, what: str = "codestream") -> str:
    return f"/studies/{ds.StudyInstanceUID}/instances/{ds.SOPInstanceUID}/frames/{frame}/{what}"


def records_in(body: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(body):
        number, length = struct.unpack_from(">II", body, at)
        found.append((number, body[at + 8 : at + 8 + length]))
        at += 8 + length
    return found


async def test_small_pictures_in_the_order_asked_for(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    answer = await client.get(previews_of("3,1,2,4"))
    assert answer.status == 200
    assert answer.content_type == "application/octet-stream"
    assert "private" in answer.headers["Cache-Control"]
    records = records_in(await answer.read())
    assert [number for number, _picture in records] == [3, 1, 2, 4]
    assert records[3][1] == b"", "it cannot be shown"
    pictures = {number: Image.open(BytesIO(picture)) for number, picture in records[:3]}
    assert {(one.format, one.size) for one in pictures.values()} == {("WEBP", (100, 100))}
    greys = [np.asarray(pictures[number].convert("L")).mean() for number in (1, 2, 3)]
    assert greys == sorted(greys), "by the number of the instance, whatever came first"
    again = await client.get(previews_of("3,1,2,4"), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    other = await client.get(previews_of("1,3"), headers={"If-None-Match": answer.headers["ETag"]})
    assert other.status == 200


async def test_a_series_that_grew_gives_no_picture_for_a_place_that_may_be_anothers(
    client: Client, signed_in: SignIn
) -> None:
    await signed_in("specialist")
    for of in (3, 5):
        answer = await client.get(f"{previews_of('3,1')}&of={of}")
        assert answer.headers["Cache-Control"] == "no-store"
        assert records_in(await answer.read()) == [(3, b""), (1, b"")]
    same, plain = [await client.get(previews_of("3,1") + of) for of in ("&of=4", "")]
    assert await same.read() == await plain.read()
    assert (await client.get(f"{previews_of('1')}&of=four")).status == 400


async def test_each_frame_has_its_place(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    where = {"study": US.StudyInstanceUID, "series": US.SeriesInstanceUID}
    records = records_in(await (await client.get(previews_of("30,1", **where))).read())
    assert [number for number, picture in records if 0 < len(picture) <= 9 * 1024] == [30, 1]
    where = {"study": BROKEN.StudyInstanceUID, "series": BROKEN.SeriesInstanceUID}
    assert records_in(await (await client.get(previews_of("1", **where))).read()) == [(1, b"")]


async def films_told(client: Client) -> object:
    """Of which images the viewer's page says that there is a video."""
    page = await (await client.get(f"/studies/{US.StudyInstanceUID}")).text()
    told = page.partition('data-viewer-manifest-value="')[2].partition('"')[0]
    return json.loads(html.unescape(told))["films"]


async def make_ready(sessions: Sessions, settings: Settings) -> None:
    """What the worker does."""
    sandbox = Sandbox(workers=1)
    objects = Objects(open_store(None, settings.data))
    preparer = Preparer(sessions=sessions, objects=objects, sandbox=sandbox, data=settings.data)
    while ready := await preparer.prepare_lot():
        for one in ready:
            await film(sessions, objects, sandbox, data=settings.data, instance_id=one)
    await sandbox.close()


async def test_what_was_made_beforehand_is_what_would_be_made(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings
) -> None:
    await signed_in("specialist")
    whole, part = {"Range": "bytes=0-"}, {"Range": "bytes=10-99"}
    asked = [
        *((previews_of("3,1,4,2"), {}), (codestream_of(CT), whole), (codestream_of(CT), part)),
        *((codestream_of(US, 30), whole), (codestream_of(US, 2, "rendered") + "?size=512", {})),
        *((codestream_of(CT, what="rendered"), {}), (f"/studies/{US.StudyInstanceUID}/thumbnail", {})),
    ]

    async def told() -> list[tuple[object, ...]]:
        answers = [await client.get(path, headers=headers) for path, headers in asked]
        names = "Pixel-Description", "ETag"
        return [(one.status, await one.read(), *(one.headers.get(name) for name in names)) for one in answers]

    before = await told()
    await make_ready(sessions, settings)
    assert {status for status, *_rest in before} == {200, 206}
    assert await told() == before


async def test_a_large_frame_is_read_in_pieces(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await signed_in("specialist")
    await make_ready(sessions, settings)
    body = await (await client.get(codestream_of(CT))).read()
    monkeypatch.setattr(teleconsult.imaging.prepared, "CHUNK", 1000)
    answer = await client.get(codestream_of(CT), headers={"Range": "bytes=500-2999"})
    assert (answer.status, await answer.read()) == (206, body[500:3000])
    assert json.loads(answer.headers["Pixel-Description"])["levels"][-1][2] == len(body)


async def test_moving_images_as_a_video(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings
) -> None:
    await signed_in("specialist")
    place = codestream_of(US).rpartition("/frames")[0] + "/cine"
    assert (await client.get(place)).status == 404, "not yet"
    assert await films_told(client) == []
    await make_ready(sessions, settings)
    assert await films_told(client) == [US.SOPInstanceUID]
    answer = await client.get(place)
    video = await answer.read()
    assert (answer.status, answer.content_type, video[:4]) == (200, "video/webm", b"\x1aE\xdf\xa3")
    middle = await client.get(place, headers={"Range": "bytes=100-199", "If-Range": answer.headers["ETag"]})
    assert (middle.status, await middle.read()) == (206, video[100:200])
    assert (await client.get(place, headers={"If-None-Match": answer.headers["ETag"]})).status == 304
    assert (await client.get(codestream_of(CT).rpartition("/frames")[0] + "/cine")).status == 404
    await signed_in("stranger")
    assert (await client.get(place)).status == 404


async def test_a_wrong_question(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    many = ",".join(["1"] * 65)
    for slices, status in ((many, 400), ("", 400), ("1,x", 400), ("-1", 400), ("0", 404), ("5", 404), ("9" * 9, 404)):
        answer = await client.get(previews_of(slices), headers={"Accept": "application/json"})
        assert answer.status == status, slices[:9]
        assert (await answer.json())["error"].endswith(".")
    assert (await client.get(previews_of(many[2:]))).status == 200
    assert (await client.get(previews_of("1", series="1.2.3"))).status == 404
    assert (await client.get(previews_of("1") + "&id=x")).status == 404


async def test_a_frame_is_exact_and_each_beginning_is_one(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    answer = await client.get(codestream_of(CT))
    body = await answer.read()
    described, told = [
        json.loads((await client.get(codestream_of(CT, what=what))).headers["Pixel-Description"])
        for what in ("codestream", "pixels")
    ]
    levels = described.pop("levels")
    assert described == told
    assert answer.content_type == "image/jphc"
    assert np.array_equal(imagecodecs.htj2k_decode(body), CT.pixel_array)
    assert [level[:2] for level in levels] == [[64, 64], [128, 128], [256, 256], [512, 512]]
    assert levels[-1][2] == len(body)
    for left, (width, height, end) in enumerate(reversed(levels)):
        part = await client.get(codestream_of(CT), headers={"Range": f"bytes=0-{end - 1}"})
        assert part.status == 206
        beginning = imagecodecs.htj2k_decode(await part.read(), skipres=left)
        assert beginning.shape == (height, width)
        assert np.array_equal(beginning, imagecodecs.htj2k_decode(body, skipres=left))


async def test_ranges_of_a_frame(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    whole = await client.get(codestream_of(CT))
    body, tag = await whole.read(), whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    for asked, held, status, expected in (
        ("bytes=100-199", tag, 206, body[100:200]),
        (f"bytes={len(body) - 5}-", tag, 206, body[-5:]),
        ("bytes=100-199", '"other"', 200, body),
        (f"bytes={len(body)}-", tag, 416, b""),
    ):
        part = await client.get(codestream_of(CT), headers={"Range": asked, "If-Range": held})
        assert (part.status, await part.read()) == (status, expected)
    assert (await client.get(codestream_of(CT), headers={"If-None-Match": tag})).status == 304


async def test_colour_is_exact(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    pixels = await (await client.get(codestream_of(US, 7, "pixels"), auto_decompress=False)).read()
    answer = await client.get(codestream_of(US, 7))
    samples = np.frombuffer(gzip.decompress(pixels) if pixels.startswith(b"\x1f\x8b") else pixels, np.uint8)
    assert np.array_equal(imagecodecs.htj2k_decode(await answer.read()).ravel(), samples)
    assert json.loads(answer.headers["Pixel-Description"])["samples"] == 3


async def test_what_cannot_be_shown_says_so(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    answer = await client.get(codestream_of(BROKEN))
    assert answer.status == 406
    assert (await answer.json())["error"].endswith(".")
    for frame in (0, 2):
        assert (await client.get(codestream_of(CT, frame))).status == 404


@pytest.mark.parametrize("who", ["colleague", "coordinator", "admin", "stranger"])
async def test_nobody_else_learns_that_it_is_there(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    assert (await client.get(previews_of("1"))).status == 404
    assert (await client.get(codestream_of(CT))).status == 404


async def test_who_fetches_either_has_opened_the_study(client: Client, signed_in: SignIn, sessions: Sessions) -> None:
    await signed_in("specialist")
    assert (await client.get(previews_of("1"))).status == 200
    assert (await client.get(previews_of("2"))).status == 200
    assert (await client.get(codestream_of(CT))).status == 200
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "study-opened")) == 2


async def test_what_was_lost_is_made_again(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings
) -> None:
    await signed_in("specialist")
    cine = codestream_of(US).rpartition("/frames")[0] + "/cine"
    asked = codestream_of(CT), codestream_of(CT, what="rendered"), previews_of("3,1,4,2")
    await make_ready(sessions, settings)
    before = [await (await client.get(path)).read() for path in asked]
    shutil.rmtree(settings.data / "objects" / "rendition")
    after = [await client.get(path) for path in asked]
    assert [(one.status, await one.read()) for one in after] == [(200, body) for body in before]
    assert (await client.get(cine)).status == 404, "a video takes minutes"
