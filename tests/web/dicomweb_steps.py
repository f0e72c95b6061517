"""A submitted consult with images, and programs that ask for them over DICOMweb."""

from pathlib import Path
from typing import Any

import pydicom
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.access import Purpose
from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.actions import reconcile_study
from teleconsult.imaging.models import ImagingStudy
from teleconsult.settings import Settings
from tests import consult_steps
from tests.kept_rows import KeptRows
from tests.people import Cast, bearer_of
from tests.teleconsult.imaging.files import HEAD, REAL, dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]
CT, US = HEAD, REAL / "examples_ybr_color.dcm"
"""One slice in JPEG 2000; thirty frames in JPEG."""
RGB, REPORT, BROKEN = (
    REAL / "examples_rgb_color.dcm",
    REAL / "test-SR.dcm",
    REAL / "JPEG2000-embedded-sequence-delimiter.dcm",
)
BIG_ENDIAN = REAL / "MR_small_bigendian.dcm"
FILES = (CT, US, RGB, REPORT, BROKEN, BIG_ENDIAN)
JSON = {"Accept": "application/dicom+json"}


class Asker:
    """A program with a bearer token for images alone."""

    def __init__(self, client: Client, bearer: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {bearer}"}

    async def get(self, path: str, accept: str = "*/*", **headers: str) -> ClientResponse:
        """The answer, undecided about its status; its body is read."""
        answer = await self.client.get(f"/dicomweb{path}", headers={**self.headers, "Accept": accept, **headers})
        await answer.read()
        return answer

    async def found(self, path: str) -> list[dict[str, Any]]:
        """What a search finds."""
        answer = await self.get(path, JSON["Accept"])
        assert answer.status in (200, 204), await answer.text()
        return await answer.json(content_type=JSON["Accept"]) if answer.status == 200 else []


async def asker(client: Client, sessions: Sessions, actor: Actor) -> Asker:
    """A program that acts for this person."""
    async with transaction(sessions) as session:
        return Asker(client, await bearer_of(session, actor, Purpose.IMAGES))


def header(path: Path) -> pydicom.FileDataset:
    """What a file says before its pixels."""
    return pydicom.dcmread(path, stop_before_pixels=True)


def address(path: Path, *, level: str = "instance") -> str:
    """Where the study, the series or the instance of that file stands."""
    ds = header(path)
    parts = [f"/studies/{ds.StudyInstanceUID}", f"/series/{ds.SeriesInstanceUID}", f"/instances/{ds.SOPInstanceUID}"]
    return "".join(parts[: ("study", "series", "instance").index(level) + 1])


@pytest.fixture
async def images(cast: Cast, sessions: Sessions, settings: Settings, kept_rows: KeptRows) -> None:
    """`FILES` and a slice of the patient's own name, shared with the specialist."""

    async def made() -> None:
        consult = await consult_steps.submitted(cast, sessions)
        settings.data.mkdir(parents=True, exist_ok=True)
        async with door(sessions, settings.data) as opened:
            await opened.bring(cast.rural, consult.id, *[path.read_bytes() for path in FILES], dicom_bytes())
        async with transaction(sessions) as session:
            for study in await session.scalars(select(ImagingStudy)):
                await reconcile_study(session, cast.rural, study_id=study.id)

    await kept_rows.begin("dicomweb_images", made, files=settings.data)
