"""Around a session, in a real browser: triage by keyboard alone, what follows the note, who is there when."""

import os
from datetime import timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from teleconsult.clock import now
from teleconsult.consults.models import RequestStatus
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.emergencies.answering import answer_emergency
from teleconsult.emergencies.models import Emergency
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.browser.conftest import OpenAs, eventually
from tests.emergency_steps import on_duty, pressed
from tests.people import PASSWORD, Cast, another_neurologist

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("COORDINATION_PICTURES")
MOST_KEYS = 90


async def test_triage_by_keyboard_alone(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    first, second = [await consult_steps.submitted(cast, sessions) for _ in range(2)]
    page, rural = await open_as("coordinator"), await open_as("rural", width=360, height=740)
    await rural.goto(f"/consults/{first.id}")
    cards = page.get_by_test_id("board-card")
    await expect(cards.first).to_have_attribute("tabindex", "0")  # the script is here
    await tab_to(page, cards.first)
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Space")
    await expect(page.get_by_test_id("ticked-count")).to_have_text("2")
    await tab_to(page, page.get_by_test_id("board-acts").locator("summary"), back=True)
    await page.keyboard.press("Enter")
    await tab_to(page, page.get_by_test_id("board-specialist"))
    await page.keyboard.type("Dr Nguy")
    await tab_to(page, page.get_by_test_id("board-assign"))
    await page.keyboard.press("Enter")
    for consult in (first, second):
        await expect(page.locator(f"#card-{consult.id}")).to_contain_text("Minh")
    await look(page, "board")

    await tab_to(page, page.locator(f"#card-{first.id}"))
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/consults/{first.id}")
    await tab_to(page, page.get_by_test_id("ask-information"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("ask-information-text")).to_be_visible()
    await tab_to(page, page.get_by_test_id("ask-information-text"))
    await page.keyboard.type("Which dose?")
    await tab_to(page, page.get_by_test_id("ask-information-confirm"))
    await page.keyboard.press("Enter")
    await expect(rural.get_by_test_id("give-information-text")).to_be_visible()  # told without a reload
    await look(rural, "asked")
    await tab_to(rural, rural.get_by_test_id("give-information-text"))
    await rural.keyboard.type("5 mg")
    await tab_to(rural, rural.get_by_test_id("give-information"))
    await rural.keyboard.press("Enter")
    await expect(page.get_by_test_id("conversation")).to_contain_text("5 mg")

    await tab_to(page, page.get_by_test_id("redirect"))
    await page.keyboard.press("Enter")
    await tab_to(page, page.get_by_test_id("redirect-service"))
    await page.keyboard.type("Trauma")
    await look(page, "redirect")
    await tab_to(page, page.get_by_test_id("redirect-reason"))
    await page.keyboard.type("A fracture.")
    await tab_to(page, page.get_by_test_id("redirect-confirm"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("flash")).to_contain_text("went on")
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, first.id)
        assert (found.number, found.service_id) == (first.number, cast.trauma.id)


async def test_the_note_is_acknowledged_and_what_became_of_it_said_in_two_clicks(
    open_as: OpenAs, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    place = f"/consults/{draft.consult.id}"
    specialist, rural = await open_as("specialist"), await open_as("rural", width=360, height=740)
    await specialist.goto(place)
    await specialist.get_by_test_id("open-note").first.click()
    await specialist.get_by_test_id("sign-note").click()
    await specialist.get_by_test_id("step-up").fill(PASSWORD)
    await specialist.get_by_test_id("step-up-confirm").click()
    await expect(specialist.get_by_test_id("note-signed")).to_be_visible()
    await rural.goto(place)

    async def may_acknowledge() -> bool:
        return bool(await rural.get_by_test_id("acknowledge").count())

    await eventually(may_acknowledge)  # it has been written back: told without a reload
    await look(rural, "answered")
    await rural.get_by_test_id("acknowledge").click()
    await expect(rural.get_by_test_id("flash")).to_be_visible()
    await expect(specialist.locator("main")).to_be_visible()
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, draft.consult.id)
        assert found.status is RequestStatus.COMPLETED
        found.completed_at = now() - timedelta(days=15)

    await rural.goto("/")
    due = rural.get_by_test_id("follow-ups")
    await expect(due).to_be_visible()
    await look(rural, "follow-up")
    await rural.goto(place)
    await rural.get_by_test_id("follow-up-yes-yes").check()
    await rural.get_by_test_id("follow-up-better").click()
    await expect(rural.get_by_test_id("flash")).to_be_visible()
    await expect(due).to_have_count(0)
    await specialist.goto(place)
    await expect(specialist.get_by_test_id("followed-up")).to_contain_text("Avoided")


async def test_a_patient_travels_beside_the_consult_and_a_shift_goes_on_in_two_clicks(
    open_as: OpenAs, cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
    await on_duty(sessions, cast.neurology, cast.specialist)
    emergency = await answered_by_oncall(cast, sessions)
    place = f"/consults/{emergency.service_request_id}"
    oncall, rural = await open_as("oncall"), await open_as("rural", width=360, height=740)
    await oncall.goto(place)
    form = oncall.get_by_test_id("transfer-form")
    await oncall.get_by_text("Ask for a transfer").click()
    await form.locator("[name=destination]").select_option(str(cast.organizations["tertiary"].id))
    await form.locator("[name=transport]").select_option("helicopter")
    await rural.goto(place)
    await form.get_by_role("button", name="Ask for it").click()
    travels = rural.get_by_test_id("transfer")
    await expect(travels).to_contain_text("Helicopter")  # both see it without a reload
    await look(rural, "transfer")
    await travels.locator("[name=answered_by]").fill("Dr Roy")
    await travels.get_by_role("button", name="Accepted").click()
    await expect(oncall.get_by_test_id("transfer")).to_contain_text("Dr Roy")
    await travels.get_by_role("button", name="Left").click()
    await travels.get_by_role("button", name="Arrived").click()
    await expect(travels).to_contain_text("arrived at")
    await expect(rural.locator("main")).to_contain_text("In session")  # the consult goes on where it is

    specialist = await open_as("specialist", width=360, height=740)
    await specialist.get_by_test_id("hand-over").click()
    await look(specialist, "hand-over")
    await specialist.get_by_role("button", name=second.name).click()
    await expect(specialist.get_by_test_id("duty")).to_contain_text(f"{second.name} until")
    coordinator = await open_as("coordinator")
    await coordinator.goto("/roster")
    await look(coordinator, "roster")
    await coordinator.get_by_test_id("hand-over").first.click()
    await coordinator.locator("dialog[open]").get_by_role("button", name=cast.specialist.name).click()
    await expect(coordinator.locator("main")).to_contain_text(f"{cast.specialist.name} is on duty until")


async def test_a_clinic_says_when_sessions_begin_and_who_waits_is_offered_what_becomes_free(
    open_as: OpenAs, cast: Cast, sessions: Sessions
) -> None:
    booked, waits = [await consult_steps.accepted(cast, sessions) for _ in range(2)]
    page = await open_as("coordinator", width=360, height=740)
    await page.goto(f"/hours/{cast.neurology.id}")
    rules = page.get_by_test_id("rule-form")
    for day in (await rules.locator("[name=weekdays]").all())[:7]:
        await day.check()
    await rules.locator("[name=from]").fill("00:00")
    await rules.locator("[name=until]").fill("23:00")
    await rules.locator("[name=slot]").fill("60")
    await page.get_by_test_id("add-rule").click()
    await expect(page.get_by_test_id("rules")).to_contain_text("sessions of 60 min")
    await look(page, "clinic")

    await page.goto(f"/consults/{booked.id}")
    await page.get_by_test_id("find-time").click()
    times = page.get_by_test_id("free-time")
    await expect(times.first).to_be_visible()
    begin = [await time.locator(".strong").first.inner_text() for time in await times.all()]
    assert begin and {time[-2:] for time in begin} == {"00"}, "a clinic's sessions begin one after the other"
    await look(page, "times")
    await times.last.click()
    await expect(page.get_by_test_id("flash")).to_contain_text("booked")

    await page.goto(f"/consults/{waits.id}/times")
    before = (now() + timedelta(days=60)).date().isoformat()
    await page.get_by_test_id("wait-list").locator("[name=before]").fill(before)
    await page.get_by_test_id("wait").click()
    await expect(page.get_by_test_id("flash")).to_be_visible()
    await page.goto(f"/consults/{waits.id}/times")
    await expect(page.get_by_test_id("wait-list")).to_contain_text("Waits for a time before")
    await look(page, "waits")


async def answered_by_oncall(cast: Cast, sessions: Sessions) -> Emergency:
    """An emergency whose session runs."""
    emergency = await pressed(cast, sessions)
    async with transaction(sessions, cast.oncall) as session:
        return await answer_emergency(session, cast.oncall, emergency_id=emergency.id)


async def tab_to(page: Page, there: Locator, *, back: bool = False) -> None:
    """Reach it by the tabulator alone; fail where it cannot be reached."""
    for _key in range(MOST_KEYS):
        if await there.evaluate("one => one === document.activeElement"):
            return
        await page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"no key leads to {there}")


async def look(page: Page, name: str) -> None:
    """For who wants to see: `COORDINATION_PICTURES` names a folder."""
    if not PICTURES:
        return
    was = page.viewport_size
    for width in (1440, 360):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} px"
        await page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
    assert was
    await page.set_viewport_size(was)
