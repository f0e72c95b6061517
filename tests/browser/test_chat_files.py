"""A picture and a PDF in the chat, and a clip recorded by the page: sent by one, found by the other."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.browser.test_call import both_live, enter
from tests.people import Cast
from tests.teleconsult.imaging.captures.files import document, photograph

pytestmark = pytest.mark.browser


async def test_what_is_sent_is_seen_and_outlives_a_reload(
    open_as: OpenAs, cast: Cast, sessions: Sessions, tmp_path: Path
) -> None:
    consult = (await consult_steps.booked(cast, sessions)).id
    rural, specialist = await open_as("rural", width=360, height=740), await open_as("specialist")
    await enter(rural, consult)
    await enter(specialist, consult)
    await both_live(rural, specialist)
    files = {"plaie.jpg": photograph(), "lettre.pdf": document(), "notes.txt": b"hello"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    await rural.get_by_test_id("chat-file").set_input_files([tmp_path / name for name in files])
    await expect(rural.get_by_test_id("chat-moving")).to_contain_text("Only pictures and PDFs can be sent here.")
    refused = rural.get_by_test_id("chat-moving").get_by_role("listitem").filter(has_text="notes.txt")
    await refused.get_by_test_id("chat-file-cancel").click()
    await specialist.get_by_test_id("leave").wait_for()
    await specialist.reload()
    links = specialist.get_by_test_id("chat-file-link")
    await expect(links).to_have_count(2)
    await expect(links.filter(has_text="plaie.jpg").locator("img")).to_have_js_property("complete", value=True)
    async with specialist.expect_download() as kept:
        await links.filter(has_text="lettre.pdf").click()
    assert (await kept.value).suggested_filename == "lettre.pdf"

    await rural.get_by_test_id("call-more").click()
    await rural.get_by_test_id("open-clip").click()
    await rural.get_by_test_id("clip-start").click()
    await expect(rural.get_by_role("timer").filter(has_text="0:58")).to_be_visible()
    await rural.get_by_test_id("clip-stop").click()
    await rural.get_by_test_id("clip-keep").click()
    await expect(rural.get_by_test_id("clip-agreed")).to_be_visible()  # nothing was sent
    await rural.get_by_test_id("clip-agreed").check()
    await rural.get_by_test_id("clip-keep").click()
    await expect(rural.get_by_test_id("clip-kept")).to_be_visible()
    await expect(specialist.locator("#shown-studies")).to_contain_text("Photographs and documents")
