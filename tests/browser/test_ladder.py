"""What people choose to send and receive in a call, and what the other side reads of it."""

import asyncio
import uuid

import pytest
from playwright.async_api import Page, expect

from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.test_call import both_live, enter, inbound, more_frames_than
from tests.people import Cast

pytestmark = pytest.mark.browser

PACKED = """async () => {
  const rows = [];
  for (const connection of window.connections)
    for (const row of (await connection.getStats()).values())
      if (row.type === "outbound-rtp" && row.kind === "audio") rows.push(row.packetsSent);
  return rows.reduce((all, one) => all + one, 0);
}"""


@pytest.fixture
async def talking(open_as: OpenAs, cast: Cast, sessions: Sessions) -> tuple[Page, Page, uuid.UUID]:
    """The rural doctor, on a phone, and the specialist see and hear each other."""
    consult = await consult_steps.booked(cast, sessions)
    rural, specialist = await open_as("rural", width=360, height=780), await open_as("specialist")
    await enter(rural, consult.id)
    await enter(specialist, consult.id)
    await both_live(rural, specialist)
    return rural, specialist, consult.id


async def rests(page: Page) -> bool:
    """Whether sound comes and no moving picture."""
    before = await inbound(page)
    await asyncio.sleep(1.5)
    after = await inbound(page)
    return bool(after["frames"] == before["frames"] and after["packets"] > before["packets"])


async def test_pictures_on_their_own_and_back(talking: tuple[Page, Page, uuid.UUID], cast: Cast) -> None:
    rural, specialist, _ = talking
    await rural.get_by_test_id("call-more").press("Enter")
    await rural.get_by_test_id("ladder-stills").check()
    await rural.keyboard.press("Escape")
    await expect(specialist.get_by_text(f"{cast.rural.name} sends pictures instead of video.")).to_be_visible()
    still = specialist.get_by_test_id("still-picture")
    await expect(still.locator("img")).to_be_visible()
    await expect(still).to_contain_text("Picture of ")
    assert await still.locator("img").evaluate("image => image.naturalWidth") > 100
    await eventually(lambda: rests(specialist))
    sent = await rural.evaluate(PACKED)
    await asyncio.sleep(2)
    assert await rural.evaluate(PACKED) - sent < 2 * 35, "speech goes in packets of 40 ms"
    await rural.get_by_test_id("call-more").click()
    await rural.get_by_test_id("ladder-automatic").check()
    frames = (await inbound(specialist))["frames"]
    await eventually(lambda: more_frames_than(specialist, frames))
    await expect(still).to_be_hidden()


async def test_sound_only_by_the_list_is_that_by_the_button(talking: tuple[Page, Page, uuid.UUID]) -> None:
    rural, specialist, _ = talking
    button = rural.get_by_test_id("audio-only")
    await rural.get_by_test_id("call-more").click()
    await rural.get_by_test_id("ladder-audio").check()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await eventually(lambda: rests(specialist))
    await rural.get_by_test_id("ladder-automatic").check()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await rural.keyboard.press("Escape")
    await button.click()
    await expect(rural.get_by_test_id("ladder-audio")).to_be_checked()


async def test_sending_without_receiving(talking: tuple[Page, Page, uuid.UUID]) -> None:
    rural, specialist, _ = talking
    await rural.get_by_test_id("call-more").click()
    await rural.get_by_test_id("no-incoming-video").check()
    await eventually(lambda: rests(rural))
    frames = (await inbound(specialist))["frames"]
    await eventually(lambda: more_frames_than(specialist, frames))
    await rural.get_by_test_id("no-incoming-video").uncheck()
    frames = (await inbound(rural))["frames"]
    await eventually(lambda: more_frames_than(rural, frames))


async def test_an_answer_in_writing_instead(
    talking: tuple[Page, Page, uuid.UUID], cast: Cast, sessions: Sessions
) -> None:
    rural, specialist, consult = talking
    await rural.get_by_test_id("call-more").click()
    await rural.get_by_test_id("ask-in-writing").click()
    await expect(rural.get_by_text("The specialist answers in writing.")).to_be_visible()
    await expect(specialist.get_by_text("The session has ended")).to_be_visible()
    async with transaction(sessions) as session:
        assert state_of(await consult_for(session, cast.rural, consult)) is ConsultState.UNSIGNED
