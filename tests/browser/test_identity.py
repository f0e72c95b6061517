"""Registering by keyboard alone, and opening a file with a scanner, in a real browser."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenAs
from tests.people import Cast

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)


async def test_a_patient_is_registered_by_keyboard_and_found_by_scanner(open_as: OpenAs, cast: Cast) -> None:
    page = await open_as("secretary", width=360, height=740)
    await page.goto("/patients/new")
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
    await page.keyboard.type(number[0])  # as a scanner does: the code, then Enter
    await page.keyboard.press("Enter")
    await page.wait_for_url(address)
    await page.goto("/patients")
    await page.keyboard.type("belanger")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("patient-row")).to_have_count(1)
