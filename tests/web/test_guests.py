"""Guests over the pages: inviting, the link and its one device, letting in, taking back; and join tokens."""

import re
import uuid

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select, update

from teleconsult.accounts.limits import WRONG_PER_ADDRESS
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.models import Encounter, GuestPass
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.kept_rows import KeptRows
from tests.people import Cast
from web.i18n import LOCALE_COOKIE

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> ServiceRequest:
    """A booked consult."""
    return await consult_steps.booked_lately(cast, sessions, kept_rows)


async def invited(post: Post, consult: ServiceRequest, name: str = "Rose B.", kind: str = "patient") -> str:
    """The path of a new link, made by who is signed in."""
    answer = await post(f"/consults/{consult.id}/guests", name=name, kind=kind)
    page = await answer.text()
    assert answer.status == 200, page
    found = re.search(r'value="[^"]*(/join/[\w-]{43})"', page)
    assert found, "the link is shown"
    assert 'src="data:image/svg+xml' in page
    return found[1]


@pytest.fixture
async def phone(client: Client) -> Client:
    """A device of nobody's, on the same site."""
    assert isinstance(client.server, TestServer)
    device: Client = TestClient(client.server)
    return device


async def opened(device: Client, link: str) -> ClientResponse:
    """Open a link as its page's button does."""
    return await device.post(link, allow_redirects=False)


async def test_a_link_is_shown_once_and_says_nothing_of_the_consult(
    client: Client, phone: Client, cast: Cast, consult: ServiceRequest, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    link = await invited(post, consult)
    assert link not in await (await client.get(f"/consults/{consult.id}/guests")).text()
    page = await (await phone.get(link)).text()
    assert cast.rural.name in page
    assert "Rose B." in page
    for secret in ("Bélanger", "headache", "Neurolog", str(consult.number), str(consult.id)):
        assert secret not in page


async def test_the_first_device_keeps_the_link(
    client: Client, phone: Client, consult: ServiceRequest, signed_in: SignIn, post: Post
) -> None:
    await signed_in("specialist")
    link = await invited(post, consult)
    assert (await phone.get("/join")).status == 404
    answer = await opened(phone, link)
    assert (answer.status, answer.headers["Location"]) == (303, "/join")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert (await opened(phone, link)).status == 303, "the same device may press twice"
    other: Client = TestClient(phone.server)
    other.session.cookie_jar.update_cookies({LOCALE_COOKIE: "en"})
    for answer in (await other.get(link), await opened(other, link)):
        assert answer.status == 409
        assert "already used on another device" in await answer.text()
    page = await (await phone.get("/join")).text()
    for name in ("local-video", "remote-video", "mute", "camera", "chat-input", "leave"):
        assert f'data-testid="{name}"' in page
    for name in ("excerpt-view", "open-note", "open-study", "open-guests", "admit"):
        assert f'data-testid="{name}"' not in page
    for secret in ("Bélanger", "headache", "/patients/", "/consults/"):
        assert secret not in page


async def test_a_second_link_does_not_shut_the_first_on_the_same_device(
    phone: Client, consult: ServiceRequest, signed_in: SignIn, post: Post
) -> None:
    await signed_in("specialist")
    links = [await invited(post, consult, name=name) for name in ("Dr A", "Dr B")]
    for link in [*links, links[0]]:
        assert (await opened(phone, link)).status == 303
    assert "Dr A" in await (await phone.get("/join")).text()


async def test_a_guest_is_let_in_and_turned_out_by_either_side(
    client: Client, phone: Client, consult: ServiceRequest, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    link = await invited(post, consult)
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(GuestPass))).one()
    path = f"/consults/{consult.id}/guests/{kept.id}"
    await signed_in("specialist")
    assert (await post(f"{path}/admission")).status == 409, "nobody is let in before the link was opened"
    await opened(phone, link)
    for _ in range(2):
        assert (await post(f"{path}/admission")).status == 303
    for _ in range(2):
        assert (await post(f"{path}/revocation")).status == 303
    assert (await phone.get("/join")).status == 404
    assert (await opened(phone, link)).status == 404
    async with transaction(sessions) as session:
        done = (await session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("guest-")))).all()
        told = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "guest-opened"))).one()
    assert sorted(done) == ["guest-admitted", "guest-invited", "guest-opened", "guest-revoked"]
    assert (told.actor_name, told.account_id, told.patient_id) == ("Rose B.", None, consult.patient_id)


@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else_invites_sees_or_lets_in(
    client: Client, consult: ServiceRequest, signed_in: SignIn, post: Post, sessions: Sessions, who: str
) -> None:
    await signed_in("rural")
    await invited(post, consult)
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(GuestPass))).one()
    await signed_in(who)
    guests = f"/consults/{consult.id}/guests"
    assert (await client.get(guests)).status == 404
    assert (await post(guests, name="X", kind="patient")).status == 404
    assert (await post(f"{guests}/{kept.id}/admission")).status == 404
    assert (await post(f"{guests}/{kept.id}/revocation")).status == 404
    assert (await post(f"/consults/{consult.id}/join-token")).status == 404


async def test_a_pass_of_another_session_is_not_there(
    cast: Cast, sessions: Sessions, consult: ServiceRequest, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    await invited(post, consult)
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(GuestPass))).one()
    other = await consult_steps.booked(cast, sessions, in_minutes=200)
    for guest in (kept.id, uuid.uuid4(), "x"):
        assert (await post(f"/consults/{other.id}/guests/{guest}/revocation")).status == 404


async def test_bad_input_is_shown_again(client: Client, consult: ServiceRequest, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    path = f"/consults/{consult.id}/guests"
    for name in ("", "   ", "x" * 81):
        answer = await post(path, name=name, kind="interpreter")
        assert answer.status == 422
        assert 'aria-invalid="true"' in await answer.text()
    assert (await post(path, name="X", kind="nobody")).status == 422
    unsaid = await post(path, name="X", kind="")
    assert (unsaid.status, "Say who it is." in await unsaid.text()) == (422, True)
    for number in range(4):
        await invited(post, consult, name=f"Guest {number}")
    assert (await post(path, name="One more", kind="other")).status == 409


@pytest.mark.parametrize("how", ["expired", "session over"])
async def test_a_link_ends_with_the_session_or_a_day_after_its_time(
    phone: Client, consult: ServiceRequest, sessions: Sessions, signed_in: SignIn, post: Post, how: str
) -> None:
    await signed_in("rural")
    link = await invited(post, consult)
    await opened(phone, link)
    async with transaction(sessions) as session:
        if how == "expired":
            await session.execute(update(GuestPass).values(expires_at=now()))
        else:
            await session.execute(update(Encounter).values(ended_at=now()))
    assert (await phone.get("/join")).status == 404
    assert (await phone.get(link)).status == 404


async def test_guessing_links_ends_soon_and_links_that_are_over_are_no_guesses(
    phone: Client, consult: ServiceRequest, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    link = await invited(post, consult)
    async with transaction(sessions) as session:
        await session.execute(update(GuestPass).values(revoked_at=now()))
    answers = [(await phone.get(link)).status for _ in range(3)]
    answers += [(await phone.get(f"/join/{uuid.uuid4().hex}")).status for _ in range(WRONG_PER_ADDRESS + 1)]
    assert answers == [404] * (3 + WRONG_PER_ADDRESS) + [429]


async def test_another_sites_form_opens_no_link(
    phone: Client, consult: ServiceRequest, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    link = await invited(post, consult)
    answer = await phone.post(link, headers={"Origin": "https://evil.example"}, allow_redirects=False)
    assert answer.status == 403
    assert (await opened(phone, link)).status == 303


async def test_a_join_token_is_short_and_for_those_who_take_part(
    client: Client, consult: ServiceRequest, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("specialist")
    answer = await post(f"/consults/{consult.id}/join-token")
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    content = await answer.json()
    assert content.keys() == {"token", "expires"}
    refused = await client.get("/consults", headers={"Authorization": f"Bearer {content['token']}"})
    assert refused.status == 401, "it opens a room and nothing else"
    async with transaction(sessions) as session:
        assert await session.scalar(select(AuditEvent).where(AuditEvent.action == "join-token-issued"))
