"""What a call lives through: a cut, another address, a server that is killed. No word is lost, none comes twice."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import pytest
from playwright.async_api import Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import eventually
from tests.browser.site import Site
from tests.browser.test_call import both_live, enter, inbound
from tests.links.conftest import Caller, OpenOver
from tests.links.line import Terms
from tests.people import Cast

CUT: Final = 30.0 if os.environ.get("LONG") else 8.0
"""Seconds a line is cut."""
SOUND_OVER_TIME = """() => {
  window.arrived = [];
  window.watching = setInterval(async () => {
    let packets = 0;
    for (const connection of window.connections) {
      if (connection.connectionState === "closed") continue;
      for (const row of (await connection.getStats()).values()) {
        if (row.type === "inbound-rtp" && row.kind === "audio") packets += row.packetsReceived;
      }
    }
    window.arrived.push([performance.now(), packets]);
  }, 100);
}"""
LONGEST_GAP = """() => {
  let [[since, before]] = window.arrived, longest = 0;
  for (const [at, packets] of window.arrived) {
    if (packets !== before) [since, before] = [at, packets];
    longest = Math.max(longest, at - since);
  }
  return longest / 1000;
}"""


@dataclass
class Two:
    """Both in their session, seeing and hearing each other."""

    rural: Caller
    specialist: Caller

    @property
    def pages(self) -> tuple[Page, Page]:
        """Theirs."""
        return self.rural.page, self.specialist.page

    async def write(self, who: Caller, text: str) -> None:
        """A line of the chat."""
        await who.page.get_by_test_id("chat-input").fill(text)
        await who.page.get_by_test_id("chat-input").press("Enter")

    async def have_read(self, text: str) -> bool:
        """Whether both pages show it."""
        logs = [await page.get_by_test_id("chat-log").inner_text() for page in self.pages]
        assert all(log.count(text) <= 1 for log in logs), "nothing comes twice"
        return all(text in log for log in logs)


@pytest.fixture
async def two(open_over: OpenOver, cast: Cast, sessions: Sessions) -> AsyncIterator[Two]:
    """The two in a call."""
    consult = (await consult_steps.booked(cast, sessions)).id
    village = Terms(rate=2_000_000, delay=0.05)
    both = Two(await open_over("rural", village, width=360, height=780), await open_over("specialist"))
    for page in both.pages:
        await enter(page, consult)
    await both_live(*both.pages)
    for page in both.pages:
        await page.evaluate(SOUND_OVER_TIME)
    yield both


async def grows(page: Page, *, what: str = "packets") -> bool:
    """Whether something comes now."""
    before = (await inbound(page))[what]
    await asyncio.sleep(0.3)
    return bool((await inbound(page))[what] > before)


async def until(condition: object, *, within: float) -> float:
    """Seconds it took."""
    begun = time.monotonic()
    await eventually(condition, within=within)  # type: ignore[arg-type]  # a coroutine function
    return time.monotonic() - begun


async def gap(page: Page) -> float:
    """The longest time, in seconds, in which no sound came; whether pictures come is for the ladder to say."""
    longest: float = await page.evaluate(LONGEST_GAP)
    return longest


async def test_after_a_cut_everything_is_back_within_five_seconds(two: Two) -> None:
    two.rural.line.cut()
    await asyncio.sleep(CUT / 2)
    await two.write(two.rural, "written in the dark")
    await two.write(two.specialist, "are you there?")
    await asyncio.sleep(CUT / 2)
    assert not await two.have_read("written in the dark")
    two.rural.line.heal()
    healed = time.monotonic()
    await asyncio.gather(
        until(lambda: two.have_read("written in the dark"), within=5),
        until(lambda: two.have_read("are you there?"), within=5),
        *(until(lambda page=page: grows(page), within=5) for page in two.pages),
    )
    assert time.monotonic() - healed < 5
    await expect(two.rural.page.get_by_text("Reconnecting…")).to_be_hidden()
    await asyncio.sleep(1)
    assert await two.have_read("written in the dark"), "still once"


async def test_another_address_interrupts_for_four_seconds_at_most(two: Two) -> None:
    two.rural.place.move()
    await asyncio.sleep(6)
    for page in two.pages:
        assert await grows(page)
        assert await gap(page) <= 4
    await two.write(two.rural, "from another address")
    await eventually(lambda: two.have_read("from another address"), within=5)


async def test_a_killed_server_interrupts_nothing_between_two(two: Two, site: Site) -> None:
    site.kill_server()
    await two.write(two.rural, "while the server was dead")
    await asyncio.sleep(4)
    site.start_server()
    await asyncio.to_thread(site.wait_until_ready)
    took = await until(lambda: two.have_read("while the server was dead"), within=8)
    assert took <= 5
    for page in two.pages:
        await expect(page.get_by_text("Reconnecting…")).to_be_hidden()
        assert await gap(page) < 1.5
