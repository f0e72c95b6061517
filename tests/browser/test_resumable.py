"""Images over a link that breaks: waited for, gone on with after a reload, every byte as it was."""

from pathlib import Path

import pytest
from playwright.async_api import CDPSession, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.people import Cast
from tests.teleconsult.imaging.files import REAL, dicom_bytes

pytestmark = pytest.mark.browser
THIN = 500_000
"""Bytes a second."""
WIDE = -1


def disc(folder: Path) -> Path:
    """A CD with its index, a program, two small slices, and one image too large to travel with others."""
    images = folder / "CD"
    images.mkdir()
    (images / "DICOMDIR").write_bytes((REAL / "dicomdirtests" / "DICOMDIR").read_bytes())
    (images / "viewer.exe").write_bytes(b"MZ" + bytes(500))
    study = {"StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.1"}
    for number in (1, 2):
        (images / f"IM{number}").write_bytes(dicom_bytes(side=64, shade=number, InstanceNumber=number, **study))
    (images / "LARGE").write_bytes(dicom_bytes(side=2100, shade=3, InstanceNumber=3, **study))
    assert (images / "LARGE").stat().st_size > 8_000_000
    return images


async def set_link(browser: CDPSession, speed: int) -> None:
    """So many bytes a second either way, or none at all."""
    thin: dict[str, object] = {"latency": 0, "downloadThroughput": speed, "uploadThroughput": speed}
    await browser.send("Network.emulateNetworkConditions", {**thin, "offline": not speed})


async def test_the_link_breaks_the_page_is_reloaded_and_all_arrives(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs, tmp_path: Path
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    cd = disc(tmp_path)
    page = await open_as("rural")
    await page.goto(f"/consults/{draft.id}")
    link = await page.context.new_cdp_session(page)
    await set_link(link, THIN)
    await page.get_by_test_id("dicom-folder").set_input_files(cd)
    kept = site.data / "tmp" / "kept" / str(draft.id)

    async def partly_here() -> bool:
        return any(path.stat().st_size > 600_000 for path in kept.glob("*/*/bytes"))

    await eventually(partly_here)
    await expect(page.get_by_test_id("study-card")).to_contain_text("2 images")
    await expect(page.get_by_text("The files are being sent.")).to_be_visible()
    await set_link(link, 0)
    await expect(page.get_by_text("Waiting for the link… Nothing is lost.")).to_be_visible()
    await set_link(link, THIN)
    await expect(page.get_by_text("The files are being sent.")).to_be_visible()
    await page.reload()
    await set_link(link, WIDE)
    await expect(page.get_by_text("Choose the same files again").first).to_be_visible()
    begun = {path.name for path in kept.glob("*/*")}
    await page.get_by_test_id("dicom-folder").set_input_files(cd)
    await expect(page.get_by_text("Files received: 3")).to_be_visible()
    await expect(page.get_by_text("viewer.exe: This is not a DICOM file.")).to_be_visible()
    await expect(page.get_by_text("DICOMDIR")).to_have_count(0)
    await expect(page.get_by_test_id("study-card")).to_contain_text("3 images")
    await expect(page.get_by_text("Choose the same files again").first).to_be_hidden()
    assert {path.name for path in kept.glob("*/*")} == begun, "nothing began anew"
    stored = {path.read_bytes() for path in (site.data / "objects").rglob("*") if path.is_file()}
    assert {(cd / name).read_bytes() for name in ("IM1", "IM2", "LARGE")} <= stored
