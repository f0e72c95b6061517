"""Looking at a study over a thin line, and how long each thing takes. Times are seconds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import BrowserContext, Page

from tests.browser.site import Site
from tests.thin_line import ThinLine, thin_line

WATCH: Final = """
window.seen = {};
const look = () => {
  const still = document.querySelector(".viewer-still");
  const canvas = document.querySelector("[data-testid=viewer-image]");
  if ((still?.complete && still.naturalWidth) || canvas?.dataset.ready) window.seen.picture ??= performance.now();
  if (canvas?.dataset.ready) window.seen.viewer ??= performance.now();
  if (canvas?.dataset.shown === "full") window.seen.whole ??= performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""When the first picture was there, when the tools were, when it was whole, from the click on; never before styles."""

UNTIL: Final = """([what, within]) => new Promise((resolve, reject) => {
  const end = setTimeout(() => reject(new Error(`no ${what} within ${within} ms`)), within);
  const look = () => {
    if (window.seen?.[what] === undefined) return requestAnimationFrame(look);
    clearTimeout(end);
    resolve(window.seen[what]);
  };
  look();
})"""

GO: Final = """([keys, isWhole]) => new Promise((resolve, reject) => {
  const stage = document.querySelector(".viewer-stage");
  const canvas = document.querySelector("[data-testid=viewer-image]");
  const quality = document.querySelector("[data-viewer-target=quality]");
  const began = performance.now();
  const end = setTimeout(() => reject(new Error("not within 60 s")), 60000);
  const look = () => {
    const isThere = canvas.dataset.shown === "full" || (!isWhole && !quality.hidden);
    if (!isThere) return requestAnimationFrame(look);
    clearTimeout(end);
    resolve(performance.now() - began);
  };
  for (const key of keys) stage.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  requestAnimationFrame(look);
})"""

PACKS: Final = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.name.includes("/previews?") && entry.responseEnd)
  .map((entry) => ({
    slices: new URL(entry.name).searchParams.get("slices").split(",").length,
    asked: entry.startTime, ended: entry.responseEnd, bytes: entry.encodedBodySize,
  }))"""


@asynccontextmanager
async def seen_over_thin_line(context: BrowserContext, site: Site, path: str) -> AsyncIterator[tuple[Page, ThinLine]]:
    """The page of a study, opened by somebody signed in, with nothing of it in the browser yet."""
    async with thin_line(site.port) as line:
        await context.add_init_script(WATCH)
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{line.port}{path}", wait_until="commit")
        yield page, line
        await page.close()


async def seconds_until(page: Page, what: str, *, within: float = 90) -> float:
    """From the click to `picture`, `viewer` or `whole`."""
    return float(await page.evaluate(UNTIL, [what, within * 1000])) / 1000


async def seconds_to_go(page: Page, keys: list[str], *, is_whole: bool = False) -> float:
    """From the last of these keys until a picture is there, or the whole."""
    return float(await page.evaluate(GO, [keys, is_whole])) / 1000


async def packs_of(page: Page) -> list[dict[str, Any]]:
    """The packs of previews that have come: how many slices, when asked for and when there (ms), bytes."""
    found: list[dict[str, Any]] = await page.evaluate(PACKS)
    return found
