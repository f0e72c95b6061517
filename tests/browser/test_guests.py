"""A patient joins on a phone by a link: waits, is let in, three see each other, and is turned out again."""

import asyncio
import time

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import update

from teleconsult.accounts.models import WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.browser.conftest import LONGEST, OpenAs, eventually, note_errors
from tests.browser.site import Site
from tests.browser.test_call import KEEP_CONNECTIONS, both_live, enter, inbound
from tests.people import Cast

pytestmark = pytest.mark.browser

ENDED = """() => {
  const video = document.querySelector("[data-testid=remote-video]");
  return !video.srcObject && window.connections.every((one) => one.connectionState === "closed");
}"""
PLAYING = """() => [...document.querySelectorAll("[data-testid=remote-video], [data-testid=other-tile] video")]
  .filter((video) => video.srcObject && video.videoWidth > 2 && !video.paused).length"""


async def new_device(chromium: Browser, site: Site) -> Page:
    """A phone nobody has signed in on."""
    context = await chromium.new_context(
        base_url=site.url, locale="en", viewport={"width": 360, "height": 740}, permissions=["camera", "microphone"]
    )
    context.set_default_timeout(LONGEST)
    page = await context.new_page()
    note_errors(page, "the guest")
    await page.add_init_script(KEEP_CONNECTIONS)
    return page


async def link_made_by(page: Page, name: str) -> str:
    """Invite from inside the room."""
    await page.get_by_test_id("open-guests").click()
    await page.get_by_label("Name the others will see").fill(name)
    await page.get_by_label("Who is it?").select_option("patient")
    await page.get_by_test_id("invite-guest").click()
    link = await page.get_by_test_id("guest-link").input_value()
    await page.locator("#guests-dialog").get_by_role("button", name="Close").click()
    return link


async def sees(page: Page, pictures: int) -> bool:
    """Whether so many others' pictures move on the page."""
    return bool(await page.evaluate(PLAYING) == pictures)


@pytest.fixture
async def three(
    site: Site, open_as: OpenAs, chromium: Browser, cast: Cast, sessions: Sessions
) -> tuple[Page, Page, Page, str]:
    """The doctor, the specialist in their room, and a phone with a link to it."""
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_as("rural"), await open_as("specialist")
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    return rural, specialist, await new_device(chromium, site), await link_made_by(rural, "Rose B.")


async def test_a_guest_is_let_in_and_three_see_each_other(
    three: tuple[Page, Page, Page, str], site: Site, chromium: Browser
) -> None:
    rural, specialist, phone, link = three
    await phone.goto(link)
    await phone.get_by_test_id("open-invitation").click()
    await expect(phone.get_by_text("Please wait, you will be let in")).to_be_visible()
    assert (await inbound(phone))["connections"] == 0
    await expect(rural.get_by_test_id("admit")).to_be_visible()
    await specialist.get_by_test_id("admit").click()
    for page in (rural, specialist, phone):
        await eventually(lambda page=page: sees(page, 2))  # type: ignore[misc]  # bound at once
    await expect(rural.get_by_test_id("admit")).to_be_hidden()
    await phone.get_by_test_id("chat-input").fill("I hear you both")
    await phone.get_by_test_id("chat-input").press("Enter")
    for page in (rural, specialist):
        await expect(page.get_by_test_id("chat-log")).to_contain_text("I hear you both")
    width = await phone.evaluate("document.documentElement.scrollWidth")
    assert width <= 360, "nothing hangs over the edge of a phone"
    await phone.get_by_test_id("mute").click()
    await expect(specialist.get_by_test_id("other-tile").get_by_label("Microphone off")).to_be_visible()

    other = await new_device(chromium, site)
    await other.goto(link)
    await expect(other.get_by_text("This link was already used on another device")).to_be_visible()

    await rural.get_by_test_id("open-guests").click()
    await rural.get_by_test_id("revoke-guest").click()
    began = time.monotonic()
    await expect(phone.get_by_text("Your session has ended")).to_be_visible()
    for page in (rural, specialist):
        await expect(page.get_by_test_id("other-tile")).to_have_count(0)
    assert time.monotonic() - began < 30
    await eventually(lambda: sees(rural, 1))
    await phone.reload()
    await expect(phone.get_by_text("This link cannot be used")).to_be_visible()


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "silent"])
async def test_sound_and_picture_end_with_the_right_to_them(
    site: Site, open_as: OpenAs, cast: Cast, sessions: Sessions, is_told: bool
) -> None:
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_as("rural"), await open_as("specialist")
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    began = time.monotonic()
    if is_told:
        tab = await rural.context.new_page()
        await tab.goto("/")
        began = time.monotonic()
        await tab.locator("form[action='/sign-out'] button").click()
    else:
        async with transaction(sessions) as session:
            mine = WebSession.account_id == cast.rural.account_id
            await session.execute(update(WebSession).where(mine).values(ended_at=now()))
    while not (await rural.evaluate(ENDED) and await specialist.evaluate(ENDED)):
        assert time.monotonic() - began < 30
        await asyncio.sleep(0.1)
    await expect(rural.get_by_text("You are signed out")).to_be_visible()
    await expect(specialist.get_by_text("has left the room")).to_be_visible()
