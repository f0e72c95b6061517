"""WADO-RS: single frames and long values, cut out of the stored file without reading the rest."""

import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import REAL, dicom_bytes
from tests.teleconsult.imaging.steps import door
from tests.web.dicomweb_steps import (
    BIG_ENDIAN,
    BROKEN,
    CT,
    REPORT,
    RGB,
    US,
    Asker,
    Client,
    address,
    asker,
    header,
    images,
)
from tests.web.test_wado import parts_of

__all__ = ["images"]

ANY = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
OCTETS = "application/octet-stream"


@pytest.fixture
async def specialist(client: Client, sessions: Sessions, cast: Cast, images: None) -> Asker:
    return await asker(client, sessions, cast.specialist)


async def test_native_frames(specialist: Asker) -> None:
    rgb = pydicom.dcmread(RGB)
    for accept in (
        OCTETS,
        "*/*;q=0.5, application/octet-stream",
        "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
    ):
        answer = await specialist.get(f"{address(RGB)}/frames/1", accept)
        assert await answer.read() == rgb.PixelData
        assert answer.headers["Content-Type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    big = await specialist.get(f"{address(BIG_ENDIAN)}/frames/1", OCTETS)
    assert await big.read() == pydicom.dcmread(BIG_ENDIAN).pixel_array.astype("<i2").tobytes()
    part = await specialist.get(f"{address(RGB)}/frames/1", OCTETS, Range="bytes=10-19")
    assert (part.status, await part.read()) == (206, rgb.PixelData[10:20])


async def test_encapsulated_frames_as_they_are_stored(specialist: Asker) -> None:
    us = pydicom.dcmread(US)
    stored = list(generate_frames(us.PixelData, number_of_frames=30))
    syntax, media = us.file_meta.TransferSyntaxUID, "image/jpeg"
    answer = await specialist.get(f"{address(US)}/frames/30,1,7", f'multipart/related; type="{media}"')
    assert [content for _kind, content in await parts_of(answer)] == [stored[29], stored[0], stored[6]]
    assert {kind for kind, _content in await parts_of(answer)} == {f"{media}; transfer-syntax={syntax}"}
    alone = await specialist.get(f"{address(US)}/frames/2", media)
    assert await alone.read() == stored[1]
    ((kind, content),) = await parts_of(await specialist.get(f"{address(US)}/frames/3", ANY))
    assert (kind, content) == (f"{media}; transfer-syntax={syntax}", stored[2])
    many = await specialist.get(f"{address(US)}/bulkdata/7FE00010", ANY)
    assert [content for _kind, content in await parts_of(many)] == stored


async def test_decoded_where_that_is_wanted(specialist: Asker) -> None:
    ct = pydicom.dcmread(CT)
    answer = await specialist.get(f"{address(CT)}/frames/1", OCTETS)
    assert np.array_equal(np.frombuffer(await answer.read(), "<i2").reshape(512, 512), ct.pixel_array)
    tag = answer.headers["ETag"]
    assert (await specialist.get(f"{address(CT)}/frames/1", OCTETS, **{"If-None-Match": tag})).status == 304
    assert (await specialist.get(f"{address(CT)}/frames/1", "image/jp2", **{"If-None-Match": tag})).status == 200


async def test_what_cannot_be_had(specialist: Asker) -> None:
    for path, accept, status in (
        (f"{address(US)}/frames/31", "*/*", 404),
        (f"{address(US)}/frames/0", "*/*", 404),
        (f"{address(US)}/frames/1,99", "*/*", 404),
        (f"{address(US)}/frames/x", "*/*", 404),
        (f"{address(US)}/frames/1,2", "image/jpeg", 406),
        (f"{address(US)}/frames/1", "image/jls", 406),
        (f"{address(US)}/frames/1", OCTETS, 406),
        (f"{address(US)}/frames/" + ",".join(["1"] * 1001), "*/*", 400),
        (f"{address(REPORT)}/frames/1", "*/*", 404),
        (f"{address(BROKEN)}/frames/1", OCTETS, 406),
        (f"{address(CT)}/bulkdata/00091001", "*/*", 404),
        (f"{address(CT)}/bulkdata/00081140/7/00081150", "*/*", 404),
        (f"{address(CT)}/bulkdata/7FE00010", "image/png", 406),
    ):
        answer = await specialist.get(path, accept)
        assert answer.status == status, (path[-20:], accept, await answer.text())
        assert (await answer.json())["error"].endswith(".")


async def test_long_values(client: Client, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    ds = header(CT)
    consult = await consult_steps.submitted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    ecg = REAL / "waveform_ecg.dcm"
    bits = dicom_bytes(
        BitsAllocated=1, BitsStored=1, HighBit=0, PixelRepresentation=0, Rows=3, Columns=3, NumberOfFrames=2,
        PixelData=bytes([0b10101010, 0b11111111, 0b01, 0]),
    )  # fmt: skip
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, ecg.read_bytes(), bits)
    rural = await asker(client, sessions, cast.rural)
    told = (await rural.found(f"/studies/{header(ecg).StudyInstanceUID}/instances?includefield=all"))[0]
    waveform = told["54000100"]["Value"][0]["54001010"]["BulkDataURI"]
    answer = await rural.get(waveform.split("/dicomweb")[1], ANY)
    ((_kind, content),) = await parts_of(answer)
    assert content == header(ecg).WaveformSequence[0].WaveformData
    assert ds.StudyInstanceUID not in waveform
    (mask,) = await rural.found("/instances?PatientID=X1")
    base = mask["00081190"]["Value"][0].split("/dicomweb")[1]
    for frame, expected in ((1, b"\xaa\x01"), (2, b"\xff\x00")):
        assert await (await rural.get(f"{base}/frames/{frame}", OCTETS)).read() == expected
