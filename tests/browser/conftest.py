"""A real server and worker as processes of their own, and a real Chromium with invented camera and microphone."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Final

import pytest
from playwright.async_api import Browser, Error, Page, async_playwright, expect

from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.settings import Settings
from tests.browser.site import Site
from tests.people import PASSWORD, Cast, make_cast

CHROMIUM = "/usr/bin/chromium"
LONGEST = 45_000  # milliseconds for whatever a page does: where nothing is promised, a slow machine is no fault
expect.set_options(timeout=LONGEST)
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    # on a busy machine its watchdog ends a process that is only slow, and the browser gives up after a few
    "--disable-gpu-watchdog",
    "--disable-gpu-process-crash-limit",
    "--disable-dev-shm-usage",  # a container's /dev/shm may hold no more than 64 MB
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
    "--disable-component-update",
    # loopback has no mDNS responder, so candidates are given as addresses
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
]


RUNNING = pytest.StashKey[Site]()


@pytest.fixture(scope="session")
def running(
    database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Site]:
    """The running product, one for all tests of a worker: starting it takes longer than most of them."""
    product = Site(database, tmp_path_factory.mktemp("site"))
    try:
        product.wait_until_ready()
        pytestconfig.stash[RUNNING] = product
        yield product
    finally:
        product.stop()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """While other things are tested the product does not run: its worker would take their jobs."""
    is_next = nextitem is not None and nextitem.path.parent == item.path.parent
    if not is_next and (product := item.config.stash.get(RUNNING, None)) is not None:
        product.stop()


@pytest.fixture
def settings(running: Site, settings: Settings) -> Settings:
    """Those of the running product: a test that prepares something does it in the same data folder."""
    return settings.model_copy(update={"data": running.data})


@pytest.fixture
async def cast(sessions: Sessions) -> Cast:
    """New people for each test: the running product may remember those of the last."""
    async with transaction(sessions) as session:
        return await make_cast(session)


@pytest.fixture
def site(running: Site, clean_database: DatabaseUrls, cast: Cast) -> Site:
    """The running product with the cast in its database, and no word of any log before."""
    shutil.rmtree(running.data / "audit", ignore_errors=True)
    running.wake()
    return running


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium; each person opens a context of their own in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


OpenAs = Callable[..., Awaitable[Page]]


_thrown: Final[list[str]] = []


def note_errors(page: Page, name: str, *, offline: Sequence[str] = ()) -> None:
    """Have the test fail at its end where the page throws: failing at once would break Playwright off in the middle.

    But for the errors a page has `offline`.
    """

    def thrown(error: Error) -> None:
        if error.message not in offline:
            _thrown.append(f"{name}'s page threw: {error.stack or error}")

    page.on("pageerror", thrown)


@pytest.fixture(autouse=True)
def no_page_throws() -> Iterator[None]:
    """Every page that `note_errors` knows."""
    _thrown.clear()
    yield
    assert not _thrown, "\n".join(_thrown)


@pytest.fixture
def open_as(site: Site, chromium: Browser, cast: Cast) -> OpenAs:
    """`await open_as("rural")`: a page of that person's own browser, signed in, at their home.

    Fails the test when a page logs an error or throws one.
    """

    async def sign_in(name: str, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = await chromium.new_context(
            base_url=site.url,
            locale="en",
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["camera", "microphone"],
        )
        context.set_default_timeout(LONGEST)
        page = await context.new_page()
        note_errors(page, name)
        await page.goto("/sign-in")
        await page.fill("[name=email]", cast.emails[name])
        await page.fill("[name=password]", PASSWORD)
        await page.click("form[action='/sign-in'] button[type=submit], form[action='/sign-in'] button:not([type])")
        await page.wait_for_url(f"{site.url}/")
        return page

    return sign_in


async def eventually(condition: Callable[[], Awaitable[bool]], *, within: float = LONGEST / 1000) -> None:
    """Wait until `condition` holds; fail after `within` seconds."""
    end = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < end, f"not within {within} s"
        await asyncio.sleep(0.2)
