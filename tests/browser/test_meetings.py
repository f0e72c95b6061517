"""A team meeting in real browsers: planned, its list put in order by keys, three people in the room of a case."""

import os
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import CareRelation
from tests import meeting_steps
from tests.browser.conftest import OpenAs, eventually
from tests.people import Cast

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("MEETING_PICTURES")


async def test_three_people_go_from_the_room_of_a_case_to_the_next(
    open_as: OpenAs, cast: Cast, sessions: Sessions
) -> None:
    first = await meeting_steps.for_a_meeting(await asked_by_colleague(cast, sessions), sessions)
    second = await meeting_steps.for_a_meeting(cast, sessions)
    coordinator = await open_as("coordinator")
    place = await plan(coordinator, cast)
    for _ in range(2):
        await coordinator.get_by_test_id("put-on-list").first.click()
        await expect(coordinator.get_by_test_id("flash")).to_be_visible()
    await expect(coordinator.get_by_test_id("meeting-case")).to_have_count(2)
    await last_goes_first_by_keyboard(coordinator)
    await look(coordinator, "coordinator")

    rural = await open_as("rural")
    await rural.goto(f"/consults/{second.id}/room")  # she waits in the room of her own case
    chair, member = await open_as("specialist"), await open_as("oncall")
    await member.goto(place)
    await expect(member.get_by_test_id("enter-meeting")).to_be_hidden()
    await chair.goto(place)
    await look(chair, "chair")
    await chair.get_by_test_id("next-case").click()
    await expect(chair).to_have_url(f"{base(chair)}/consults/{second.id}/room")
    await member.get_by_test_id("enter-meeting").click()
    await expect(member).to_have_url(chair.url)
    for page in (rural, chair, member):
        await eventually(lambda page=page: sees_somebody(page))
    await expect(chair.get_by_test_id("other-tile")).to_have_count(1)
    await expect(chair.get_by_test_id("quorum")).to_contain_text("Girard")
    await expect(rural.get_by_test_id("meeting-bar")).to_have_count(0)
    await look(chair, "room")

    await chair.get_by_test_id("next-case").click()
    for page in (chair, member):  # by themselves
        await expect(page).to_have_url(f"{base(chair)}/consults/{first.id}/room")
    for page in (chair, member):
        await eventually(lambda page=page: sees_somebody(page))
    await expect(rural).to_have_url(f"{base(rural)}/consults/{second.id}/room")
    refused = await rural.request.get(f"/consults/{first.id}/room")
    assert refused.status == 404


async def asked_by_colleague(cast: Cast, sessions: Sessions) -> Cast:
    """The cast in which the colleague asks, who treats the patient, too."""
    async with transaction(sessions) as session:
        session.add(
            CareRelation(
                patient_id=cast.patient.id,
                practitioner_role_id=cast.colleague.role_id,
                reason="treats",
                started_at=now(),
            )
        )
    return replace(cast, rural=cast.colleague)


async def plan(page: Page, cast: Cast) -> str:
    """The coordinator plans it for now: the chair, one more member, both have to be there. Its path."""
    await page.goto("/meetings/new")
    await look(page, "plan")
    await page.get_by_test_id("meeting-title").fill("RCP AVC")
    await page.get_by_test_id("meeting-service").select_option(str(cast.neurology.id))
    soon = (now() + timedelta(minutes=20)).astimezone(ZoneInfo("America/Toronto"))
    await page.get_by_test_id("meeting-time").fill(soon.strftime("%Y-%m-%dT%H:%M"))
    await page.get_by_test_id("meeting-chair").select_option(str(cast.specialist.role_id))
    await page.locator(f'input[name="members"][value="{cast.oncall.role_id}"]').check()
    await page.get_by_test_id("save-meeting").click()
    await expect(page.get_by_test_id("flash")).to_be_visible()
    return page.url.removeprefix(base(page))


async def last_goes_first_by_keyboard(page: Page) -> None:
    """The tools of a case are reached and worked by keys alone."""
    first = page.get_by_test_id("case-tools").first
    for _time in range(2):  # the pointer finds them, too, above the link that the whole row is
        await first.locator("summary").click()
    last = page.get_by_test_id("meeting-case").last
    number = (await last.locator(".row-link").inner_text()).split(" · ")[0]
    await last.get_by_test_id("case-tools").locator("summary").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("meeting-case").first).to_contain_text(number)


async def sees_somebody(page: Page) -> bool:
    """Whether the picture of somebody else is decoded."""
    return bool(
        await page.evaluate(
            "() => [...document.querySelectorAll('[data-testid=remote-video], [data-testid=other-tile] video')]"
            ".some((video) => video.videoWidth > 0)"
        )
    )


def base(page: Page) -> str:
    """The address of the site."""
    return "/".join(page.url.split("/")[:3])


async def look(page: Page, name: str) -> None:
    """For who wants to see: `MEETING_PICTURES` names a folder."""
    if not PICTURES:
        return
    for width in (1440, 360):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
    await page.set_viewport_size({"width": 1440, "height": 900})
