"""A nurse matches images that came without a consult, and throws others away."""

import pytest

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from tests.browser.conftest import OpenAs, eventually
from tests.people import Cast
from tests.teleconsult.imaging.test_match import waiting

pytestmark = pytest.mark.browser


async def test_images_are_matched_and_others_deleted(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    said = {"header_patient_name": "BELANGER^ROSA", "header_birth_date": cast.patient.birth_date}
    hers = await waiting(cast, sessions, description="Tête sans contraste", **said)
    nobodys = await waiting(cast, sessions, uid="1.2.4", header_patient_name="", header_patient_id="")
    nurse = await open_as("nurse", width=360, height=740)
    await nurse.goto("/patients")
    await nurse.get_by_role("link", name="Images to match (2)").click()
    await nurse.get_by_role("link", name="BELANGER ROSA").click()
    await nurse.get_by_test_id("likely-patient").check()
    await nurse.get_by_label("How you know").fill("Typed wrong at the scanner.")
    await nurse.get_by_role("button", name="File the images").click()
    await nurse.get_by_test_id("flash").wait_for()
    await nurse.get_by_role("link", name="No name").click()
    await nurse.get_by_role("button", name="Delete").first.click()
    await nurse.get_by_label("Why").fill("A test image.")
    await nurse.get_by_test_id("discard-study").get_by_role("button", name="Delete").click()
    await nurse.get_by_text("Nothing to match").wait_for()

    async def is_so() -> bool:
        async with transaction(sessions) as session:
            matched = await session.get_one(ImagingStudy, hers)
            return matched.patient_id == cast.patient.id and await session.get(ImagingStudy, nobodys) is None

    await eventually(is_so)
