"""A DICOMweb client that others wrote (PyPI `dicomweb-client`) brings images through our door."""

import asyncio
from collections.abc import Sequence
from io import BytesIO

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from dicomweb_client.api import DICOMwebClient
from pydicom import Dataset, dcmread
from requests import HTTPError
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from tests.people import Cast, bearer_of
from tests.stow_steps import slice_of

Client = TestClient[web.Request, web.Application]
STUDY = "1.2.826.0.1.3680043.8.498.78"


@pytest.fixture
async def peer(client: Client, cast: Cast, sessions: Sessions) -> DICOMwebClient:
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.rural)
    address = str(client.make_url("/dicomweb"))
    # Small chunks: more than one for what is sent here, so that no length is announced.
    return DICOMwebClient(address, headers={"Authorization": f"Bearer {bearer}"}, chunk_size=50_000)


def read(content: bytes) -> Dataset:
    """As a program has it before it sends it."""
    return dcmread(BytesIO(content))


async def store(peer: DICOMwebClient, *contents: bytes, study_uid: str | None = None) -> Dataset:
    """What the client makes of the answer."""
    datasets = [read(content) for content in contents]
    return await asyncio.to_thread(peer.store_instances, datasets, study_uid)


def stored(told: Dataset) -> Sequence[str]:
    return [item.ReferencedSOPInstanceUID for item in told.get("ReferencedSOPSequence", [])]


async def test_it_stores_one_and_many(peer: DICOMwebClient, cast: Cast, sessions: Sessions) -> None:
    told = await store(peer, slice_of(cast, StudyInstanceUID=STUDY))
    assert len(stored(told)) == 1
    assert told.RetrieveURL == f"{peer.base_url}/studies/{STUDY}"
    many = [slice_of(cast, side=128, StudyInstanceUID=STUDY, InstanceNumber=number) for number in range(2, 12)]
    told = await store(peer, *many, study_uid=STUDY)
    assert stored(told) == [read(content).SOPInstanceUID for content in many]
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
    assert (study.patient_id, study.number_of_instances) == (cast.patient.id, 11)


async def test_it_is_told_what_was_refused(peer: DICOMwebClient, cast: Cast) -> None:
    first = slice_of(cast, StudyInstanceUID=STUDY, SOPInstanceUID=f"{STUDY}.1")
    other = slice_of(cast, StudyInstanceUID=STUDY, SOPInstanceUID=f"{STUDY}.1", shade=7)
    assert stored(await store(peer, first)) == stored(await store(peer, first)) == [f"{STUDY}.1"]
    told = await store(peer, other, slice_of(cast, StudyInstanceUID=STUDY))
    [failed] = told.FailedSOPSequence
    assert (failed.ReferencedSOPInstanceUID, failed.FailureReason) == (f"{STUDY}.1", 0x0111)
    assert len(stored(told)) == 1
    with pytest.raises(HTTPError, match="409"):
        await store(peer, first, study_uid=f"{STUDY}.9")
