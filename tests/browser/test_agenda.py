"""A time found, booked, moved and given up on a phone, and a calendar's address, in a real browser."""

import re

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from tests import agenda_steps, consult_steps
from tests.browser.conftest import OpenAs
from tests.people import Cast

pytestmark = pytest.mark.browser


async def test_a_time_is_found_with_one_press_moved_and_given_up(
    open_as: OpenAs, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await agenda_steps.room(sessions, cast)
    page = await open_as("coordinator", width=360, height=740)
    await page.goto(f"/consults/{consult.id}")
    await page.get_by_test_id("find-time").click()
    await page.get_by_text("Room 12").click()
    await page.get_by_role("button", name="Look again").click()
    await page.wait_for_url("**things=**")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_test_id("free-time").first.click()
    await expect(page.get_by_test_id("flash")).to_contain_text("booked")

    await page.get_by_test_id("move-time").click()
    await expect(page.get_by_label("Room 12")).to_be_checked()
    await page.get_by_test_id("free-time").last.click()
    await page.get_by_test_id("move-there").click()
    await expect(page.get_by_test_id("flash")).to_contain_text("moved")
    await page.goto("/agenda?view=week")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360

    await page.goto(f"/consults/{consult.id}")
    await page.get_by_test_id("cancel-time").click()
    await page.get_by_test_id("cancel-time-reason").fill("The specialist is ill.")
    await page.get_by_test_id("cancel-time-confirm").click()
    await expect(page.get_by_test_id("flash")).to_contain_text("waits for another")
    await expect(page.get_by_test_id("find-time")).to_be_visible()

    await page.goto("/agenda/calendar")
    await page.get_by_test_id("renew-feed").click()
    await expect(page.get_by_test_id("feed-url")).to_have_value(re.compile(r"/calendars/[\w-]{43}\.ics$"))
