"""A team meeting in real browsers: planned, its list put in order by keys, three people in its one call."""

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


async def test_three_people_walk_through_two_cases_in_one_call(open_as: OpenAs, cast: Cast, sessions: Sessions) -> None:
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
    await coordinator.close()

    rural, chair, member = await open_as("rural"), await open_as("specialist"), await open_as("oncall")
    for page in (rural, chair, member):
        await count_connections(page)
    await rural.goto(f"/consults/{second.id}/room")  # she waits in the room of her own case
    await member.goto(place)
    await chair.goto(place)
    await look(chair, "chair")
    for page in (chair, member):
        await page.get_by_test_id("enter-meeting").click()
        await expect(page).to_have_url(f"{base(chair)}{place}/room")
    for page in (chair, member):  # they see each other before the first case
        await eventually(lambda page=page: frames(page, "remote-video"))
    await expect(rural.get_by_test_id("other-tile")).to_have_count(0)
    await look(chair, "before")
    made = [await connections(page) for page in (chair, member)]

    await chair.get_by_test_id("next-case").click()
    for page in (chair, member):
        await expect(page.get_by_test_id("discussed")).to_be_visible()
        await expect(page.get_by_test_id("other-tile")).to_have_count(1)  # who asked
    for page in (rural, chair, member):
        await eventually(lambda page=page: frames(page, "other-tile"))
    await expect(chair.get_by_test_id("quorum")).to_contain_text("Girard")
    await expect(rural.get_by_test_id("meeting-bar")).to_have_count(0)
    await say(rural, "Of the second")
    await expect(member.get_by_test_id("chat-log")).to_contain_text("Of the second")
    await look(chair, "room")
    for before, page in zip(made, (chair, member), strict=True):
        assert await connections(page) == before + 1  # one more, to her

    seen = [await decoded(page) for page in (chair, member)]
    await chair.get_by_test_id("next-case").click()
    for page in (chair, member):
        await expect(page.get_by_test_id("other-tile")).to_have_count(0)
        await expect(page.get_by_test_id("chat-log")).not_to_contain_text("Of the second")
        await expect(page.locator("#case-line")).to_contain_text(f"No. {first.number}")
    for before, page in zip(seen, (chair, member), strict=True):  # the picture goes on, on the same connections
        await eventually(lambda page=page, before=before: has_more(page, before))
    for before, page in zip(made, (chair, member), strict=True):
        assert await connections(page) == before + 1
        assert page.url == f"{base(chair)}{place}/room"
    await expect(rural).to_have_url(f"{base(rural)}/consults/{second.id}/room")
    await expect(rural.get_by_test_id("other-tile")).to_have_count(0)
    await say(chair, "Of the first")
    await expect(member.get_by_test_id("chat-log")).to_contain_text("Of the first")
    await expect(rural.get_by_test_id("chat-log")).not_to_contain_text("Of the first")
    refused = await rural.request.get(f"/consults/{first.id}/room")
    assert refused.status == 404

    await member.reload()
    await expect(member.get_by_test_id("chat-log")).to_contain_text("Of the first")
    await eventually(lambda: frames(member, "remote-video"))
    await chair.get_by_test_id("next-case").click()
    await chair.get_by_test_id("end-meeting").click()
    await expect(chair).to_have_url(f"{base(chair)}{place}")
    await expect(member.locator('[data-state="closed"]')).to_be_visible()


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


async def count_connections(page: Page) -> None:
    """Have the page count the connections that it makes, and take its link for a wide one: on a busy machine three
    people would rightly go on through the server, by connections of its own.
    """
    await page.add_init_script("""
        window.made = 0;
        const Made = RTCPeerConnection;
        window.RTCPeerConnection = class extends Made {
            constructor(...by) { super(...by); window.made += 1; }
            async getStats() {
                const wide = (row) => ("availableOutgoingBitrate" in row ? { availableOutgoingBitrate: 5e6 } : {});
                return new Map([...await super.getStats()].map(([id, row]) => [id, { ...row, ...wide(row) }]));
            }
        };
    """)


async def connections(page: Page) -> int:
    """How many it has made since it was loaded."""
    return int(await page.evaluate("() => window.made"))


async def frames(page: Page, place: str) -> bool:
    """Whether the picture of somebody in that place is decoded."""
    video = f"[data-testid={place}]" if place == "remote-video" else f"[data-testid={place}] video"
    return bool(
        await page.evaluate("(video) => [...document.querySelectorAll(video)].some((one) => one.videoWidth > 0)", video)
    )


async def decoded(page: Page) -> int:
    """Frames of the large picture so far."""
    shown = "() => document.querySelector('[data-testid=remote-video]').getVideoPlaybackQuality().totalVideoFrames"
    return int(await page.evaluate(shown))


async def has_more(page: Page, before: int) -> bool:
    """Whether ten frames more were shown than that."""
    return await decoded(page) >= before + 10


async def say(page: Page, text: str) -> None:
    """Write a line."""
    await expect(page.get_by_test_id("chat-send")).to_be_enabled()
    await page.get_by_test_id("chat-input").fill(text)
    await page.get_by_test_id("chat-send").click()


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
