"""Five people in browsers of their own whose call Janus carries, and our own forwarder when Janus is gone."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser

from teleconsult.db import Sessions
from teleconsult.embedded import DatabaseUrls
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.browser.site import Site
from tests.browser.test_call import enter
from tests.browser.test_paths import Session, all_together, go_by, private_by, send_video
from tests.peers import janus
from tests.people import Cast

pytestmark = pytest.mark.browser

CONNECTED = "connections.filter((one) => one.connectionState === 'connected').length"


@pytest.fixture
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[janus.Running]:
    """Janus, with the configuration we write."""
    if not janus.is_installed():
        pytest.skip("Debian's janus is not installed")
    program = janus.Running(tmp_path_factory.mktemp("janus"))
    program.start()
    yield program
    program.kill()


@pytest.fixture
def site(carrier: janus.Running, running: Site, clean_database: DatabaseUrls, cast: Cast) -> Iterator[Site]:
    """The running product, which knows of it."""
    own = {"TELECONSULT_JANUS_URL": carrier.url, "TELECONSULT_JANUS_SECRET": janus.SECRET}
    running.environment |= own
    running.stop()
    running.wake()
    yield running
    for name in own:
        del running.environment[name]
    running.stop()


@pytest.fixture
async def session(site: Site, open_as: OpenAs, chromium: Browser, cast: Cast, sessions: Sessions) -> Session:
    """Two in their room."""
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_as("rural"), await open_as("specialist")
    for page in (rural, specialist):
        await enter(page, consult)
        await send_video(page)
    return Session(consult, rural, specialist, chromium, site, cast, sessions)


async def test_five_see_each_other_by_janus_and_without_it(session: Session, carrier: janus.Running) -> None:
    for name in ("Rose B.", "Luc T.", "Ana S."):
        await session.guest(name)
    await go_by("server", *session.pages)
    await all_together(*session.pages)
    await private_by("sealed", *session.pages)
    assert await session.rural.evaluate(CONNECTED) == 5, "one to send, and one for each of the others"

    carrier.kill()
    await all_together(*session.pages)
    assert await session.rural.evaluate(CONNECTED) == 1, "our own forwarder takes one for everything"
    await private_by("sealed", *session.pages)
