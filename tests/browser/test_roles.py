"""Changing role in a real browser, on a telephone: in sight, at one press, without signing in again."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import expect

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode
from tests.browser.conftest import OpenAs
from tests.browser.site import Site
from tests.people import Cast

pytestmark = pytest.mark.browser


async def test_the_role_in_force_is_in_sight_and_changes_at_one_press(
    site: Site, open_as: OpenAs, cast: Cast, sessions: Sessions
) -> None:
    assert cast.specialist.practitioner_id
    async with transaction(sessions) as session:
        session.add(
            PractitionerRole(
                practitioner_id=cast.specialist.practitioner_id,
                organization_id=cast.organizations["provincial"].id,
                code=RoleCode.COORDINATOR,
                started_at=now() + timedelta(seconds=1),
            )
        )
    page = await open_as("specialist", width=360, height=740)
    shown = page.get_by_test_id("role-in-force")
    await expect(shown).to_contain_text("Specialist")
    await expect(shown).to_be_in_viewport()
    await expect(page.get_by_test_id("worklist")).to_be_visible()
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360

    await page.get_by_test_id("change-role").click()
    await page.get_by_test_id("switch-role").click()
    await expect(page.get_by_test_id("board")).to_be_visible()
    await expect(shown).to_contain_text(re.compile("Coordinator.*Hôpital de la Côte"))
    await expect(page.get_by_test_id("flash")).to_be_visible()
