"""Looking at images on 1 Mbit/s with 300 ms there and back, nothing in the browser: `python -m tests.bench.thin_link`.

`BENCH_SLICES` says how long the CT is; `BENCH_RUNS` how often each page is opened. Prints the medians, in seconds.
"""

import asyncio
import os
import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from sqlalchemy import func, select

from teleconsult.db import transaction
from teleconsult.imaging.models import ImagingInstance
from tests.bench.running import Installation, installation
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.viewing_steps import packs_of, seconds_to_go, seconds_until, seen_over_thin_line
from tests.consult_steps import submitted
from tests.people import PASSWORD
from tests.teleconsult.imaging.bodies import ct_slices, radiograph
from tests.teleconsult.imaging.steps import door

SLICES: Final = int(os.environ.get("BENCH_SLICES", "400"))
RUNS: Final = int(os.environ.get("BENCH_RUNS", "3"))
SCROLLED: Final = 20
GOALS: Final = {
    "first readable picture": 2.0,
    "overview of 50 slices, from asking": 4.5,
    "a CT slice without loss": 2.2,
    "a radiograph without loss, from the click": 39.0,
    "scrolling, a slice": 0.15,
}
Figures = dict[str, list[float]]


async def main() -> None:
    """Fill, look, print one table."""
    async with installation() as running:
        await bring(running, "1.2.3", ct_slices(SLICES, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1"))
        await bring(running, "1.2.4", [radiograph(StudyInstanceUID="1.2.4", SeriesInstanceUID="1.2.4.1")])
        await until_prepared(running)
        figures: Figures = defaultdict(list)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for _run in range(RUNS):
                await look_at_ct(await signed_in(browser, running), running, figures)
                await look_at_radiograph(await signed_in(browser, running), running, figures)
            await browser.close()
    width = max(len(name) for name in figures)
    for name, values in figures.items():
        goal = f"  goal {GOALS[name]:g}" if name in GOALS else ""
        print(f"{name:{width}}  {statistics.median(values):6.2f} s{goal}")


async def bring(running: Installation, name: str, contents: Iterable[bytes]) -> None:
    """A consult of its own with these images, which the specialist may read."""
    consult = await submitted(running.cast, running.sessions)
    async with door(running.sessions, running.site.data) as opened:
        batch: list[bytes] = []
        for content in contents:
            batch.append(content)
            if len(batch) == 50:
                await opened.bring(running.cast.rural, consult.id, *batch, name=name)
                batch = []
        if batch:
            await opened.bring(running.cast.rural, consult.id, *batch, name=name)


async def until_prepared(running: Installation) -> None:
    """The worker has made beforehand what is made of images once they came."""
    left = select(func.count()).select_from(ImagingInstance).where(ImagingInstance.prepared_at.is_(None))
    while True:
        async with transaction(running.sessions) as session:
            if not await session.scalar(left):
                return
        await asyncio.sleep(1)


async def signed_in(browser: Browser, running: Installation) -> BrowserContext:
    """A browser of the specialist's that has seen the sign-in page, and nothing over the thin line."""
    context = await browser.new_context(base_url=running.site.url, locale="en", viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto("/sign-in")
    await page.fill("[name=email]", running.cast.emails["specialist"])
    await page.fill("[name=password]", PASSWORD)
    await page.click("form[action='/sign-in'] button")
    await page.wait_for_url(f"{running.site.url}/")
    await page.close()
    return context


async def look_at_ct(context: BrowserContext, running: Installation, figures: Figures) -> None:
    """Open it, get an idea of it, look at one slice closely, scroll."""
    async with seen_over_thin_line(context, running.site, "/studies/1.2.3") as (page, _line):
        figures["first readable picture"].append(await seconds_until(page, "picture"))
        figures["its tools, from the click"].append(await seconds_until(page, "viewer"))
        figures["it without loss, from the click"].append(await seconds_until(page, "whole"))
        overview = (await packs_of(page))[0]
        print(f"{overview['slices']} pictures in {overview['bytes']:,} bytes", flush=True)
        figures["overview of 50 slices, from asking"].append((overview["ended"] - overview["asked"]) / 1000)
        figures["overview of 50 slices, from the click"].append(overview["ended"] / 1000)
        await until_quiet(page)
        figures["a CT slice without loss"].append(await seconds_to_go(page, ["End"], is_whole=True))
        await page.keyboard.press("Home")
        await until_quiet(page)
        for _slice in range(SCROLLED):
            figures["scrolling, a slice"].append(await seconds_to_go(page, ["ArrowDown"]))
    await context.close()


async def look_at_radiograph(context: BrowserContext, running: Installation, figures: Figures) -> None:
    """Open it and wait for every pixel."""
    async with seen_over_thin_line(context, running.site, "/studies/1.2.4") as (page, _line):
        figures["first picture of a radiograph"].append(await seconds_until(page, "picture"))
        figures["a radiograph without loss, from the click"].append(await seconds_until(page, "whole", within=120))
    await context.close()


async def until_quiet(page: Page) -> None:
    """Nothing has come for two seconds, and something has before."""
    count = "performance.getEntriesByType('resource').length"
    before = -1
    while (now := await page.evaluate(count)) != before:
        before = now
        await asyncio.sleep(4)


if __name__ == "__main__":
    asyncio.run(main())
