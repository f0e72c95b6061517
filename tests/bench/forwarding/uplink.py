"""What a browser finds that it may send after three seconds: through our server, and straight to another connection."""

import statistics
import uuid
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright

from signaling.media.forwarder import Forwarder
from tests.browser.conftest import CHROMIUM, FLAGS

ADDRESS: Final = "http://localhost/"
AFTER: Final = 3_000
"""Milliseconds from the moment the connection is there."""
_PAGE: Final = Path(__file__).with_name("uplink.html")


async def uplinks(rounds: int) -> tuple[float, float]:
    """bit/s through the server and straight, in turns; medians."""
    through, direct = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(rounds):
            page = await browser.new_page()
            await page.route(ADDRESS, lambda route: route.fulfill(path=_PAGE, content_type="text/html"))
            await page.goto(ADDRESS)
            through.append(await _through(page))
            direct.append(await page.evaluate("after => straight(after)", AFTER))
            await page.close()
        await browser.close()
    return statistics.median(through), statistics.median(direct)


async def _through(page: Page) -> float:
    forwarder = Forwarder()

    async def offer(sdp: str) -> str:
        return await forwarder.offer(uuid.uuid4(), sdp, {})

    await page.expose_function("forwarder", offer)
    rate: float = await page.evaluate("after => through(after)", AFTER)
    await forwarder.close()
    return rate
