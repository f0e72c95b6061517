"""`make bench`: what pages weigh on a cold cache, and how long from "join" to the first picture. Prints one table."""

import asyncio
import statistics

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.bench.running import installation
from tests.browser.conftest import CHROMIUM, FLAGS, eventually
from tests.browser.site import Site
from tests.consult_steps import booked
from tests.people import PASSWORD, Cast

RUNS = 7
FIRST_FRAME = """() => new Promise((resolve, reject) => {
  const video = document.querySelector("[data-testid=remote-video]");
  const end = setTimeout(() => reject(new Error("no picture within 20 s")), 20000);
  const seen = () => { clearTimeout(end); resolve(performance.now()); };
  if (video.getVideoPlaybackQuality().totalVideoFrames > 0) seen();
  else video.requestVideoFrameCallback(seen);
})"""


async def main() -> None:
    """Run every measure and print the table."""
    async with installation() as running:
        room = f"/consults/{(await booked(running.cast, running.sessions)).id}/room"
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            rows = [
                *await page_weights(browser, running.site, running.cast, room),
                *await joining(browser, running.site, running.cast, room),
            ]
            await browser.close()
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")


async def page_weights(browser: Browser, site: Site, cast: Cast, room: str) -> list[tuple[str, str]]:
    """Bytes over the wire, headers included, for a browser that has nothing yet."""
    rows = []
    for name, who, path, budget in (
        ("rural doctor's home", "rural", "/", 60),
        ("specialist's worklist", "specialist", "/", 60),
        ("coordinator's board", "coordinator", "/", 60),
        ("the call, before a study is opened", "specialist", room, 80),
    ):
        context = await signed_in(browser, site, cast.emails[who])
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("Network.enable")
        sizes: list[int] = []
        devtools.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
        await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
        await page.goto(f"{site.url}{path}")
        await page.wait_for_timeout(2000)
        rows.append((f"{name}, compressed", f"{sum(sizes) / 1000:.1f} KB of {budget} ({len(sizes)} requests)"))
        await context.close()
    return rows


async def joining(browser: Browser, site: Site, cast: Cast, room: str) -> list[tuple[str, str]]:
    """One is in the room; how long until the other, camera open, sees the first decoded picture."""
    waits = []
    for _ in range(RUNS):
        contexts = [await signed_in(browser, site, cast.emails[who]) for who in ("rural", "specialist")]
        first, second = [await context.new_page() for context in contexts]
        await first.goto(f"{site.url}{room}")
        await ready_camera(first)
        await second.goto(f"{site.url}{room}")
        waits.append(await second.evaluate(FIRST_FRAME))
        for context in contexts:
            await context.close()
    text = f"median {statistics.median(waits):.0f} ms, worst {max(waits):.0f} ms ({RUNS} runs, loopback)"
    return [("room page opened → first frame of the other", text)]


async def ready_camera(page: Page) -> None:
    """Wait until a page shows its own picture."""
    camera = page.get_by_test_id("local-video")
    await eventually(lambda: camera.evaluate("video => Boolean(video.srcObject?.active)"))


async def signed_in(browser: Browser, site: Site, email: str) -> BrowserContext:
    """A browser of its own with a session, nothing in its cache."""
    context = await browser.new_context(base_url=site.url, locale="en", permissions=["camera", "microphone"])
    form = {"email": email, "password": PASSWORD}
    answer = await context.request.post("/sign-in", form=form, max_redirects=0)
    assert answer.status == 303
    return context


if __name__ == "__main__":
    asyncio.run(main())
