"""Writing a note as it happens: without a line and through a reload, in two tabs, with what is at hand, by keyboard."""

import uuid

import pytest
from playwright.async_api import Locator, Page, expect

from teleconsult.db import Sessions, transaction
from teleconsult.notes.drafting import save_draft
from teleconsult.notes.models import Composition
from teleconsult.settings import Settings
from tests import note_steps
from tests.browser.conftest import OpenAs, eventually, note_errors
from tests.people import Cast

pytestmark = pytest.mark.browser

KEPT = """() => new Promise((done, fail) => {
    const asked = indexedDB.open("teleconsult-drafts");
    asked.onerror = () => fail(asked.error);
    asked.onsuccess = () => {
        const database = asked.result;
        if (!database.objectStoreNames.contains("kept")) { database.close(); return done([]); }
        const all = database.transaction("kept").objectStore("kept").getAll();
        all.onsuccess = () => {
            database.close();
            done(all.result.map((one) => new TextDecoder("latin1").decode(one.sealed)));
        };
    };
})"""
"""What this device keeps, as whoever takes the disk finds it."""


async def sections_of(sessions: Sessions, note_id: uuid.UUID) -> dict[str, str]:
    async with transaction(sessions) as session:
        return dict((await session.get_one(Composition, note_id)).sections)


async def stands(sessions: Sessions, note_id: uuid.UUID, opinion: str) -> bool:
    return (await sections_of(sessions, note_id))["opinion"] == opinion


async def written(page: Page, path: str, section: str = "opinion") -> None:
    """The editor stands there and its scripts run."""
    await page.goto(path)
    await expect(page.locator("#note-form[data-keeping=on]")).to_have_count(1)
    await page.locator(f"[name={section}]").focus()


async def test_words_written_without_a_line_survive_a_reload_and_are_saved_once_it_is_back(
    cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    path = f"/notes/{draft.note.id}"
    page = await open_as("specialist")
    await written(page, path)
    await page.context.set_offline(True)
    await page.get_by_test_id("note-editor").fill("Written in the tunnel")
    await expect(page.get_by_test_id("note-saved")).to_contain_text("No connection")
    await eventually(lambda: _is_kept(page))
    assert not any("tunnel" in one for one in await page.evaluate(KEPT)), "what is kept is sealed"
    # The tab goes, with its words and its key; the line comes back; the page is opened anew.
    context, crashed = page.context, page
    await crashed.close(run_before_unload=False)
    await context.set_offline(False)
    page = await context.new_page()
    note_errors(page, "specialist")
    await page.goto(path)
    await expect(page.get_by_test_id("note-editor")).to_have_value("Written in the tunnel")
    await expect(page.get_by_text("What you wrote without a connection is back")).to_be_visible()
    await eventually(lambda: stands(sessions, draft.note.id, "Written in the tunnel"))
    await eventually(lambda: _is_empty(page))

    # Changed elsewhere meanwhile, they are shown and not lost; signed out, nothing stays.
    await context.set_offline(True)
    await page.get_by_test_id("note-editor").fill("Written on the ferry")
    await eventually(lambda: _is_kept(page))
    async with transaction(sessions, cast.specialist) as session:
        await save_draft(
            session, cast.specialist, note_id=draft.note.id, version=3, sections={"opinion": "Written at the desk"}
        )
    await page.close(run_before_unload=False)
    await context.set_offline(False)
    page = await context.new_page()
    note_errors(page, "specialist")
    await page.goto(path)
    await expect(page.get_by_test_id("note-editor")).to_have_value("Written at the desk")
    await page.get_by_test_id("put-kept-below").click()
    await expect(page.get_by_test_id("note-editor")).to_have_value("Written at the desk\nWritten on the ferry")
    await eventually(lambda: stands(sessions, draft.note.id, "Written at the desk\nWritten on the ferry"))
    await context.set_offline(True)
    await page.get_by_test_id("note-editor").fill("Not to be kept")
    await eventually(lambda: _is_kept(page))
    await context.set_offline(False)
    await page.locator("form[action='/sign-out'] button").click()
    await page.wait_for_url("**/sign-in**")
    assert await page.evaluate(KEPT) == []


async def test_two_tabs_are_shown_side_by_side_and_lose_nothing(
    cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    draft = await note_steps.drafted(cast, sessions)
    path = f"/notes/{draft.note.id}"
    first = await open_as("specialist")
    second = await first.context.new_page()
    note_errors(second, "specialist")
    await written(first, path)
    await written(second, path)
    await first.get_by_test_id("note-editor").fill("From the first tab")
    await expect(first.get_by_test_id("note-saved")).to_contain_text("Saved at")
    await second.get_by_test_id("note-editor").fill("From the second tab")
    await expect(second.get_by_test_id("note-saved")).to_contain_text("Changed in another tab")
    await second.get_by_role("button", name="Save").click()
    other = second.get_by_test_id("other-words")
    await expect(other).to_contain_text("From the first tab")
    await expect(second.get_by_test_id("note-editor")).to_have_value("From the second tab")
    await other.get_by_role("button").click()
    both = "From the second tab\nFrom the first tab"
    await expect(second.get_by_test_id("note-editor")).to_have_value(both)
    await eventually(lambda: stands(sessions, draft.note.id, both))
    await second.get_by_test_id("earlier-words").click()
    await expect(second.get_by_text("From the first tab")).to_be_visible()


async def test_by_keyboard_with_a_template_a_phrase_and_a_value(
    cast: Cast, sessions: Sessions, settings: Settings, open_as: OpenAs
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions, opinion="Seen with Dr Roy.")
    async with transaction(sessions, cast.specialist) as session:
        await note_steps.phrasing(session, cast.specialist, is_shared=True)
    page = await open_as("specialist")
    await written(page, f"/notes/{draft.note.id}", "findings")
    await page.keyboard.type("Walks alone.")
    await press(page, page.get_by_test_id("insert-template"))
    await expect(page.locator("[name=findings]")).to_have_value("Walks alone.\nOnset:")
    await expect(page.get_by_test_id("note-editor")).to_have_value("Seen with Dr Roy.\nPrimary headache.")
    await page.get_by_test_id("note-editor").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(" .nl ")
    words = "Seen with Dr Roy.\nPrimary headache. Neurology: normal. "
    await expect(page.get_by_test_id("note-editor")).to_have_value(words)
    await page.locator("[name=findings]").focus()
    await page.keyboard.press("Control+End")
    value = page.get_by_test_id("insert-line").first
    line = await value.get_attribute("value")
    assert line
    await press(page, value)
    await expect(page.locator("[name=findings]")).to_have_value(f"Walks alone.\nOnset:\n{line}\n")
    await expect(page.get_by_test_id("note-saved")).to_contain_text("Saved at")
    for name in ("plan", "medicines", "follow_up"):
        await page.locator(f"[name={name}]").focus()
        await page.keyboard.type(f"Of {name}.")
    await press(page, page.get_by_test_id("sign-note"))
    await expect(page.get_by_test_id("step-up")).to_be_visible()
    kept = await sections_of(sessions, draft.note.id)
    assert kept["findings"].strip() == f"Walks alone.\nOnset:\n{line}"
    assert (kept["opinion"], kept["follow_up"]) == (words, "Of follow_up.")


async def press(page: Page, button: Locator) -> None:
    await button.focus()
    await page.keyboard.press("Enter")


async def _is_kept(page: Page) -> bool:
    return bool(await page.evaluate(KEPT))


async def _is_empty(page: Page) -> bool:
    return not await page.evaluate(KEPT)
