"""Images of the hospital's archive, from its search on the request page to the request: Debian's Orthanc, by C-GET."""

import pytest
from playwright.async_api import Page, expect
from pydicom.uid import generate_uid

from teleconsult.db import Sessions
from teleconsult.imaging.pacs.models import PacsKind
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.browser.site import Site
from tests.pacs_steps import archive
from tests.peers.conftest import hospital, running_orthanc  # noqa: F401  (fixtures)
from tests.peers.orthanc import HOST, Orthanc
from tests.people import Cast
from tests.stow_steps import slice_of

pytestmark = pytest.mark.browser


def study(cast: Cast, description: str, *, images: int) -> list[bytes]:
    own = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "StudyDescription": description}
    return [slice_of(cast, InstanceNumber=number, **own) for number in range(images)]


async def test_found_chosen_stopped_and_fetched(
    site: Site,
    cast: Cast,
    sessions: Sessions,
    open_as: OpenAs,
    hospital: Orthanc,  # noqa: F811
) -> None:
    """One is stopped while the archive is silent; the other arrives, and stands in the request."""
    draft = await consult_steps.drafted(cast, sessions)
    await archive(sessions, cast, PacsKind.C_GET, f"{HOST}:{hospital.dicom}")
    await hospital.hold(*study(cast, "Abdomen", images=2), *study(cast, "Head", images=12))
    page = await open_as("rural", width=360, height=740)
    await page.goto(f"/consults/{draft.id}")
    await page.get_by_test_id("fetch-from-pacs").click()
    await search(page)
    with hospital.paused():
        await choose(page, "Abdomen")
        abdomen = page.get_by_test_id("pacs-fetch").filter(has_text="Abdomen")
        await expect(abdomen).to_have_attribute("data-status", "running")
        await abdomen.get_by_role("button", name="Stop").click()
        await expect(abdomen).to_have_attribute("data-status", "cancelled")
    await search(page)
    await choose(page, "Head")
    head = page.get_by_test_id("pacs-fetch").filter(has_text="Head")
    await expect(head).to_have_attribute("data-status", "done")
    await expect(head).to_contain_text("12 of 12 images are here.")
    await page.goto(f"/consults/{draft.id}")
    card = page.get_by_test_id("study-card")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("12 images")


async def search(page: Page) -> None:
    await page.get_by_test_id("pacs-search").get_by_role("button", name="Search").click()
    await expect(page.get_by_test_id("pacs-study")).to_have_count(2)


async def choose(page: Page, description: str) -> None:
    found = page.get_by_test_id("pacs-study").filter(has_text=description)
    await found.get_by_test_id("pacs-fetch-study").click()
