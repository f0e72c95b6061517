"""`make screenshots`: the demonstration's main pages, in French, at 1440 and 360 px, into `docs/pictures/`."""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from migrations import migrate
from teleconsult.demo import PASSWORD
from teleconsult.embedded import embedded_postgresql
from tests.browser.conftest import CHROMIUM, FLAGS, eventually
from tests.browser.site import Site

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZES = {1440: 900, 360: 740}
COLOURS = 128


async def main() -> None:
    """Seed a throwaway installation, walk its pages, write the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        site = Site(urls, Path(folder) / "data")
        try:
            fill_in_the_demo(site)
            site.wait_until_ready()
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                for width in SIZES:
                    await walk(browser, site, width)
                await browser.close()
        finally:
            site.stop()


def fill_in_the_demo(site: Site) -> None:
    """As the command line does it."""
    subprocess.run([sys.executable, "-m", "web", "seed", "--demo"], env=site.environment, check=True)


async def walk(browser: Browser, site: Site, width: int) -> None:
    """Every main page at one width."""
    contexts = {name: await signed_in(browser, site, name, width) for name in ("rural", "coordinator", "specialist")}
    rural, coordinator, specialist = [await context.new_page() for context in contexts.values()]
    stranger = await (await browser.new_context(base_url=site.url, locale="fr", viewport=size(width))).new_page()
    await shoot(stranger, "/sign-in", "sign-in", width)
    await shoot(rural, "/", "home", width)
    await shoot(coordinator, "/", "board", width)
    await shoot(specialist, "/", "worklist", width)
    await shoot(rural, "/agenda", "agenda", width)
    await shoot(rural, "/patients", "patients", width)
    await rural.get_by_test_id("patient-row").first.locator("a").first.click()
    await rural.get_by_test_id("timeline-item").first.wait_for()
    await keep(rural, "file", width)
    await request_page(rural, width)
    await consult_page(specialist, width)
    await note_page(rural, width)
    await room(rural, specialist, width)
    for context in contexts.values():
        await context.close()


async def request_page(rural: Page, width: int) -> None:
    """The draft the demonstration holds."""
    await rural.goto("/consults")
    draft = rural.locator("[data-state=draft]").first
    await rural.locator("li", has=draft).locator("a").first.click()
    await rural.get_by_test_id("question").wait_for()
    await keep(rural, "request", width)


async def consult_page(specialist: Page, width: int) -> None:
    """A request as the specialist sees it."""
    await specialist.goto("/")
    await specialist.get_by_test_id("worklist-row").last.locator("a").first.click()
    await specialist.get_by_test_id("excerpt-view").first.wait_for()
    await keep(specialist, "consult", width)


async def note_page(rural: Page, width: int) -> None:
    """The signed note."""
    await rural.goto("/consults")
    done = rural.locator("[data-state=acknowledged], [data-state=delivered]").first
    await rural.locator("li", has=done).locator("a").first.click()
    await rural.locator("a[href^='/notes/']:not([href$='/pdf'])").first.click()
    await rural.get_by_test_id("note-pdf").first.wait_for()
    await keep(rural, "note", width)


async def room(rural: Page, specialist: Page, width: int) -> None:
    """Both in the session, the study beside the call."""
    for page in (rural, specialist):
        await page.goto("/")
        await page.get_by_test_id("join-room").first.click()
        await page.wait_for_url("**/room")
    await eventually(lambda: shows(specialist), within=30)
    study = specialist.get_by_test_id("open-study")
    if await study.count():
        await study.first.click()
        await specialist.locator("[data-testid=viewer-image][data-ready=true]").first.wait_for()
    await keep(specialist, "room", width)


async def shows(page: Page) -> bool:
    """Whether the other's pictures arrive."""
    video = page.get_by_test_id("remote-video")
    return bool(await video.evaluate("video => video.getVideoPlaybackQuality().totalVideoFrames > 20"))


async def signed_in(browser: Browser, site: Site, name: str, width: int) -> BrowserContext:
    """A browser of one person of the demonstration."""
    context = await browser.new_context(
        base_url=site.url, locale="fr", viewport=size(width), permissions=["camera", "microphone"]
    )
    context.set_default_timeout(20_000)
    form = {"email": f"{name}@demo.test", "password": PASSWORD}
    answer = await context.request.post("/sign-in", form=form, max_redirects=0)
    assert answer.status == 303
    return context


async def shoot(page: Page, path: str, name: str, width: int) -> None:
    """Open a page and keep its picture."""
    await page.goto(path)
    await page.wait_for_load_state("networkidle")
    await keep(page, name, width)


async def keep(page: Page, name: str, width: int) -> None:
    """Write the picture, small: 128 colours are enough for a page. Wider than its window is a mistake."""
    await page.wait_for_timeout(800)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} px"
    target = PICTURES / f"{name}-{width}.png"
    await page.screenshot(path=target)
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLOURS).save(target, optimize=True)


def size(width: int) -> dict[str, int]:
    """A window as wide as asked."""
    return {"width": width, "height": SIZES[width]}


if __name__ == "__main__":
    asyncio.run(main())
