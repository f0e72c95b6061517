"""What a person finds on the page of a call: further cameras, a stethoscope, the screen, stills, hands, ways on."""

from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually, note_errors
from tests.browser.site import Site
from tests.browser.test_call import both_live, enter, inbound
from tests.people import Cast

pytestmark = pytest.mark.browser

MOST: Final = 86_000
"""Bytes, where nothing is in the browser."""
A_SCREEN = """navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 400];
  const pen = canvas.getContext("2d");
  setInterval(() => { pen.fillStyle = `hsl(${Date.now() % 360} 80% 50%)`; pen.fillRect(0, 0, 640, 400); }, 100);
  return canvas.captureStream(10);
};"""
MOVES = "video => video.videoWidth > 2 && !video.paused && video.getVideoPlaybackQuality().totalVideoFrames > 2"


@pytest.fixture
async def pair(site: Site, open_as: OpenAs, cast: Cast, sessions: Sessions) -> tuple[Page, Page]:
    """The two in their call, the rural doctor on a telephone."""
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_as("rural", width=360, height=780), await open_as("specialist")
    await rural.add_init_script(A_SCREEN)
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    return rural, specialist


async def test_the_page_is_light(
    site: Site, open_as: OpenAs, chromium: Browser, cast: Cast, sessions: Sessions
) -> None:
    """All that comes before it asks to join, headers with it; the rest comes once the call stands."""
    consult = (await consult_steps.booked(cast, sessions)).id
    signed_in = await (await open_as("rural")).context.storage_state()
    fresh = await chromium.new_context(
        base_url=site.url, locale="en", permissions=["camera", "microphone"], storage_state=signed_in
    )
    page = await fresh.new_page()
    note_errors(page, "rural")
    devtools = await fresh.new_cdp_session(page)
    await devtools.send("Network.enable")
    came: list[float] = []
    until_joined: list[float] = []

    def asked(sent: dict[str, Any]) -> None:
        if '["join"' in sent["response"]["payloadData"]:
            until_joined.append(sum(came))

    devtools.on("Network.loadingFinished", lambda answer: came.append(answer["encodedDataLength"]))
    devtools.on("Network.webSocketFrameSent", asked)
    await enter(page, consult)
    await expect(page.locator("[data-standing=waiting]")).to_be_visible()
    await page.wait_for_function("() => window.Turbo !== undefined")
    assert 40_000 < until_joined[0] <= MOST, until_joined
    assert sum(came) > until_joined[0] + 20_000


async def press(page: Page, name: str) -> None:
    """A button under More."""
    await page.get_by_test_id("call-more").click()
    await page.get_by_test_id(name).click()


async def start(page: Page, what: str, name: str) -> None:
    """Send one thing more, of the first device there is."""
    await press(page, what)
    await page.get_by_label("What the others see it called").fill(name)
    await page.get_by_test_id("start-source").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_second_camera_and_the_screen_have_tiles_of_their_own(pair: tuple[Page, Page]) -> None:
    rural, specialist = pair
    await start(rural, "add-camera", "Ultrasound <1>")
    tile = specialist.get_by_test_id("stream-tile")
    await expect(tile).to_contain_text("Ultrasound <1>")
    await eventually(lambda: tile.locator("video").evaluate(MOVES))
    await specialist.get_by_role("button", name="Enlarge: ").and_(tile.locator("button")).focus()
    await specialist.keyboard.press("Enter")
    await expect(tile).to_have_attribute("data-large", "")
    await expect(specialist.locator("[data-tile-key=main]")).not_to_have_attribute("data-large", "")
    await press(rural, "share-screen")
    await expect(tile).to_have_count(2)
    await eventually(lambda: tile.nth(1).locator("video").evaluate(MOVES))
    assert await rural.evaluate("document.documentElement.scrollWidth") <= 360
    await rural.get_by_test_id("call-more").click()
    await rural.get_by_test_id("stop-source").first.click()
    await expect(tile).to_have_count(1)
    await expect(specialist.locator("[data-tile-key=main]")).to_have_attribute("data-large", "")
    await rural.get_by_test_id("share-screen").click()
    await expect(tile).to_have_count(0)


async def test_a_stethoscope_is_heard_in_full_and_can_be_muted(pair: tuple[Page, Page]) -> None:
    rural, specialist = pair
    packets = (await inbound(specialist))["packets"]
    await start(rural, "stethoscope", "")
    tile = specialist.get_by_test_id("stream-tile")
    await expect(tile).to_contain_text("Listen with headphones.")
    settings = await rural.evaluate(
        "document.querySelector('[data-testid=stream-tile] video').srcObject.getAudioTracks()[0].getSettings()"
    )
    assert not (settings["echoCancellation"] or settings["noiseSuppression"] or settings["autoGainControl"])

    async def is_more_than_a_voice() -> bool:
        return bool((await inbound(specialist))["packets"] > packets + 100)

    await eventually(is_more_than_a_voice)
    await specialist.get_by_test_id("mute-stethoscope").click()
    assert await tile.locator("video").evaluate("video => video.muted")


async def test_a_picture_is_kept_with_the_patients_agreement(pair: tuple[Page, Page]) -> None:
    rural, specialist = pair
    await specialist.locator("[data-tile-key=main]").hover()
    await specialist.locator("[data-tile-key=main]").get_by_test_id("take-picture").click()
    await specialist.get_by_test_id("keep-picture").click()
    await expect(specialist.get_by_test_id("still-agreed")).to_be_visible()  # nothing was sent
    await specialist.get_by_test_id("still-agreed").check()
    await specialist.get_by_test_id("keep-picture").click()
    await expect(specialist.get_by_test_id("picture-kept")).to_be_visible()
    for page in (specialist, rural):
        await page.get_by_role("tab", name="Images").click()
        await expect(page.locator("#shown-studies")).to_contain_text("Photographs and documents")


async def test_hands_go_up_and_silence_is_asked_for(pair: tuple[Page, Page], cast: Cast) -> None:
    rural, specialist = pair
    await press(rural, "raise-hand")
    await expect(specialist.get_by_test_id("asks-to-speak")).to_have_text(f"{cast.rural.name} asks to speak.")
    await rural.get_by_test_id("raise-hand").click()
    await expect(specialist.get_by_test_id("asks-to-speak")).to_be_hidden()
    await press(specialist, "mute-others")
    await expect(rural.get_by_test_id("mute")).to_have_attribute("aria-pressed", "true")
    await expect(rural.get_by_test_id("hushed")).to_contain_text(f"{cast.specialist.name} has muted your microphone.")
    await expect(rural.get_by_test_id("mute")).to_have_accessible_name("Unmute")
    await expect(specialist.get_by_label("Microphone off")).to_be_visible()
    await rural.keyboard.press("Escape")
    await rural.get_by_test_id("mute").click()
    await expect(rural.get_by_test_id("hushed")).to_be_hidden()
    await expect(rural.get_by_test_id("mute")).to_have_accessible_name("Mute")
    await expect(specialist.get_by_label("Microphone off")).to_be_hidden()


async def test_another_microphone_is_taken_and_remembered(pair: tuple[Page, Page]) -> None:
    rural, specialist = pair
    await rural.get_by_test_id("call-more").click()
    chooser = rural.get_by_test_id("choose-microphone")
    (chosen,) = await chooser.select_option(label="Fake Audio Input 2")
    packets = (await inbound(specialist))["packets"]

    async def is_heard() -> bool:
        return bool((await inbound(specialist))["packets"] > packets + 50)

    await eventually(is_heard)
    await rural.reload()
    await both_live(rural, specialist)
    await rural.get_by_test_id("call-more").click()
    await expect(chooser).to_have_value(chosen)


async def test_the_end_leads_on(pair: tuple[Page, Page]) -> None:
    rural, specialist = pair
    await rural.evaluate("scrollTo(0, document.body.scrollHeight)")
    await expect(rural.get_by_test_id("leave")).to_be_in_viewport(ratio=1)
    await rural.get_by_test_id("leave").click()
    await expect(rural.get_by_role("link", name="Back to the consult")).to_be_in_viewport(ratio=1)
    await specialist.get_by_test_id("leave").click()
    await expect(specialist.get_by_text("You have left the session")).to_be_visible()
    await specialist.locator("[data-testid=go-on-to-note]:visible").click()
    await expect(specialist.get_by_test_id("note-editor")).to_be_visible()
