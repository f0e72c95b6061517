"""Inviting people and looking after their roles and accounts, page by page."""

from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult.accounts.models import Account, Totp, WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]

NEW = {
    "given": "Zoé",
    "family": "Lévesque",
    "registration_number": "101 0123 4567",
    "email": "zoe@chu.test",
    "role": "specialist",
    "specialty": "cardiology",
}


async def wait_three_minutes(sessions: Sessions) -> None:
    """Nobody has just proved who they are any more."""
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=now() - timedelta(minutes=3)))


async def test_somebody_is_invited_and_found(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    answer = await post("/admin/people", **NEW)
    assert answer.status == 303
    page = await (await client.get(answer.headers["Location"])).text()
    assert "Lévesque" in page
    assert "10101234567" in page
    assert 'data-state="invited"' in page
    assert "is on its way by mail" in page
    assert "Never" in page, "they have not signed in"
    assert "Send the link again" in page
    assert (await post(f"{answer.headers['Location']}/invitation")).status == 303
    for text in ("levesque", "LÉV zo", "zoe@", "10101"):
        assert "Lévesque" in await (await client.get("/admin/people", params={"q": text})).text(), text
    assert "Nobody fits" in await (await client.get("/admin/people", params={"q": "tremblay"})).text()


async def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    answer = await post("/admin/people", **{**NEW, "email": "nobody", "specialty": ""})
    page = await answer.text()
    assert answer.status == 422
    assert page.count('aria-invalid="true"') == 2
    assert 'value="Lévesque"' in page
    for wrong in ({"role": "operator"}, {"role": "king"}, {"role": ""}, {"specialty": "astrology"}):
        assert (await post("/admin/people", **{**NEW, **wrong})).status == 422, wrong


async def test_a_doubt_is_shown_and_wants_a_yes(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    namesake = {**NEW, "given": "Helene", "family": "TREMBLAY"}
    answer = await post("/admin/people", **namesake)
    page = await answer.text()
    assert answer.status == 409
    assert "Hélène Tremblay" in page
    assert "…@example.test" in page
    assert (await post("/admin/people", **namesake, confirmed="yes")).status == 303


async def test_roles_are_given_and_ended(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("admin")
    person = f"/admin/people/{cast.coordinator.practitioner_id}"
    assert (await post(f"{person}/roles", role="secretary")).status == 303
    assert "Secretary" in await (await client.get(person)).text()
    assert (await post(f"{person}/roles", role="secretary")).status == 409
    assert (await post(f"{person}/roles", role="specialist")).status == 422
    assert (await post(f"/admin/roles/{cast.coordinator.role_id}/ending")).status == 303
    assert (await post(f"/admin/roles/{cast.coordinator.role_id}/ending")).status == 409
    assert (await post(f"/admin/roles/{cast.admin.role_id}/ending")).status == 403


async def test_whose_role_ended_is_out_at_the_next_request(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("oncall")
    assert (await client.get("/")).status == 200
    async with transaction(sessions) as session:
        (await session.get_one(PractitionerRole, cast.oncall.role_id)).ended_at = now()
    answer = await client.get("/", allow_redirects=False, headers={"Accept": "text/html"})
    assert answer.status == 303


async def test_an_account_is_disabled_and_enabled(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("admin")
    person = f"/admin/people/{cast.oncall.practitioner_id}"
    assert (await post(f"{person}/disabling")).status == 303
    assert 'data-state="disabled"' in await (await client.get(person)).text()
    assert (await post(f"{person}/disabling")).status == 409
    assert (await post(f"{person}/enabling")).status == 303
    assert (await post(f"/admin/people/{cast.admin.practitioner_id}/disabling")).status == 403
    async with transaction(sessions) as session:
        assert not (await session.get_one(Account, cast.oncall.account_id)).disabled_at


async def test_sessions_and_a_lost_factor_are_taken_away(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("oncall")
    async with transaction(sessions) as session:
        session.add(Totp(account_id=cast.oncall.account_id, secret_sealed=b"-", created_at=now(), confirmed_at=now()))
    await signed_in("admin")
    person = f"/admin/people/{cast.oncall.practitioner_id}"
    assert "Take away a lost second factor" in await (await client.get(person)).text()
    assert (await post(f"{person}/sessions-end")).status == 303
    assert (await post(f"{person}/factor-reset")).status == 303
    assert (await post(f"{person}/factor-reset")).status == 409
    async with transaction(sessions) as session:
        open_ones = select(WebSession).where(WebSession.ended_at.is_(None))
        assert {kept.account_id for kept in await session.scalars(open_ones)} == {cast.admin.account_id}


async def test_what_raises_somebodys_rights_asks_who_one_is(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("admin")
    await wait_three_minutes(sessions)
    person = f"/admin/people/{cast.oncall.practitioner_id}"
    for path, fields in (
        ("/admin/people", NEW),
        (f"{person}/roles", {"role": "nurse"}),
        (f"{person}/disabling", {}),
        (f"{person}/enabling", {}),
        (f"{person}/factor-reset", {}),
        (f"/admin/roles/{cast.oncall.role_id}/ending", {}),
        ("/admin/retention", {"subject": "chat", "keep": "90"}),
    ):
        answer = await post(path, **fields)
        assert answer.status == 303, path
        assert answer.headers["Location"].startswith("/step-up"), path
    answer = await client.get("/admin/people/new", allow_redirects=False)
    assert answer.headers["Location"].startswith("/step-up"), "before the form is filled in, not after"
    async with transaction(sessions) as session:
        roles = select(PractitionerRole).where(PractitionerRole.code == RoleCode.NURSE)
        assert cast.oncall.practitioner_id not in {role.practitioner_id for role in await session.scalars(roles)}


async def test_addresses_nobody_would_send_are_no_500(client: Client, signed_in: SignIn) -> None:
    await signed_in("admin")
    for query in ({"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page": "99999999999"}):
        assert (await client.get("/admin/people", params=query)).status == 404, query
    for text in ("%", "\0", "'; drop table account; --", "x" * 5000, "\\", "«»"):
        assert (await client.get("/admin/people", params={"q": text})).status in (200, 400), text
    assert (await client.get("/admin/people/none")).status == 404
