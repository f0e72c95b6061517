"""A team meeting in real browsers: planned, its list put in order by keys, three people in the room of a case."""

import os
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from teleconsult.clock import now
from teleconsult.db import Sessions
from tests import meeting_steps
from tests.browser.conftest import OpenAs, eventually
from tests.people import Cast

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("MEETING_PICTURES")


async def test_three_people_meet_in_the_room_of_a_case(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
    await meeting_steps.for_a_meeting(cast, sessions)
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
