"""From the telephone to the specialist's screen: a photograph is seen, a video plays, a document is saved."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.people import Cast
from tests.teleconsult.imaging.captures.files import document, photograph, video

pytestmark = pytest.mark.browser


async def test_a_telephone_brings_what_it_has(cast: Cast, sessions: Sessions, open_as: OpenAs, tmp_path: Path) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    contents = {"wound.jpg": photograph((800, 600), turned=6), "lab.pdf": document(), "gait.mp4": video(frames=30)}
    for name, content in {**contents, "letter.txt": b"hello"}.items():
        (tmp_path / name).write_bytes(content)
    page = await open_as("rural", width=360, height=740)
    await page.goto(f"/consults/{consult.id}")
    await page.get_by_label("Skin or wound").check()
    await page.get_by_test_id("capture-files").set_input_files([tmp_path / name for name in (*contents, "letter.txt")])
    await expect(page.get_by_text("letter.txt: This is no photograph, video or PDF.")).to_be_visible()
    card = page.get_by_test_id("study-card")
    await expect(card).to_contain_text("Photographs and documents")
    for words in ("1 photograph", "1 video", "1 document"):
        await expect(card).to_contain_text(words)

    specialist = await open_as("specialist")
    await specialist.goto(f"/consults/{consult.id}")
    await specialist.get_by_test_id("open-study").click()
    await expect(specialist.get_by_test_id("viewer-image")).to_have_attribute("data-ready", "true")
    await expect(specialist.locator(".viewer-thumbnail")).to_have_count(1)
    played = specialist.get_by_test_id("enclosed-video")
    size = await played.evaluate(
        """video => new Promise((done, fail) => {
            video.muted = true;
            video.addEventListener("ended", () => done([video.videoWidth, video.videoHeight]));
            video.play().catch(fail);
        })"""
    )
    assert size == [64, 48]
    async with specialist.expect_download() as saved:
        await specialist.get_by_test_id("enclosed-document").click()
    assert Path(await (await saved.value).path()).read_bytes()[: len(document())] == document()
