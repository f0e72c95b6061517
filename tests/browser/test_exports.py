"""Printing a file in a real browser: the page says that it is being prepared, one can stop it, and then it is there."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from tests.browser.conftest import OpenAs
from tests.export_steps import day, filed, laboratory
from tests.people import Cast

pytestmark = pytest.mark.browser


async def test_a_file_is_prepared_stopped_and_received(
    open_as: OpenAs, cast: Cast, sessions: Sessions, tmp_path: Path
) -> None:
    for number in range(20):
        await filed(sessions, cast.rural, cast.patient.id, laboratory(), f"Potassium {number}", day("2026-03-01"))
    page = await open_as("rural", width=360, height=740)
    await page.goto(f"/patients/{cast.patient.id}")
    await page.get_by_test_id("export-file").click()
    await page.locator("select[name=reason]").select_option("other")
    await page.get_by_test_id("export-take").click()
    await expect(page.locator("#field-words-error")).to_contain_text("Say in a few words")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.locator("input[name=words]").fill("For the transfer")
    await page.get_by_test_id("export-take").click()
    stop = page.get_by_role("button", name="Stop")
    await expect(stop).to_be_visible()
    await stop.click()
    await expect(stop).to_be_hidden()
    async with page.expect_download() as started:
        await page.get_by_test_id("export-take").click()
    download = await started.value
    assert download.suggested_filename.startswith("patient-file-")
    await download.save_as(tmp_path / "file.pdf")
    assert (tmp_path / "file.pdf").read_bytes().startswith(b"%PDF-")
    await expect(page.locator("[data-export-target=done]")).to_be_visible()
