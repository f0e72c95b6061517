"""The coordinator's board by keyboard and by hand, live, in a real browser."""

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.people import Cast

pytestmark = pytest.mark.browser


async def test_what_is_ticked_stays_so_while_the_board_changes(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    first, second = [await consult_steps.submitted(cast, sessions) for _ in range(2)]
    page = await open_as("coordinator", height=1600)  # nothing scrolls under the hand that drags
    cards, ticked = page.get_by_test_id("board-card"), page.locator("[data-testid=tick]:checked")
    await expect(cards.first).to_have_attribute("tabindex", "0")  # the script is here
    await cards.first.focus()
    await page.keyboard.press("Space")
    await expect(ticked).to_have_count(1)
    await page.keyboard.press("ArrowDown")
    await expect(cards.nth(1)).to_be_focused()
    await page.get_by_test_id("board-acts").locator("summary").click()
    await cards.nth(1).drag_to(page.get_by_test_id("board-assign"), source_position={"x": 20, "y": 60})
    await expect(ticked).to_have_count(2)

    await expect(page.get_by_test_id("ticked-count")).to_have_text("2")
    tick = cards.first.get_by_test_id("tick")
    for count in ("1", "2"):
        await tick.click()  # by a real mouse: nothing lies above it
        await expect(page.get_by_test_id("ticked-count")).to_have_text(count)

    await page.locator("h1").click()
    third = await consult_steps.submitted(cast, sessions)
    await expect(page.locator(f"#card-{third.id}")).to_be_visible()
    await expect(ticked).to_have_count(2)
    await page.get_by_test_id("board-specialist").select_option(str(cast.specialist.role_id))
    await page.get_by_test_id("board-assign").click()
    await expect(page.get_by_test_id("flash")).to_contain_text("2")
    for consult in (first, second):
        card = page.locator(f"#card-{consult.id}")
        await expect(card).to_contain_text("Minh")
    await expect(page.locator(f"#card-{third.id}")).not_to_contain_text("Minh")
    await expect(ticked).to_have_count(0)

    await page.goto(f"/consults/{first.id}")
    rural = await open_as("rural", width=360)
    await rural.goto(f"/consults/{first.id}")
    await page.get_by_test_id("ask-information").click()
    await page.get_by_test_id("ask-information-text").fill("Which dose?")
    await page.get_by_test_id("ask-information-confirm").click()
    await rural.get_by_test_id("give-information-text").fill("5 mg")
    await rural.get_by_test_id("give-information").click()
    await expect(page.get_by_test_id("conversation")).to_contain_text("5 mg")
