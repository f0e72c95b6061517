"""Passkeys in a real browser, on a virtual authenticator (W3C WebAuthn Level 3 §11): made, used, refused."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Page, expect
from sqlalchemy import select, update

from teleconsult.accounts.models import Passkey, WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests import note_steps
from tests.browser.conftest import LONGEST, note_errors
from tests.browser.site import Site
from tests.people import PASSWORD, Cast

pytestmark = pytest.mark.browser
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Device:
    """A browser at the site's name (a passkey is bound to one), and the authenticator in its hand."""

    page: Page
    base: str
    protocol: CDPSession
    authenticator: str

    async def ask(self, method: str, **parameters: Any) -> Any:
        """One command of the WebAuthn domain to this device's authenticator."""
        return await self.protocol.send(f"WebAuthn.{method}", {"authenticatorId": self.authenticator, **parameters})

    async def sign_in(self, email: str) -> None:
        """By password."""
        await self.page.goto("/sign-in")
        await self.page.fill("[name=email]", email)
        await self.page.fill("[name=password]", PASSWORD)
        await self.page.click("form[action='/sign-in'] button")
        await self.page.wait_for_url(f"{self.base}/")

    async def sign_out(self) -> None:
        """By the button of the bar."""
        async with self.page.expect_response("**/sign-out"):
            await self.page.click(".sign-out")

    async def add_passkey(self, name: str) -> None:
        """From the page of one's own account."""
        await self.page.goto("/account")
        await self.page.get_by_test_id("add-passkey").click()
        await self.page.get_by_test_id("passkey-name").fill(name)
        await self.page.get_by_test_id("passkey").click()
        await expect(self.page.get_by_test_id("passkey-row").filter(has_text=name)).to_be_visible()

    async def press_passkey(self) -> None:
        """The button that asks the device, which says yes by itself."""
        await self.page.get_by_test_id("passkey").click()


OpenDevice = Callable[..., Awaitable[Device]]
WITHOUT_A_LIST = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
"""A virtual authenticator answers even what is merely offered; a browser that offers nothing waits for the button."""


@pytest.fixture
async def open_device(site: Site, chromium: Browser) -> AsyncIterator[OpenDevice]:
    """`await open_device()`: somebody's own, at the site's name; `offers=True` has a list under the first field."""
    async with AsyncExitStack() as opened:

        async def open_one(*, offers: bool = False) -> Device:
            base = f"http://localhost:{site.port}"
            context = await chromium.new_context(base_url=base, locale="en", viewport={"width": 1280, "height": 800})
            opened.push_async_callback(context.close)
            context.set_default_timeout(LONGEST)
            if not offers:
                await context.add_init_script(WITHOUT_A_LIST)
            page = await context.new_page()
            note_errors(page, "somebody")
            protocol = await context.new_cdp_session(page)
            await protocol.send("WebAuthn.enable")
            added = await protocol.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
            return Device(page, base, protocol, added["authenticatorId"])

        yield open_one


@pytest.fixture
async def device(open_device: OpenDevice) -> Device:
    """One of them."""
    return await open_device()


async def denied(sessions: Sessions) -> list[tuple[str, str]]:
    async with transaction(sessions) as session:
        events = select(AuditEvent).where(AuditEvent.outcome == "denied").order_by(AuditEvent.recorded_at)
        return [(event.action, event.detail["reason"]) for event in await session.scalars(events)]


async def test_added_then_used_to_sign_in_and_to_step_up_while_a_soft_key_wants_the_password(
    device: Device, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    page = device.page
    await device.sign_in(cast.emails["specialist"])
    await device.add_passkey("My telephone")

    await device.sign_out()
    await device.press_passkey()
    await page.wait_for_url(f"{device.base}/")
    async with transaction(sessions) as session:
        kept = select(WebSession.methods).where(WebSession.ended_at.is_(None))
        assert (await session.scalars(kept)).one() == "hwk user"
        await session.execute(update(WebSession).values(factor_at=WebSession.factor_at - timedelta(minutes=5)))

    await page.goto("/account/passkeys/new")
    await page.wait_for_url(f"{device.base}/step-up?next=**")
    await device.press_passkey()
    await page.wait_for_url(f"{device.base}/account/passkeys/new")

    await page.goto(f"/notes/{draft.note.id}/signature")
    await expect(page.get_by_test_id("passkey")).to_have_count(0)
    await page.get_by_test_id("step-up").fill(PASSWORD)
    await page.get_by_test_id("step-up-confirm").click()
    await expect(page.get_by_test_id("note-signed")).to_be_visible()
    assert await denied(sessions) == []


async def test_the_list_under_the_first_field_offers_it_too(open_device: OpenDevice, cast: Cast) -> None:
    device = await open_device(offers=True)
    await device.sign_in(cast.emails["rural"])
    await device.add_passkey("My telephone")
    async with device.page.expect_request("**/sign-in/passkey"):
        await device.sign_out()
    await device.page.wait_for_url(f"{device.base}/")


async def test_an_answer_that_was_overheard_opens_nothing(device: Device, cast: Cast, sessions: Sessions) -> None:
    await device.sign_in(cast.emails["rural"])
    await device.add_passkey("My telephone")
    await device.sign_out()
    async with device.page.expect_request("**/sign-in/passkey") as sent:
        await device.press_passkey()
    await device.page.wait_for_url(f"{device.base}/")
    overheard = (await sent.value).post_data or ""
    await device.sign_out()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await device.page.request.post("/sign-in/passkey", data=overheard, headers=headers, max_redirects=0)
    assert answer.status == 422
    assert await denied(sessions) == [("sign-in-failed", "challenge")]


async def test_a_copy_is_refused_in_words(device: Device, cast: Cast, sessions: Sessions) -> None:
    await device.sign_in(cast.emails["rural"])
    await device.add_passkey("My telephone")
    await device.sign_out()
    async with transaction(sessions) as session:
        await session.execute(update(Passkey).values(sign_count=1000))
    await device.press_passkey()
    await expect(device.page.get_by_role("alert").filter(has_text="This passkey is not accepted here")).to_be_visible()
    assert await denied(sessions) == [("passkey-copied", "count")]


async def test_one_that_is_not_known_here_is_refused_in_words(device: Device, cast: Cast, sessions: Sessions) -> None:
    await device.sign_in(cast.emails["rural"])
    await device.add_passkey("My telephone")
    await device.page.get_by_role("button", name="Remove").click()
    await expect(device.page.get_by_test_id("passkey-row")).to_have_count(0)
    await device.sign_out()
    await device.press_passkey()
    await expect(device.page.get_by_role("alert").filter(has_text="This passkey is not accepted here")).to_be_visible()
    assert await denied(sessions) == [("sign-in-failed", "unknown")]


async def test_a_device_that_does_not_know_its_user_is_not_enough(device: Device, cast: Cast) -> None:
    await device.sign_in(cast.emails["rural"])
    await device.add_passkey("My telephone")
    await device.sign_out()
    await device.ask("setUserVerified", isUserVerified=False)
    await device.press_passkey()
    await expect(device.page.get_by_text("Nothing was confirmed.")).to_be_visible()


async def test_at_another_address_none_is_offered(device: Device, site: Site) -> None:
    await device.page.goto("/sign-in")
    await expect(device.page.get_by_test_id("passkey")).to_be_visible()
    await device.page.goto(f"{site.url}/sign-in")
    await device.page.wait_for_load_state("networkidle")
    await expect(device.page.get_by_test_id("passkey")).to_be_hidden()
