"""The ladder on lines that are thin, grow thin and recover: sound stays, pictures fit."""

import asyncio
import os
from typing import Any

import pytest
from playwright.async_api import Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import eventually
from tests.browser.test_call import both_live, enter
from tests.links.conftest import Caller, OpenOver
from tests.links.line import Terms
from tests.people import Cast

pytestmark = pytest.mark.skipif("LONG" not in os.environ, reason="minutes: LONG=1 asks for it")

MEASURE = """async () => {
  const open = window.connections.filter((one) => one.connectionState === "connected");
  const sums = { packets: 0, samples: 0, concealed: 0, frames: 0, height: 0, sent: 0, interval: 0 };
  for (const connection of open) {
    for (const row of (await connection.getStats()).values()) {
      if (row.type === "inbound-rtp" && row.kind === "audio") {
        sums.packets += row.packetsReceived;
        sums.samples += row.totalSamplesReceived ?? 0;
        sums.concealed += (row.concealedSamples ?? 0) - (row.silentConcealedSamples ?? 0);
      } else if (row.type === "inbound-rtp" && row.kind === "video") {
        sums.frames += row.framesDecoded;
        sums.height = Math.max(sums.height, row.frameHeight ?? 0);
      } else if (row.type === "outbound-rtp" && row.kind === "audio") sums.sent += row.packetsSent;
    }
  }
  return sums;
}"""

Pair = tuple[Caller, Caller]


async def measured(page: Page) -> dict[str, Any]:
    """What arrives there, in sums since the call began."""
    sums: dict[str, Any] = await page.evaluate(MEASURE)
    return sums


async def over(page: Page, seconds: float) -> dict[str, float]:
    """What arrives there within so many seconds; the height is that of the last picture."""
    before = await measured(page)
    await asyncio.sleep(seconds)
    after = await measured(page)
    return {key: after[key] - (0 if key == "height" else before[key]) for key in after}


@pytest.fixture
async def talking(open_over: OpenOver, cast: Cast, sessions: Sessions) -> Pair:
    """The rural doctor, on a phone, and the specialist see and hear each other over good lines."""
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_over("rural", width=360, height=780), await open_over("specialist")
    await enter(specialist.page, consult)
    await enter(rural.page, consult)
    await both_live(rural.page, specialist.page)
    return rural, specialist


async def test_at_64_kbit_the_sound_stays_and_pictures_come_one_by_one_and_move_again_afterwards(
    talking: Pair, cast: Cast
) -> None:
    rural, specialist = talking
    rural.line.terms = Terms(rate=64_000, delay=0.1)
    await expect(specialist.page.get_by_text(f"The link of {cast.rural.name} is weak:")).to_be_visible()
    await expect(rural.page.get_by_text("Your link is weak. Sound comes first:").filter(visible=True)).to_be_visible()
    await expect(specialist.page.get_by_test_id("still-picture").locator("img")).to_be_visible(timeout=90_000)
    heard = await over(specialist.page, 8)
    assert heard["frames"] == 0
    assert heard["packets"] > 8 * 10, heard
    assert heard["concealed"] < heard["samples"] * 0.05, heard
    rural.line.terms = Terms(delay=0.02)
    await eventually(lambda: moves(specialist.page), within=90)
    await expect(specialist.page.get_by_test_id("still-picture")).to_be_hidden(timeout=120_000)


async def moves(page: Page) -> bool:
    """Whether moving pictures arrive."""
    return (await over(page, 1))["frames"] > 3


async def test_at_300_kbit_a_small_picture_moves(open_over: OpenOver, cast: Cast, sessions: Sessions) -> None:
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_over("rural", width=360, height=780), await open_over("specialist")
    await enter(specialist.page, consult)
    rural.line.terms = Terms(rate=300_000, delay=0.1)
    await enter(rural.page, consult)
    await both_live(rural.page, specialist.page)
    await eventually(lambda: moves(specialist.page), within=90)
    heard = await over(specialist.page, 5)
    assert 0 < heard["height"] <= 360, heard
    assert heard["packets"] > 5 * 10, heard
