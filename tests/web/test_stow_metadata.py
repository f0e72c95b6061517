"""STOW-RS with metadata and bulk data apart: what is put together is the object that was meant."""

import json
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.settings import Settings
from tests.people import Cast
from tests.stow_steps import Answer, failures, send_body, slice_of, stored
from tests.system_steps import let_in, system_program
from tests.teleconsult.imaging.files import HEAD, REAL
from tests.web.fhir_client import Program
from web.api import stow_metadata
from web.requests import OBJECTS

Client = TestClient[web.Request, web.Application]
BOUNDARY = "apart"
JSON = "application/dicom+json"
RELATED = {"Content-Type": f'multipart/related; type="{JSON}"; boundary={BOUNDARY}'}
Part = tuple[str, str, bytes]


@pytest.fixture
async def scanner(client: Client, settings: Settings, sessions: Sessions, cast: Cast) -> Program:
    system = await let_in(sessions, cast.rural.organization_id, scope="system/ImagingStudy.c", name="Scanner 1")
    return await system_program(client, settings, system, scope="system/ImagingStudy.c")


def body(*parts: Part) -> bytes:
    """Media type, place and content of each."""
    pieces = [
        f"--{BOUNDARY}\r\nContent-Type: {media}\r\nContent-Location: {place}\r\n\r\n".encode() + content + b"\r\n"
        for media, place, content in parts
    ]
    return b"".join([*pieces, f"--{BOUNDARY}--\r\n".encode()])


def apart(whole: bytes, *, place: str = "pixels", **also: Any) -> tuple[dict[str, Any], pydicom.FileDataset]:
    """The metadata of a file with its pixels elsewhere, and the file."""
    ds = pydicom.dcmread(BytesIO(whole))
    told = ds.to_json_dict(1 << 30, None)
    told["7FE00010"] = {"vr": "OW", "BulkDataURI": place}
    return told | also, ds


async def send(scanner: Program, *parts: Part, status: int = 200, path: str = "/dicomweb/studies") -> Answer:
    answer, told = await send_body(scanner, body(*parts), path=path, headers=RELATED)
    assert answer.status == status, told
    return told


def metadata(*instances: Any) -> Part:
    return JSON, "", json.dumps(instances).encode()


async def kept(client: Client, sessions: Sessions) -> list[pydicom.FileDataset]:
    async with transaction(sessions) as session:
        rows = await session.scalars(select(ImagingInstance).order_by(ImagingInstance.number))
    return [pydicom.dcmread(BytesIO(await client.app[OBJECTS].get(row.object_key))) for row in rows]


async def test_native_pixels_and_a_long_value(scanner: Program, client: Client, cast: Cast, sessions: Sessions) -> None:
    instances, parts = [], []
    for number in range(2):
        told, ds = apart(slice_of(cast, StudyInstanceUID="1.2.77", InstanceNumber=number), place=f"at/{number}")
        told["00420011"] = {"vr": "OB", "BulkDataURI": "document"}
        instances.append(told)
        parts.append(("application/octet-stream", f"at/{number}", ds.PixelData))
    told = await send(scanner, metadata(*instances), *parts, ("application/octet-stream", "document", b"odd"))
    assert len(stored(told)) == 2
    for ds, (_media, _place, pixels) in zip(await kept(client, sessions), parts, strict=True):
        assert ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert (ds.PixelData, ds.EncapsulatedDocument, str(ds.PatientName)) == (pixels, b"odd\0", "Bélanger^Rose")
        assert ds.pixel_array.shape == (16, 16)
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
    assert study.patient_id == cast.patient.id, "the one way in"


@pytest.mark.parametrize(
    ("path", "media", "syntax"),
    [
        (HEAD, "image/jp2", JPEG2000Lossless),
        (REAL / "examples_ybr_color.dcm", f"image/jpeg; transfer-syntax={JPEGBaseline8Bit}", JPEGBaseline8Bit),
    ],
)
async def test_compressed_frames_stay_as_they_are(
    scanner: Program, client: Client, sessions: Sessions, path: Any, media: str, syntax: str
) -> None:
    told, ds = apart(path.read_bytes())
    frames = list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1))))
    await send(scanner, metadata(told), *((media, "pixels", frame) for frame in frames))
    (again,) = await kept(client, sessions)
    assert again.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(again.pixel_array, ds.pixel_array)


async def test_the_same_again_is_the_same(scanner: Program, cast: Cast, client: Client, sessions: Sessions) -> None:
    told, ds = apart(slice_of(cast))
    for _turn in range(2):
        await send(scanner, metadata(told), ("application/octet-stream", "pixels", ds.PixelData))
    assert len(await kept(client, sessions)) == 1
    other = bytes(len(ds.PixelData))
    refused = await send(scanner, metadata(told), ("application/octet-stream", "pixels", other), status=409)
    assert failures(refused) == [0x0111]


async def test_each_instance_has_its_own_fate(scanner: Program, cast: Cast, client: Client, sessions: Sessions) -> None:
    good, ds = apart(slice_of(cast))
    lost, _ds = apart(slice_of(cast), place="nowhere")
    nameless, _ds = apart(slice_of(cast))
    del nameless["00080018"]
    instances = metadata(good, lost, nameless, {"00080018": 3}, "no instance")
    told = await send(scanner, instances, ("application/octet-stream", "pixels", ds.PixelData), status=202)
    assert (len(stored(told)), failures(told)) == (1, [0xC000] * 4)
    assert told["00081198"]["Value"][0]["00081155"]["Value"] == [lost["00080018"]["Value"][0]]
    assert len(await kept(client, sessions)) == 1


async def test_below_a_study_only_its_own_are_taken(scanner: Program, cast: Cast) -> None:
    told, ds = apart(slice_of(cast))
    parts = metadata(told), ("application/octet-stream", "pixels", ds.PixelData)
    assert failures(await send(scanner, *parts, path="/dicomweb/studies/1.2.3", status=409)) == [0xA900]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"[" * 5000, b'{"a": NaN}', b"\xff"])
async def test_what_is_no_metadata(scanner: Program, content: bytes) -> None:
    answer, _told = await send_body(scanner, body((JSON, "", content)), headers=RELATED)
    assert answer.status == 400
    answer, _told = await send_body(scanner, body(("image/jpeg", "pixels", content)), headers=RELATED)
    assert answer.status == 400


async def test_metadata_is_bounded(scanner: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stow_metadata, "LARGEST_METADATA", 10)
    answer, _told = await send_body(scanner, body(metadata({"00080018": "long enough"})), headers=RELATED)
    assert answer.status == 400


async def test_xml_is_not_taken(scanner: Program) -> None:
    related = {"Content-Type": f'multipart/related; type="application/dicom+xml"; boundary={BOUNDARY}'}
    answer, _told = await send_body(scanner, body(("application/dicom+xml", "", b"<x/>")), headers=related)
    assert answer.status == 415
