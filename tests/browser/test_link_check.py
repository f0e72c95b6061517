"""Camera, sound and link on a telephone before a session: fine, blocked by the browser, blocked by the network."""

import pytest
from playwright.async_api import Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.people import Cast

pytestmark = pytest.mark.browser

BLOCKED = """() => {
  const refused = () => Promise.reject(new DOMException("blocked", "NotAllowedError"));
  navigator.mediaDevices.getUserMedia = refused;
}"""
NO_WAY_OUT = """() => {
  const take = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return take.call(this, { type, sdp: sdp.replaceAll(/^a=candidate:.*\\r\\n/gm, "") });
  };
}"""


async def begin(page: Page, cast: Cast, sessions: Sessions) -> str:
    """From the consult's page to the check, begun; returns the consult's address."""
    consult = f"/consults/{(await consult_steps.booked(cast, sessions)).id}"
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(consult)
    await expect(page.get_by_text("Not checked yet. It takes one minute.")).to_be_visible()
    await page.get_by_test_id("check-link").click()
    await page.get_by_test_id("start-check").click()
    return consult


async def is_seen(page: Page) -> bool:
    """Whether the camera's picture is there."""
    return bool(await page.evaluate("document.querySelector('[data-testid=check-picture]').videoWidth > 2"))


async def verdict(page: Page, word: str) -> None:
    """Wait for it; the page fits a telephone."""
    await expect(page.get_by_test_id("link-verdict")).to_have_attribute("data-verdict", word)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_a_good_link_on_a_telephone(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    page = await open_as("rural")
    consult = await begin(page, cast, sessions)
    await eventually(lambda: is_seen(page))
    await expect(page.get_by_text("The microphone hears you.")).to_be_visible()
    await page.get_by_test_id("heard-tone").click()
    await expect(page.get_by_text("Measuring what you send…")).to_be_visible()
    await verdict(page, "video")
    picture = "document.querySelector('[data-testid=check-picture]').srcObject"
    assert await page.evaluate(f"{picture}.getTracks().every((track) => track.readyState === 'ended')")
    await page.get_by_text("What was measured").click()
    await expect(page.get_by_text("Direct (UDP)")).to_be_visible()
    await page.goto(consult)
    await expect(page.get_by_test_id("link-line").first).to_contain_text("Video will be fine")


async def test_it_can_be_cancelled_and_begun_again(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    page = await open_as("specialist")
    await begin(page, cast, sessions)
    await page.get_by_test_id("heard-tone").click()
    await page.get_by_test_id("cancel-check").click()
    await expect(page.get_by_test_id("cancel-check")).to_be_hidden()
    await page.get_by_test_id("start-check").click()
    await eventually(lambda: is_seen(page))


async def test_what_is_blocked_is_said_and_what_to_do(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    page = await open_as("rural")
    await page.add_init_script(f"({BLOCKED})()")
    await page.add_init_script(f"({NO_WAY_OUT})()")
    await begin(page, cast, sessions)
    await expect(page.get_by_text("The camera is blocked for this site.")).to_be_visible()
    await expect(page.get_by_text("The microphone is blocked for this site.")).to_be_visible()
    await page.get_by_test_id("heard-tone").click()
    await verdict(page, "write")
    await expect(page.get_by_text("Your network lets no call through.")).to_be_visible()
    await expect(page.get_by_text("The camera did not work")).to_be_visible()
