"""WADO-RS: frames as HTJ2K, and instances decoded: the values of what is stored, in another transfer syntax."""

from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import REAL, dicom_bytes
from tests.teleconsult.imaging.steps import door
from tests.web.dicomweb_steps import BIG_ENDIAN, CT, REPORT, RGB, US, Asker, Client, address, asker, images
from tests.web.test_wado import parts_of

__all__ = ["images"]

HTJ2K = "1.2.840.10008.1.2.4.202"
DECODED = f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"


@pytest.fixture
async def specialist(client: Client, sessions: Sessions, cast: Cast, images: None) -> Asker:
    return await asker(client, sessions, cast.specialist)


@pytest.mark.parametrize("syntax", [HTJ2K, "1.2.840.10008.1.2.4.201"])
async def test_frames_as_htj2k_have_the_stored_values(specialist: Asker, syntax: str) -> None:
    for path in (CT, RGB, BIG_ENDIAN):
        wanted = f'multipart/related; type="image/jphc"; transfer-syntax={syntax}'
        ((kind, content),) = await parts_of(await specialist.get(f"{address(path)}/frames/1", wanted))
        assert kind == f"image/jphc; transfer-syntax={syntax}"
        stored = pydicom.dcmread(path)
        coded = imagecodecs.htj2k_decode(content)
        assert np.array_equal(coded, stored.pixel_array)
        assert coded.dtype.kind == ("i" if stored.PixelRepresentation else "u")
    alone = await specialist.get(f"{address(CT)}/frames/1", "image/jphc", Range="bytes=0-99")
    assert (alone.status, len(await alone.read())) == (206, 100)
    assert alone.headers["Content-Type"] == f"image/jphc; transfer-syntax={HTJ2K}"


async def test_what_cannot_be_coded(specialist: Asker) -> None:
    for path, accept, status in (
        (f"{address(US)}/frames/1", "image/jphc", 406),  # its samples are another colour space's than those decoded
        (f"{address(CT)}/frames/1", "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.203", 406),
        (f"{address(CT)}/frames/2", "image/jphc", 404),
        (f"{address(REPORT)}/frames/1", "image/jphc", 404),
    ):
        answer = await specialist.get(path, accept)
        assert answer.status == status, path
        assert (await answer.json())["error"].endswith(".")


@pytest.mark.parametrize("path", [CT, US, REAL / "MR_small_RLE.dcm", REAL / "MR_small_implicit.dcm"])
async def test_an_instance_decoded(
    client: Client, sessions: Sessions, settings: Settings, cast: Cast, path: object
) -> None:
    kept = pydicom.dcmread(str(path))
    kept.StudyInstanceUID = kept.SeriesInstanceUID = generate_uid()
    kept.SOPInstanceUID = kept.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    file = BytesIO()
    kept.save_as(file)
    consult = await consult_steps.submitted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, file.getvalue())
    rural = await asker(client, sessions, cast.rural)
    place = f"/studies/{kept.StudyInstanceUID}/series/{kept.SeriesInstanceUID}/instances/{kept.SOPInstanceUID}"
    answer = await rural.get(place, DECODED)
    body = await answer.read()
    assert (answer.status, answer.headers["Content-Type"]) == (200, DECODED), body
    assert int(answer.headers["Content-Length"]) == len(body)
    decoded = pydicom.dcmread(BytesIO(body))
    assert decoded.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(decoded.pixel_array, kept.pixel_array)
    assert [(one.tag, one.value) for one in decoded if one.tag.group < 0x28 and not one.tag.is_private] == [
        (one.tag, one.value) for one in kept if one.tag.group < 0x28 and not one.tag.is_private
    ]
    ((kind, part),) = await parts_of(
        await rural.get(place, f'multipart/related; type="application/dicom"; transfer-syntax={ExplicitVRLittleEndian}')
    )
    assert (kind, part) == (DECODED, body)
    for begin in (0, 100, len(body) - len(body) // 3, len(body) - 1):
        some = await rural.get(place, DECODED, Range=f"bytes={begin}-{len(body) - 1}")
        assert (some.status, await some.read()) == (206, body[begin:])
    tag = answer.headers["ETag"]
    assert (await rural.get(place, DECODED, **{"If-None-Match": tag})).status == 304
    assert (await rural.get(place, "application/dicom", **{"If-None-Match": tag})).status == 200


async def test_an_odd_number_of_bytes_is_filled_up(
    client: Client, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    odd = dicom_bytes(
        ImplicitVRLittleEndian, side=3, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
        NumberOfFrames=3, PixelData=bytes(range(27)) + b"\0",
    )  # fmt: skip
    kept = pydicom.dcmread(BytesIO(odd))
    consult = await consult_steps.submitted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, odd)
    rural = await asker(client, sessions, cast.rural)
    place = f"/studies/{kept.StudyInstanceUID}/series/{kept.SeriesInstanceUID}/instances/{kept.SOPInstanceUID}"
    body = await (await rural.get(place, DECODED)).read()
    assert pydicom.dcmread(BytesIO(body)).PixelData == bytes(range(27)) + b"\0"
    last = await rural.get(place, DECODED, Range=f"bytes={len(body) - 1}-")
    assert await last.read() == b"\0"


async def test_what_cannot_be_decoded(specialist: Asker) -> None:
    for place, accept in (
        (address(BIG_ENDIAN), DECODED),
        (address(REPORT), "application/dicom; transfer-syntax=1.2.840.10008.1.2"),
        (address(CT), f"application/dicom; transfer-syntax={HTJ2K}"),
    ):
        answer = await specialist.get(place, accept)
        assert answer.status == 406, place
        assert (await answer.json())["error"].endswith(".")
