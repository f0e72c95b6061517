"""Moving images on a thin link: their video plays as fast as they were recorded, and stops on the very frame."""

import re
from typing import Final

import numpy as np
import pytest
from playwright.async_api import expect
from pydicom.uid import UltrasoundMultiFrameImageStorage
from sqlalchemy import func, select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingRendition, RenditionKind
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.browser.viewing_steps import seconds_until, seen_over_thin_line
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

pytestmark = pytest.mark.browser

FRAMES, SIDE = 120, 256
PLACE: Final = re.compile(rf"\b(\d+) of {FRAMES}$")


def clip() -> bytes:
    """Ten noisy pictures a second: together larger than what comes while somebody presses a key."""
    noise = np.random.default_rng(1).integers(0, 255, (FRAMES, SIDE, SIDE), dtype=np.uint8)
    grey = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "RescaleIntercept": 0}
    return dicom_bytes(
        side=SIDE,
        SOPClassUID=UltrasoundMultiFrameImageStorage,
        StudyInstanceUID="1.2.7",
        Modality="US",
        NumberOfFrames=FRAMES,
        FrameTime=100,
        PixelData=noise.tobytes(),
        **grey,
    )


async def test_the_video_plays_and_the_frame_follows(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, consult.id, clip())

    async def is_filmed() -> bool:
        films = select(func.count()).where(ImagingRendition.kind == RenditionKind.CINE)
        async with transaction(sessions) as session:
            return bool(await session.scalar(films))

    await eventually(is_filmed)
    signed_in = await open_as("specialist")
    async with seen_over_thin_line(signed_in.context, site, "/studies/1.2.7") as (page, _line):
        await seconds_until(page, "viewer")
        rate, play = page.get_by_label("Images a second"), page.get_by_role("button", name="Play", exact=True)
        await expect(rate).to_have_value("10")
        await page.locator(".viewer-stage").focus()
        async with page.expect_request(re.compile("/cine[?]")):
            await page.keyboard.press("Space")
        place = page.locator("[data-viewer-target=place]")
        await expect(place).to_have_text(re.compile(rf"\b([5-9]|\d\d+) of {FRAMES}$"))
        await expect(page.locator("[data-viewer-target=quality]")).to_contain_text("Preview")
        await expect(play).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press(">")
        await expect(rate).to_have_value("11")
        await page.keyboard.press("Space")
        await expect(play).to_have_attribute("aria-pressed", "false")
        stopped = PLACE.search(await place.inner_text())
        await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full", timeout=60_000)
        assert stopped
        assert (await place.inner_text()).endswith(stopped[0])
        exact = f"/frames/{stopped[1]}/codestream"
        fetched = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
        assert any(exact in name for name in fetched)
