"""Two people in two browsers agree to be recorded, are told so for as long as it lasts, and one plays it back."""

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.encounters.recording_models import RecordingFile
from teleconsult.settings import Settings
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.browser.test_call import both_live, enter
from tests.people import Cast
from tests.recording_steps import files_of, objects_in
from tests.signaling.media.encoded import kept, played

pytestmark = pytest.mark.browser

PLAYS = """async (video) => {
  video.muted = true;
  await video.play();
  await new Promise((done) => { video.ontimeupdate = () => video.currentTime > 1 && done(); });
  video.pause();
  video.currentTime = 0.5;
  await new Promise((done) => { video.onseeked = done; });
  return [video.videoWidth, video.duration];
}"""
SHOTS = os.environ.get("RECORDING_SHOTS")


async def look(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody asked for them."""
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png")


async def test_both_agree_and_it_is_recorded_and_played(
    site: Site, open_as: OpenAs, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    rural, specialist = await open_as("rural", width=360, height=780), await open_as("specialist")
    await enter(rural, consult.id)
    await enter(specialist, consult.id)
    await both_live(rural, specialist)
    await specialist.get_by_test_id("open-recording").click()
    await look(specialist, "ask")
    await specialist.get_by_test_id("recording-ask").click()
    await expect(specialist.get_by_test_id("recording-waiting")).to_contain_text(cast.rural.name)
    question = rural.get_by_test_id("recording-question")
    await expect(question).to_contain_text(cast.specialist.name)
    await look(rural, "question")
    await question.get_by_label("The patient agrees", exact=True).check()
    await rural.get_by_test_id("recording-agree").click()
    for page in (rural, specialist):
        banner = page.get_by_test_id("recording-banner")
        await expect(banner).to_contain_text(f"This session is being recorded. {cast.specialist.name} asked for it.")
    await asyncio.sleep(4)
    await look(rural, "recorded-phone")
    await look(specialist, "recorded")
    await rural.get_by_test_id("recording-withdraw").click()
    await expect(specialist.get_by_test_id("recording-over")).to_contain_text("somebody no longer agrees")
    await expect(specialist.get_by_test_id("recording-banner")).to_be_hidden()
    rows: list[RecordingFile] = []

    async def are_kept() -> bool:
        async with transaction(sessions) as session:
            rows[:] = await session.scalars(select(RecordingFile).where(RecordingFile.size.is_not(None)))
        return len({row.participant_id for row in rows}) == 2

    await eventually(are_kept)
    longest = {row.participant_id: row for row in sorted(rows, key=lambda row: row.seconds or 0)}
    for row in longest.values():
        assert row.has_audio
        assert row.has_video
        assert row.object_key
        assert row.size
        key = files_of(sessions, settings).key_of(row)
        shown = played(await kept(objects_in(settings), row.object_key, key, name=row.id.bytes, size=row.size))
        assert len(shown.video) > 20
        assert len(shown.audio) > 100
    await specialist.goto(f"/consults/{consult.id}")
    await specialist.get_by_test_id("open-kept-recording").click()
    width, duration = await specialist.get_by_test_id("recorded").first.evaluate(PLAYS)
    assert width > 0
    assert duration > 3
    await look(specialist, "played")
    await rural.goto(specialist.url)
    await expect(rural.get_by_test_id("recorded").first).to_be_visible()
    await look(rural, "played-phone")
