"""Where calls are measured: the product and the bare page in a network of their own, two people each at the end of a
line whose rate, delay and loss can be set (`tests.links`).
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests import consult_steps
from tests.bench.calls.front import BEHIND, PORT, in_front
from tests.bench.running import installation
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.links.line import Line, Terms
from tests.links.link import HUB, Hub, Place, network, program_inside
from tests.people import PASSWORD

BARE_PORT: Final = 8099
PATIENCE: Final = 60_000  # ms
MARKS: Final = """
window.connections = [];
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...rest) { super(...rest); window.connections.push(this); }
};
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (typeof data === "string" && data.includes('["join"')) window.joined ??= performance.now();
  return send.call(this, data);
};
addEventListener("DOMContentLoaded", () => {
  const video = document.querySelector("[data-testid=remote-video]");
  video?.requestVideoFrameCallback(() => { window.seen = performance.now(); });
});
"""
"""When a page asked to join, and when it showed the first picture of the other side."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at a place of their own, signed in."""

    context: BrowserContext
    place: Place

    @property
    def line(self) -> Line:
        """What ties them to everyone else."""
        return self.place.line

    async def opens(self, address: str) -> Page:
        """A tab of theirs."""
        page = await self.context.new_page()
        await page.goto(address)
        return page


@dataclass(frozen=True, slots=True)
class Stand:
    """All of it."""

    hub: Hub
    rural: Caller
    specialist: Caller
    url: str
    """Of the product."""
    room: str
    """The product's page of their session."""
    bare: str
    """The other page."""

    async def fresh(self, caller: Caller) -> BrowserContext:
        """Theirs, signed in, with nothing of the product in it."""
        browser = caller.context.browser
        assert browser is not None
        return await _context(browser, self.url, storage_state=await caller.context.storage_state())


@contextlib.asynccontextmanager
async def standing(folder: Path, *, as_shipped: bool = False) -> AsyncIterator[Stand]:
    """Both over perfect lines; the program needs root. `folder` holds what is written. `as_shipped` has nginx in front,
    as `deploy/` has it.
    """
    async with contextlib.AsyncExitStack() as stack:
        hub = stack.enter_context(network())
        more = BEHIND if as_shipped else None
        running = await stack.enter_async_context(installation(host=HUB, inside=hub.inside, more=more))
        url: str = running.site.url
        flags: list[str] = []
        if as_shipped:
            url = f"https://{HUB}:{PORT}"
            flags = stack.enter_context(in_front(running.site.port, hub.inside, folder))
        stack.enter_context(_bare(hub))
        playwright = await stack.enter_async_context(async_playwright())
        callers = []
        for name in ("rural", "specialist"):
            place = hub.place(name)
            stack.callback(hub.leave, place)
            trusted = f"--unsafely-treat-insecure-origin-as-secure={url},http://{HUB}:{BARE_PORT}"
            browser = await playwright.chromium.launch(
                executable_path=program_inside(place, CHROMIUM, folder), args=[*FLAGS, *flags, trusted]
            )
            stack.push_async_callback(browser.close)
            context = await _context(browser, url)
            page = await context.new_page()
            await page.goto("/sign-in")
            await page.fill("[name=email]", running.cast.emails[name])
            await page.fill("[name=password]", PASSWORD)
            await page.click("form[action='/sign-in'] button")
            await page.wait_for_url(f"{url}/")
            await page.close()
            callers.append(Caller(context, place))
        consult = await consult_steps.booked(running.cast, running.sessions)
        room = f"/consults/{consult.id}/room"
        yield Stand(hub, callers[0], callers[1], url, room, f"http://{HUB}:{BARE_PORT}/")


async def _context(browser: Browser, url: str, **more: Any) -> BrowserContext:
    context = await browser.new_context(base_url=url, locale="en", permissions=["camera", "microphone"], **more)
    context.set_default_timeout(PATIENCE)
    await context.add_init_script(MARKS)
    return context


@contextlib.contextmanager
def _bare(hub: Hub) -> Iterator[None]:
    command = [*hub.inside, sys.executable, "-m", "tests.bench.calls.bare", HUB, str(BARE_PORT)]
    server = subprocess.Popen(command)
    try:
        ask = [*hub.inside, "bash", "-c", f"exec 3<>/dev/tcp/{HUB}/{BARE_PORT}"]
        while subprocess.run(ask, check=False, stderr=subprocess.DEVNULL).returncode:
            assert server.poll() is None
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


async def marked(page: Page, name: str) -> float:
    """Seconds from the press to one of the marks, once it is there."""
    found = await page.wait_for_function(f"() => window.{name}")
    return float(await found.json_value()) / 1000


async def heard(page: Page) -> float:
    """Bytes of sound that came so far."""
    counted: Any = await page.evaluate(
        """async () => {
          let sum = 0;
          for (const one of window.connections) {
            if (one.connectionState === "closed") continue;
            for (const row of (await one.getStats()).values())
              if (row.type === "inbound-rtp" && row.kind === "audio") sum += row.bytesReceived;
          }
          return sum;
        }"""
    )
    return float(counted)


PERFECT: Final = Terms()
