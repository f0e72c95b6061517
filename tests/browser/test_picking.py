"""Choosing what of a file is shared, with the script that saves and asks for the list again, in a real browser."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from tests.browser.conftest import OpenAs
from tests.people import Cast

pytestmark = pytest.mark.browser
GLUCOSE = {
    "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]},
    "valueQuantity": {"value": 5.1, "unit": "mmol/L"},
}


async def test_what_is_suggested_searched_and_done_by_hand(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    for days, (kind, title, elements) in enumerate(
        (
            ("Observation", "Glycémie", GLUCOSE),
            ("Encounter", "Consultation", {}),
            ("Procedure", "Suture de la main", {}),
        )
    ):
        await written(sessions, cast, kind, title, days, elements)
    page = await open_as("rural", width=360, height=740)
    await page.goto(f"/patients/{cast.patient.id}")
    await page.get_by_test_id("request-consult").first.click()
    await page.wait_for_url("**/consults/*")

    await page.get_by_test_id("service").select_option(str(cast.neurology.id))
    await expect(page.get_by_test_id("suggestion")).to_contain_text("2 of 3")
    assert await ticked(page) == {"Glycémie", "Consultation"}
    await item(page, "Consultation").uncheck()

    await page.get_by_test_id("search-words").fill("suture")
    await page.get_by_test_id("search-words").press("Enter")
    await expect(page.get_by_test_id("excerpt-item")).to_have_count(2)
    await item(page, "Suture de la main").check()
    await page.get_by_test_id("question").fill("Typed after the list came anew.")
    await expect(page.locator(".save-state")).to_contain_text("Saved")

    await page.get_by_test_id("service").select_option(str(cast.trauma.id))
    await expect(page.get_by_test_id("suggestion")).to_contain_text("Traumatology")
    assert await ticked(page) == {"Suture de la main"}, "glucose is neurology's, the visit was unticked by hand"
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360

    await page.get_by_test_id("preview-request").click()
    await expect(page.get_by_test_id("preview")).to_be_visible()
    shown = await page.locator("main").inner_text()
    assert "Suture de la main" in shown
    assert "Typed after the list came anew." in shown
    assert "Glycémie" not in shown
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def written(sessions: Sessions, cast: Cast, kind: str, title: str, days: int, elements: dict[str, Any]) -> None:
    async with transaction(sessions) as session:
        await file_entry(
            session,
            cast.rural,
            patient_id=cast.patient.id,
            resource={"resourceType": kind, **elements},
            title=title,
            effective_at=now() - timedelta(days=days),
        )


def item(page: Page, title: str) -> Locator:
    """The box before an entry."""
    return page.locator("label", has_text=title).get_by_test_id("excerpt-item")


async def ticked(page: Page) -> set[str]:
    """The titles of what is chosen."""
    rows = page.locator("label", has=page.locator("input[name=entries]:checked"))
    return {
        title.split("\n")[0].strip()
        for title in await rows.locator(".strong").evaluate_all("rows => rows.map(row => row.firstChild.textContent)")
    }
