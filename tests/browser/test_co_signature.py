"""The conclusion of a team meeting, signed by its chair and then by a member who was there."""

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from teleconsult.documents.press import Press
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import meeting_steps, note_steps
from tests.browser.conftest import OpenAs
from tests.people import PASSWORD, Cast

pytestmark = pytest.mark.browser


async def test_a_member_signs_what_the_chair_signed(
    open_as: OpenAs, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    for person in (cast.specialist, cast.oncall):
        await note_steps.enrol(sessions, settings, person)
    press = Press()
    signing = Signing(sessions, settings, Objects(open_store(None, settings.data)), Sealer(settings.secret_key), press)
    try:
        note = await meeting_steps.concluded(cast, signing)
    finally:
        press.close()

    chair = await open_as("specialist")
    await chair.goto(f"/notes/{note.id}")
    await chair.get_by_role("checkbox", name="Dr Paul Girard").check()
    await chair.get_by_test_id("ask-them").click()
    await expect(chair.get_by_test_id("co-signature")).to_contain_text("Asked")
    await expect(chair.get_by_test_id("flash")).to_contain_text("Dr Paul Girard")

    member = await open_as("oncall", width=360, height=780)
    await member.get_by_test_id("to-co-sign").get_by_role("link").first.click()
    await expect(member.get_by_role("link", name="Open it full size")).to_be_visible()
    assert await member.evaluate("document.documentElement.scrollWidth") <= 360
    await member.get_by_test_id("step-up").fill(PASSWORD)
    await member.keyboard.press("Enter")
    await expect(member.get_by_test_id("co-signature")).to_contain_text("Signed")
    await chair.reload()
    await expect(chair.get_by_test_id("co-signature")).to_contain_text("Signed")
    await expect(chair.get_by_test_id("ask-co-signers")).to_have_count(0)
