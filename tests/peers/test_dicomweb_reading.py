"""A DICOMweb client that others wrote (PyPI `dicomweb-client`) finds and gets back what was stored, byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom.encaps import generate_frames
from requests.exceptions import HTTPError

from teleconsult.access import Purpose
from teleconsult.db import Sessions, transaction
from tests.people import Cast, bearer_of
from tests.web.dicomweb_steps import CT, FILES, REPORT, RGB, US, Client, header, images

__all__ = ["images"]

Result = TypeVar("Result")


class Peer:
    """The client is a synchronous one: it works in a thread while our server answers here."""

    def __init__(self, client: DICOMwebClient) -> None:
        self._client = client

    async def ask(self, call: Callable[[DICOMwebClient], Result]) -> Result:
        return await asyncio.to_thread(call, self._client)


@pytest.fixture
async def peer(client: Client, cast: Cast, sessions: Sessions, images: None) -> AsyncIterator[Peer]:
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.specialist, Purpose.IMAGES)
    with requests.Session() as connection:
        connection.headers["Authorization"] = f"Bearer {bearer}"
        yield Peer(DICOMwebClient(str(client.make_url("/dicomweb")), session=connection))


def place(path: Any) -> tuple[str, str, str]:
    ds = header(path)
    return ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID


def written(ds: pydicom.Dataset) -> bytes:
    out = BytesIO()
    ds.save_as(out)
    return out.getvalue()


async def test_it_finds(peer: Peer) -> None:
    study, series, instance = place(US)
    assert len(await peer.ask(lambda to: to.search_for_studies())) == len(FILES) + 1
    (found,) = await peer.ask(
        lambda to: to.search_for_studies(
            fuzzymatching=True, limit=10, search_filters={"PatientName": "rose"}, fields=["StudyDescription"]
        )
    )
    assert pydicom.Dataset.from_json(found).PatientName == "Bélanger^Rose"
    pages = [await peer.ask(lambda to, at=offset: to.search_for_studies(limit=3, offset=at)) for offset in (0, 3, 6)]
    assert len({one["0020000D"]["Value"][0] for page in pages for one in page}) == len(FILES) + 1
    (found,) = await peer.ask(lambda to: to.search_for_series(study))
    assert found["0020000E"]["Value"] == [series]
    (found,) = await peer.ask(lambda to: to.search_for_instances(study, series))
    assert found["00080018"]["Value"] == [instance]
    assert not await peer.ask(lambda to: to.search_for_studies(search_filters={"PatientID": "nobody"}))
    with pytest.raises(HTTPError, match="404"):
        await peer.ask(lambda to: to.search_for_series("1.2.3"))


async def test_it_retrieves_whole_instances(peer: Peer) -> None:
    for path in (CT, US, REPORT):
        study, series, instance = place(path)
        stored = pydicom.dcmread(path)
        for (found,) in (
            await peer.ask(lambda to, uid=study: to.retrieve_study(uid)),
            await peer.ask(lambda to, uids=(study, series): to.retrieve_series(*uids)),
            [await peer.ask(lambda to, uids=(study, series, instance): to.retrieve_instance(*uids))],
        ):
            assert written(found) == written(stored)
            assert found.file_meta == stored.file_meta
        assert [written(one) for one in await peer.ask(lambda to, uid=study: list(to.iter_study(uid)))] == [
            written(stored)
        ]


async def test_it_retrieves_descriptions(peer: Peer) -> None:
    study, series, instance = place(CT)
    told = await peer.ask(lambda to: to.retrieve_instance_metadata(study, series, instance))
    assert await peer.ask(lambda to: to.retrieve_study_metadata(study)) == [told]
    assert await peer.ask(lambda to: to.retrieve_series_metadata(study, series)) == [told]
    uri = told["7FE00010"]["BulkDataURI"]
    (pixels,) = await peer.ask(
        lambda to: to.retrieve_bulkdata(uri, media_types=(("image/jp2", "1.2.840.10008.1.2.4.90"),))
    )
    assert pixels == next(generate_frames(pydicom.dcmread(CT).PixelData, number_of_frames=1))
    plain = await peer.ask(lambda to: to.retrieve_instance_metadata(*place(RGB)))
    (pixels,) = await peer.ask(lambda to: to.retrieve_bulkdata(plain["7FE00010"]["BulkDataURI"]))
    assert pixels == pydicom.dcmread(RGB).PixelData


async def test_it_retrieves_frames(peer: Peer) -> None:
    us, rgb = pydicom.dcmread(US), pydicom.dcmread(RGB)
    stored = list(generate_frames(us.PixelData, number_of_frames=30))
    jpeg = (("image/jpeg", us.file_meta.TransferSyntaxUID),)
    found = await peer.ask(lambda to: to.retrieve_instance_frames(*place(US), [1, 30], media_types=jpeg))
    assert found == [stored[0], stored[29]]
    assert await peer.ask(lambda to: to.retrieve_instance_frames(*place(RGB), [1])) == [rgb.PixelData]
    (decoded,) = await peer.ask(
        lambda to: to.retrieve_instance_frames(*place(CT), [1], media_types=("application/octet-stream",))
    )
    assert np.array_equal(np.frombuffer(decoded, "<i2").reshape(512, 512), pydicom.dcmread(CT).pixel_array)


async def test_it_retrieves_pictures(peer: Peer) -> None:
    study, series, instance = place(CT)
    for kind in ("image/jpeg", "image/png"):
        for picture in (
            await peer.ask(
                lambda to, media=kind: to.retrieve_instance_rendered(study, series, instance, media_types=(media,))
            ),
            await peer.ask(
                lambda to, media=kind: to.retrieve_instance_frames_rendered(
                    study, series, instance, [1], media_types=(media,), params={"window": "40,80,linear"}
                )
            ),
        ):
            assert Image.open(BytesIO(picture)).get_format_mimetype() == kind
    with pytest.raises(HTTPError, match="406"):
        await peer.ask(lambda to: to.retrieve_instance_rendered(*place(REPORT), media_types=("image/jpeg",)))
