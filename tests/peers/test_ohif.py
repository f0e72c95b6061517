"""OHIF, the viewer of many archives, as its makers publish it (npm `@ohif/app`): it lists and shows what we hold.

Served by another origin with our DICOMweb's address and a bearer token; `make peers` brings it (48 MB, 208 MB on disk).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, Response, ViewportSize, async_playwright
from pytest_aiohttp.plugin import AiohttpServer

from teleconsult.access import Purpose
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.browser.conftest import CHROMIUM, FLAGS, eventually
from tests.people import Cast, bearer_of
from tests.web.dicomweb_steps import BIG_ENDIAN, CT, RGB, US, Client, header, images  # noqa: F401  (fixture)

OHIF: Final = max((Path(__file__).parents[2] / ".venv").glob("ohif-*"), default=Path("none"))
WITHIN: Final = 60
"""Seconds, for a viewer of 20 MB whose pixels are drawn without a graphics card."""
CONFIGURATION: Final = """
window.config = {
  extensions: [{ id: "bearer", preRegistration: ({ servicesManager }) =>
    servicesManager.services.userAuthenticationService.setServiceImplementation({
      getAuthorizationHeader: () => ({ Authorization: "Bearer %(bearer)s" }) }) }],
  modes: [],
  showStudyList: true,
  maxNumberOfWebWorkers: 1,
  investigationalUseDialog: { option: "never" },
  defaultDataSourceName: "ours",
  dataSources: [{
    namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
    sourceName: "ours",
    configuration: {
      friendlyName: "Ours", name: "ours",
      qidoRoot: "%(root)s", wadoRoot: "%(root)s", wadoUriRoot: "%(root)s",
      qidoSupportsIncludeField: true, supportsFuzzyMatching: true, supportsWildcard: true,
      imageRendering: "wadors", thumbnailRendering: "wadors", enableStudyLazyLoad: true,
      bulkDataURI: { enabled: true },
    },
  }],
};
"""
SHADES: Final = """() => {
  const canvas = document.querySelector("canvas.cornerstone-canvas");
  if (!canvas || !canvas.width) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(data.filter((_sample, at) => at % 4 === 0)).size;
}"""
"""How many values of red there are on the first canvas."""
SCREEN: Final = ViewportSize(width=1280, height=800)
OpenAt = Callable[[str], Awaitable[Page]]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (OHIF / "index.html").exists(), reason="OHIF is not here: make peers"),
]


class Viewer:
    """OHIF's files and its configuration, at an origin of its own."""

    def __init__(self) -> None:
        self.app = web.Application()
        self.app.router.add_get("/app-config.js", self._configuration)
        self.app.router.add_get("/{path:.*}", self._file)
        self.configuration = ""

    async def _configuration(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.configuration, content_type="text/javascript")

    async def _file(self, request: web.Request) -> web.FileResponse:
        file = OHIF / request.match_info["path"]
        return web.FileResponse(file if file.is_file() else OHIF / "index.html")


@pytest.fixture
def viewer() -> Viewer:
    return Viewer()


@pytest.fixture
async def elsewhere(viewer: Viewer, aiohttp_server: AiohttpServer) -> TestServer:
    return await aiohttp_server(viewer.app)


@pytest.fixture
def settings(settings: Settings, elsewhere: TestServer) -> Settings:
    return settings.model_copy(update={"dicomweb_origins": str(elsewhere.make_url("")).rstrip("/")})


@pytest.fixture
async def open_at(
    viewer: Viewer, elsewhere: TestServer, client: Client, sessions: Sessions, cast: Cast
) -> AsyncIterator[OpenAt]:
    """`await open_at("/")`: OHIF in a browser that has seen nothing yet, with the specialist's token.

    Anything that our door refuses it fails the test.
    """
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.specialist, Purpose.IMAGES)
    root = str(client.make_url("/dicomweb"))
    viewer.configuration = CONFIGURATION % {"bearer": bearer, "root": root}
    refused: list[str] = []

    def watch(answer: Response) -> None:
        if answer.url.startswith(root) and answer.status >= 400:
            refused.append(f"{answer.status} {answer.url}")

    async with async_playwright() as playwright:
        flags = [*FLAGS, "--enable-unsafe-swiftshader"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)

        async def opened(path: str) -> Page:
            context = await browser.new_context(base_url=str(elsewhere.make_url("")), viewport=SCREEN)
            context.set_default_timeout(WITHIN * 1000)
            page = await context.new_page()
            page.on("response", watch)
            await page.goto(path)
            return page

        yield opened
        await browser.close()
    assert not refused


@pytest.mark.usefixtures("images")
async def test_it_lists_studies_and_opens_one(open_at: OpenAt) -> None:
    page = await open_at("/")
    await page.get_by_text(str(header(CT).PatientID)).first.click()
    await page.get_by_text("Basic Viewer").first.click()
    await until_drawn(page)
    assert f"StudyInstanceUIDs={header(CT).StudyInstanceUID}" in page.url


@pytest.mark.usefixtures("images")
async def test_it_shows_images_however_they_are_coded(open_at: OpenAt) -> None:
    for path in (US, RGB, BIG_ENDIAN):
        page = await open_at(f"/viewer?StudyInstanceUIDs={header(path).StudyInstanceUID}")
        await until_drawn(page)
        await page.context.close()


async def until_drawn(page: Page) -> None:
    """The first canvas holds an image, not one colour or two."""

    async def is_drawn() -> bool:
        return bool(await page.evaluate(SHADES) > 40)

    await eventually(is_drawn, within=WITHIN)
