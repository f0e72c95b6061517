"""What a thin line is spared when a study is opened: the first picture comes with the page, all else after it."""

import base64
import re
from io import BytesIO

import pydicom
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from PIL import Image

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.files import HEAD, REAL
from tests.teleconsult.imaging.steps import door
from web.middlewares import POLICY, POLICY_OF_DECODER

Client = TestClient[web.Request, web.Application]

STILL = re.compile(r'<img class="viewer-still"[^>]* data-sop="([0-9.]+)" src="([^"]+)"')
BROKEN = REAL / "JPEG2000-embedded-sequence-delimiter.dcm"


@pytest.fixture
async def shared(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    """A consult with a head, and with a picture that cannot be drawn."""
    consult = await consult_steps.submitted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, HEAD.read_bytes(), BROKEN.read_bytes())


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("headers", [{}, {"Turbo-Frame": "study"}])
async def test_the_first_picture_comes_with_the_page(
    client: Client, signed_in: SignIn, headers: dict[str, str]
) -> None:
    """Where it is ready: a page waits for it a second at the most."""
    head = pydicom.dcmread(HEAD, stop_before_pixels=True)
    await signed_in("specialist")
    await (
        await client.get(f"/studies/{head.StudyInstanceUID}/series/{head.SeriesInstanceUID}/previews?slices=1")
    ).read()
    page = await (await client.get(f"/studies/{head.StudyInstanceUID}", headers=headers)).text()
    still = STILL.search(page)
    assert still
    sop, address = still.groups()
    kind, _comma, content = address.partition(";base64,")
    assert (sop, kind) == (head.SOPInstanceUID, "data:image/webp")
    picture = base64.b64decode(content)
    assert len(picture) <= 20 * 1024
    assert Image.open(BytesIO(picture)).size == (512, 512)
    assert re.search(r'data-viewer-target="quality">Preview', page), "and says what it is"


@pytest.mark.usefixtures("shared")
async def test_one_that_cannot_be_drawn_is_left_to_the_page(client: Client, signed_in: SignIn) -> None:
    broken = pydicom.dcmread(BROKEN, stop_before_pixels=True)
    await signed_in("specialist")
    answer = await client.get(f"/studies/{broken.StudyInstanceUID}")
    assert answer.status == 200
    still = STILL.search(await answer.text())
    assert still is None or still[2].startswith("/studies/")


async def test_only_the_decoder_may_compile_web_assembly(client: Client) -> None:
    decoder = await client.get("/static/assets/decoder-1.js")
    assert decoder.headers["Content-Security-Policy"] == POLICY_OF_DECODER
    assert "'wasm-unsafe-eval'" in POLICY_OF_DECODER
    assert "'unsafe-eval'" not in POLICY_OF_DECODER
    for path in ("/static/assets/main-1.js", "/sign-in"):
        answer = await client.get(path)
        assert answer.headers["Content-Security-Policy"] == POLICY, path
        assert "wasm" not in POLICY
    for made, has_policy in (("worker", True), ("serviceworker", True), ("script", False)):
        answer = await client.get("/static/assets/main-1.js", headers={"Sec-Fetch-Dest": made})
        assert ("Content-Security-Policy" in answer.headers) is has_policy, (
            "a worker lives under its script's own policy"
        )
    page = await client.get("/sign-in", headers={"Sec-Fetch-Dest": "script"})
    assert page.headers["Content-Security-Policy"] == POLICY
