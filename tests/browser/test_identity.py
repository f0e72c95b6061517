"""Registering by keyboard alone, and opening a file with a scanner, in a real browser."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import expect
from sqlalchemy import update

from teleconsult.accounts.models import WebSession
from teleconsult.db import Sessions, transaction
from tests.browser.conftest import OpenAs
from tests.people import PASSWORD, Cast
from tests.teleconsult.patients.steps import registered

pytestmark = pytest.mark.browser


async def test_a_patient_is_registered_by_keyboard_and_found_by_scanner(open_as: OpenAs, cast: Cast) -> None:
    page = await open_as("secretary", width=360, height=740)
    await page.goto("/patients/new")
    await expect(page.get_by_label("Family name", exact=True)).to_be_focused()
    for text in ("Nguyễn", "Thị Hoa", "14/03/1951", "f", "2 51 03 75 056 001 48"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="NGUYỄN Thị Hoa")).to_be_visible()
    address = page.url
    traits = await page.locator("main").inner_text()
    assert "251037505600148" in traits
    number = re.search(r"\b\d{8}\b", traits)
    assert number
    await page.get_by_test_id("identity-links").click()
    await expect(page.get_by_test_id("number")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360

    await page.goto("/patients")
    await expect(page.get_by_test_id("patient-search")).to_be_focused()
    await page.keyboard.type(number[0])  # as a scanner does: the code, then Enter
    await page.keyboard.press("Enter")
    await page.wait_for_url(address)
    await page.goto("/patients")
    await expect(page.get_by_test_id("patient-search")).to_be_focused()
    await page.keyboard.type("belanger")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("patient-row")).to_have_count(1)


async def test_a_card_is_scanned_and_checked_by_keyboard(open_as: OpenAs) -> None:
    page = await open_as("secretary", width=360, height=740)
    await page.goto("/patients/new")
    await page.get_by_label("Scan a card").focus()
    await page.keyboard.insert_text("001151000123||Nguyễn Thị Hoa|14031951|Nữ|Hà Nội|01012021")
    await page.keyboard.press("Enter")  # as a scanner does
    await expect(page.get_by_test_id("card-read")).to_be_visible()
    await expect(page.get_by_label("Family name", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="NGUYỄN Thị Hoa")).to_be_visible()
    address = page.url
    await page.goto("/patients/new")
    await page.get_by_label("Scan a card").focus()
    await page.keyboard.type("001151000123")
    await page.keyboard.press("Enter")
    await page.wait_for_url(address)


async def test_the_reason_of_a_merge_outlives_the_proof(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        kept = await registered(session, cast.rural)
        merged = await registered(session, cast.rural, given="Luc-André")
    page = await open_as("secretary")
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=WebSession.factor_at - timedelta(hours=1)))
    await page.goto(f"/patients/{merged.id}/merge?kept={kept.id}")
    await page.get_by_label("How you know").fill("Both cards seen")
    await page.keyboard.press("Enter")
    await page.get_by_test_id("step-up").fill(PASSWORD)
    await page.get_by_test_id("step-up-confirm").click()
    await expect(page.get_by_label("How you know")).to_have_value("Both cards seen")
    await page.get_by_test_id("merge-form").get_by_role("button", name="Merge").click()
    await page.wait_for_url(f"**/patients/{kept.id}")
