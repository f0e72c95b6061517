"""Two to five people in browsers of their own: whoever comes and goes, everybody sees and hears everybody."""

import asyncio
import functools
import uuid
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Page, expect

from teleconsult.db import Sessions, transaction
from teleconsult.encounters.guests import admit_guest, invite_guest, revoke_guest
from teleconsult.encounters.models import GuestKind
from tests import consult_steps
from tests.browser.conftest import LONGEST, OpenAs, eventually
from tests.browser.site import Site
from tests.browser.test_call import enter
from tests.browser.test_guests import new_device
from tests.people import Cast

pytestmark = pytest.mark.browser

ARRIVING = """async () => {
  const counts = {};
  for (const one of window.connections.filter((one) => one.connectionState === "connected")) {
    for (const row of (await one.getStats()).values()) {
      if (row.type === "inbound-rtp") counts[row.trackIdentifier] = row.framesDecoded ?? row.packetsReceived;
    }
  }
  return [...document.querySelectorAll("video")]
    .filter((video) => !video.muted && video.srcObject && video.videoWidth > 2)
    .map((video) => video.srcObject.getTracks().map((track) => [track.kind, counts[track.id] ?? 0]));
}"""
WATCH = """() => {
  const longest = (again) => {
    const kept = { rest: 0 };
    let before = performance.now();
    const look = () => {
      const now = performance.now();
      kept.rest = Math.max(kept.rest, now - before);
      before = now;
      again(look);
    };
    again(look);
    return kept;
  };
  const video = document.querySelector("[data-testid=remote-video]");
  window.picture = longest((look) => video.requestVideoFrameCallback(look));
  window.machine = longest((look) => setTimeout(look, 20));
}"""
RECEIVED = """async () => {
  let sum = 0;
  for (const one of window.connections) {
    if (one.connectionState === "closed") continue;
    for (const row of (await one.getStats()).values()) if (row.type === "transport") sum += row.bytesReceived;
  }
  return sum;
}"""


async def arriving(page: Page) -> list[dict[str, int]]:
    """Of each remote picture on the page: decoded frames and received packets of sound."""
    return [dict(tracks) for tracks in await page.evaluate(ARRIVING)]


async def is_with(page: Page, others: int) -> bool:
    """Whether so many are seen and heard at this moment: of each more frames and more sound come."""
    before = await arriving(page)
    await asyncio.sleep(1)
    after = await arriving(page)
    return len(before) == len(after) == others and all(
        set(late) == {"audio", "video"} and all(late[kind] > early.get(kind, 0) for kind in late)
        for early, late in zip(before, after, strict=True)
    )


async def send_video(page: Page) -> None:
    """Once in the room, have pictures move on any link: a busy machine looks like a weak one."""
    await expect(page.get_by_test_id("leave")).to_be_enabled()
    await page.get_by_test_id("ladder-video").evaluate("(choice) => choice.click()")


async def all_together(*pages: Page) -> None:
    """Everybody sees and hears everybody."""
    for page in pages:
        seen = functools.partial(is_with, page, len(pages) - 1)
        await eventually(seen, within=2 * LONGEST / 1000)  # five browsers and another test may share two cores


async def go_by(way: str, *pages: Page) -> None:
    """All are on that path, and have left the other."""
    for page in pages:
        await expect(page.locator("[data-controller~=room]")).to_have_attribute("data-path", way)


@dataclass
class Session:
    """The two of a consult in their room, and guests who come in."""

    consult: uuid.UUID
    rural: Page
    specialist: Page
    chromium: Browser
    site: Site
    cast: Cast
    sessions: Sessions
    guests: list[Page] = field(default_factory=list)
    passes: list[uuid.UUID] = field(default_factory=list)

    @property
    def pages(self) -> list[Page]:
        """Everyone's."""
        return [self.rural, self.specialist, *self.guests]

    async def guest(self, name: str) -> Page:
        """One more, let in by the rural doctor."""
        rural = self.cast.rural
        async with transaction(self.sessions, rural) as opened:
            kept, token = await invite_guest(
                opened, rural, consult_id=self.consult, kind=GuestKind.FAMILY_DOCTOR, name=name
            )
        device = await new_device(self.chromium, self.site)
        await device.goto(f"/join/{token}")
        await device.get_by_test_id("open-invitation").click()
        await expect(device.get_by_text("Please wait, you will be let in")).to_be_visible()
        async with transaction(self.sessions, rural) as opened:
            await admit_guest(opened, rural, consult_id=self.consult, pass_id=kept.id)
        await send_video(device)
        self.guests.append(device)
        self.passes.append(kept.id)
        return device


@pytest.fixture
async def session(site: Site, open_as: OpenAs, chromium: Browser, cast: Cast, sessions: Sessions) -> Session:
    """Two, who see and hear each other."""
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_as("rural"), await open_as("specialist")
    await enter(rural, consult)
    await enter(specialist, consult)
    for page in (rural, specialist):
        await send_video(page)
    await all_together(rural, specialist)
    return Session(consult, rural, specialist, chromium, site, cast, sessions)


async def private_by(state: str, *pages: Page) -> None:
    """All say so of who can hear and see the call."""
    for page in pages:
        await expect(page.get_by_test_id("privacy")).to_have_attribute("data-sealing-state", state)


async def stands_still(page: Page) -> bool:
    """Whether the large picture ever did for a second since it is watched, the machine's own pauses apart."""
    return bool(await page.evaluate("window.picture.rest > 1000 + 2 * window.machine.rest"))


async def test_the_way_follows_the_number_of_people(session: Session) -> None:
    await go_by("direct", *session.pages)
    await expect(session.rural.get_by_test_id("through-server")).to_be_hidden()
    for page in (session.rural, session.specialist):
        await page.evaluate(WATCH)
    await session.guest("Rose B.")
    await all_together(*session.pages)

    last = await session.guest("Luc T.")
    await all_together(*session.pages)
    await go_by("server", *session.pages)
    await all_together(*session.pages)
    await private_by("sealed", *session.pages)
    assert await session.rural.evaluate("connections.filter((one) => one.connectionState === 'connected').length") == 1
    for page in (session.rural, session.specialist):
        assert not await stands_still(page)

    await last.get_by_test_id("leave").click()
    await session.guests[0].get_by_test_id("leave").click()
    session.guests.clear()
    for page in (session.rural, session.specialist):
        await page.evaluate(WATCH)
    await go_by("direct", *session.pages)
    await all_together(*session.pages)
    for page in (session.rural, session.specialist):
        assert not await stands_still(page)


async def test_five_come_and_go_through_the_server(session: Session) -> None:
    for name in ("Rose B.", "Luc T.", "Ana S."):
        await session.guest(name)
    await go_by("server", *session.pages)
    await all_together(*session.pages)

    await session.rural.reload()
    await all_together(*session.pages)

    out = session.guests.pop(0)
    async with transaction(session.sessions, session.cast.rural) as opened:
        await revoke_guest(opened, session.cast.rural, consult_id=session.consult, pass_id=session.passes.pop(0))
    await expect(out.get_by_text("Your session has ended")).to_be_visible()
    assert await out.evaluate(RECEIVED) == 0, "no connection is left by which anything could come"
    await all_together(*session.pages)
