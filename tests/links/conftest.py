"""The product behind lines that can be made bad: the server and each person's browser in networks of their own."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page, async_playwright

from teleconsult.embedded import DatabaseUrls
from teleconsult.settings import Settings
from tests.browser.conftest import CHROMIUM, FLAGS, LONGEST, cast, no_page_throws, note_errors
from tests.browser.site import Site
from tests.links.line import Line, Terms
from tests.links.link import HUB, Hub, Place, network, program_inside, why_not
from tests.people import PASSWORD, Cast

__all__ = ["cast", "no_page_throws"]
WHY_NOT: Final = why_not()
RUNNING: Final = pytest.StashKey[Site]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs networks of its own."""
    for item in items:
        if WHY_NOT and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason=WHY_NOT))


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """The network the server is in; a test's places come and go."""
    with network() as made:
        yield made


@pytest.fixture(scope="session")
def running(
    hub: Hub, database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Site]:
    """The running product in the hub, one for all tests of a worker. Its database is durable, since others reach it."""
    durable = replace(database, app=f"{database.app}&options=-csynchronous_commit%3Don")
    product = Site(durable, tmp_path_factory.mktemp("site"), host=HUB, inside=hub.inside)
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
    """Those of the running product."""
    return settings.model_copy(update={"data": running.data})


@pytest.fixture
def site(running: Site, clean_database: DatabaseUrls, cast: Cast) -> Site:
    """The running product with the cast in its database, and no word of any log before."""
    shutil.rmtree(running.data / "audit", ignore_errors=True)
    running.wake()
    return running


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at a place of their own."""

    page: Page
    place: Place

    @property
    def line(self) -> Line:
        """What ties them to everyone else."""
        return self.place.line


OpenOver = Callable[..., Awaitable[Caller]]


@pytest.fixture
async def open_over(site: Site, hub: Hub, cast: Cast, tmp_path: Path) -> AsyncIterator[OpenOver]:
    """`await open_over("rural", Terms(rate=300_000, delay=0.15, loss=0.03))`: that person's browser at a place of their
    own, signed in. They sign in over a perfect line, which then becomes what was asked for.
    """
    async with AsyncExitStack() as kept:
        playwright = await kept.enter_async_context(async_playwright())

        async def open_(name: str, terms: Terms | None = None, *, width: int = 1440, height: int = 900) -> Caller:
            place = hub.place(name)
            kept.callback(hub.leave, place)
            browser: Browser = await playwright.chromium.launch(
                executable_path=program_inside(place, CHROMIUM, tmp_path),
                args=[*FLAGS, f"--unsafely-treat-insecure-origin-as-secure={site.url}"],
            )
            kept.push_async_callback(browser.close)
            context = await browser.new_context(
                base_url=site.url,
                locale="en",
                viewport={"width": width, "height": height},
                permissions=["camera", "microphone"],
            )
            context.set_default_timeout(LONGEST)
            page = await context.new_page()
            note_errors(page, name, offline=["Failed to fetch"])  # by Turbo, which looks again when we are back
            await page.goto("/sign-in")
            await page.fill("[name=email]", cast.emails[name])
            await page.fill("[name=password]", PASSWORD)
            await page.click("form[action='/sign-in'] button[type=submit], form[action='/sign-in'] button:not([type])")
            await page.wait_for_url(f"{site.url}/")
            place.line.terms = terms or Terms()
            return Caller(page, place)

        yield open_
