"""Two people in two browsers: they see and hear each other, write, lose the line and come back."""

import asyncio
import contextlib
from typing import Any

import pytest
from playwright.async_api import Error, Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.people import Cast

pytestmark = pytest.mark.browser

KEEP_CONNECTIONS = """
window.connections = [];
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...rest) { super(...rest); window.connections.push(this); }
};
"""
INBOUND = """async () => {
  const open = window.connections.filter((one) => one.connectionState === "connected");
  const sums = { frames: 0, packets: 0, energy: 0, connections: open.length };
  for (const connection of open) {
    for (const row of (await connection.getStats()).values()) {
      if (row.type !== "inbound-rtp") continue;
      if (row.kind === "video") sums.frames += row.framesDecoded;
      else { sums.packets += row.packetsReceived; sums.energy += row.totalAudioEnergy ?? 0; }
    }
  }
  return sums;
}"""


async def enter(page: Page, consult: object) -> None:
    """Open the room."""
    await page.add_init_script(KEEP_CONNECTIONS)
    await page.goto(f"/consults/{consult}/room")


async def inbound(page: Page) -> dict[str, Any]:
    """What arrives from the other side."""
    sums: dict[str, Any] = await page.evaluate(INBOUND)
    return sums


async def is_live(page: Page) -> bool:
    """Whether pictures and sound of the other side arrive."""
    sums = await inbound(page)
    return bool(sums["frames"] > 5 and sums["packets"] > 50 and sums["energy"] > 0)


async def both_live(rural: Page, specialist: Page) -> None:
    """Wait for it on both sides."""
    await eventually(lambda: is_live(rural))
    await eventually(lambda: is_live(specialist))


@pytest.fixture
async def pair(site: Site, open_as: OpenAs, cast: Cast, sessions: Sessions) -> tuple[Page, Page, object]:
    """The two, signed in, and their booked consult; the rural doctor on a phone."""
    consult = await consult_steps.booked(cast, sessions)
    return await open_as("rural", width=360, height=780), await open_as("specialist"), consult.id


async def test_they_see_hear_and_write(pair: tuple[Page, Page, object], cast: Cast) -> None:
    rural, specialist, consult = pair
    await enter(rural, consult)
    await expect(rural.get_by_text(f"Waiting for {cast.specialist.name}")).to_be_visible()
    await enter(specialist, consult)
    await both_live(rural, specialist)
    for page in (rural, specialist):
        await expect(page.get_by_role("timer")).to_be_visible()
        await expect(page.get_by_test_id("link-quality")).to_contain_text("link")
    await specialist.get_by_test_id("chat-input").fill("<img src=x onerror=alert(1)> Đau đầu ?")
    await specialist.get_by_test_id("chat-input").press("Enter")
    for page in (rural, specialist):
        await expect(page.get_by_test_id("chat-log")).to_contain_text("<img src=x onerror=alert(1)> Đau đầu ?")
    await expect(rural.get_by_test_id("chat-input")).to_be_editable()


async def test_the_controls_do_what_they_say(pair: tuple[Page, Page, object], cast: Cast) -> None:
    rural, specialist, consult = pair
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    await rural.get_by_test_id("mute").click()
    await expect(rural.get_by_test_id("mute")).to_have_attribute("aria-pressed", "true")
    await expect(specialist.get_by_label("Microphone off")).to_be_visible()
    await rural.get_by_test_id("camera").click()
    await expect(specialist.get_by_text("Sound only. The camera is off.")).to_be_visible()
    await rural.get_by_test_id("camera").click()
    await expect(specialist.get_by_text("Sound only. The camera is off.")).to_be_hidden()
    await rural.get_by_test_id("audio-only").click()

    async def is_sound_alone() -> bool:
        before = await inbound(specialist), await inbound(rural)
        await asyncio.sleep(1.5)
        after = await inbound(specialist), await inbound(rural)
        return all(
            later["frames"] <= earlier["frames"] and later["packets"] > earlier["packets"]
            for earlier, later in zip(before, after, strict=True)
        )

    await eventually(is_sound_alone)
    frames = (await inbound(specialist))["frames"]
    await rural.get_by_test_id("audio-only").click()
    await eventually(lambda: more_frames_than(specialist, frames))
    await specialist.get_by_test_id("leave").click()
    await expect(specialist.get_by_text("You have left the session")).to_be_visible()
    await expect(rural.get_by_text("The session has ended")).to_be_visible()
    await specialist.get_by_role("button", name="Join again").click()
    await both_live(rural, specialist)


async def more_frames_than(page: Page, frames: int) -> bool:
    """Whether pictures arrive again."""
    return bool((await inbound(page))["frames"] > frames)


async def test_a_reload_and_a_second_tab(pair: tuple[Page, Page, object]) -> None:
    rural, specialist, consult = pair
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    await rural.reload()
    await both_live(rural, specialist)
    second = await rural.context.new_page()
    await enter(second, consult)
    await both_live(second, specialist)
    await expect(rural.get_by_text("The session is open in another window of yours")).to_be_visible()


async def test_a_tab_that_crashes_is_lost_and_its_seat_kept(pair: tuple[Page, Page, object], cast: Cast) -> None:
    rural, specialist, consult = pair
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    with contextlib.suppress(Error):
        await rural.goto("chrome://crash")
    await expect(specialist.get_by_text(f"The connection to {cast.rural.name} is lost")).to_be_visible()
    again = await rural.context.new_page()
    await enter(again, consult)
    await both_live(again, specialist)


async def test_a_cut_line_to_the_server_does_not_cut_the_call(pair: tuple[Page, Page, object]) -> None:
    rural, specialist, consult = pair
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    await rural.context.set_offline(True)
    await expect(rural.get_by_text("Reconnecting…")).to_be_visible()
    assert (await inbound(rural))["connections"] == 1
    await rural.get_by_test_id("chat-input").fill("written in the dark")
    await rural.get_by_test_id("chat-input").press("Enter")
    await rural.context.set_offline(False)
    await expect(rural.get_by_text("Reconnecting…")).to_be_hidden()
    await expect(specialist.get_by_test_id("chat-log")).to_contain_text("written in the dark")
    frames = (await inbound(rural))["frames"]
    await eventually(lambda: more_frames_than(rural, frames))


async def test_a_thin_link_carries_sound_and_small_pictures(pair: tuple[Page, Page, object]) -> None:
    rural, specialist, consult = pair
    thin = {"offline": False, "latency": 100, "downloadThroughput": 300_000 / 8, "uploadThroughput": 300_000 / 8}
    for page in (rural, specialist):
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Network.enable")
        await devtools.send("Network.emulateNetworkConditions", {**thin, "packetLoss": 1, "packetQueueLength": 60})
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)

    async def do_both_arrive() -> bool:
        """Within five seconds: of 50 packets a second of sound nearly all, and of pictures some."""
        before = await inbound(specialist)
        await asyncio.sleep(5)
        after = await inbound(specialist)
        return after["packets"] - before["packets"] > 5 * 50 * 0.8 and after["frames"] - before["frames"] > 5 * 5

    await eventually(do_both_arrive)


async def test_without_a_camera_one_joins_with_sound(pair: tuple[Page, Page, object]) -> None:
    rural, specialist, consult = pair
    await rural.add_init_script(
        """const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wanted) => wanted.video
          ? Promise.reject(new DOMException("", "NotAllowedError")) : ask(wanted);"""
    )
    await enter(rural, consult)
    await expect(rural.get_by_text("The camera is blocked for this site.")).to_be_visible()
    await enter(specialist, consult)
    await eventually(lambda: is_live(rural))
    await expect(specialist.get_by_text("Sound only. The camera is off.")).to_be_visible()
    assert (await inbound(specialist))["packets"] > 0


async def test_without_any_device_one_sees_and_hears(pair: tuple[Page, Page, object]) -> None:
    rural, specialist, consult = pair
    await specialist.add_init_script(
        """navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotFoundError"));"""
    )
    await enter(rural, consult)
    await enter(specialist, consult)
    await expect(specialist.get_by_text("No microphone was found.")).to_be_visible()
    await expect(specialist.get_by_text("You are in without sound or picture")).to_be_visible()
    await eventually(lambda: is_live(specialist))


async def test_a_page_without_its_script_says_so(pair: tuple[Page, Page, object]) -> None:
    rural, _, consult = pair
    await rural.route("**/static/**/*.js", lambda route: route.abort())
    await rural.goto(f"/consults/{consult}/room")
    await expect(rural.get_by_text("The call cannot start in this browser.")).to_be_visible()
