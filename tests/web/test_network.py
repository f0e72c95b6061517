"""The operator's console: establishments, keys, health. No patient's name is near it."""

import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.accounts.models import TokenKey
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization
from tests.conftest import Post, SignIn
from tests.people import Cast, bearer_of
from tests.web.test_admin_people import wait_three_minutes

Client = TestClient[web.Request, web.Application]

PAGES = ("/network", "/network/establishments", "/network/establishments/new", "/network/keys")
NEW = {
    "name": "Maternité du Nord",
    "kind": "clinic",
    "time_zone": "Europe/Paris",
    "locale": "fr",
    "sharing_network": "cote-nord",
}
FIRST = {"given": "Zoé", "family": "Lévesque", "registration_number": "10101234567", "email": "zoe@nord.test"}


@pytest.mark.parametrize("path", ["/", *PAGES])
async def test_every_page_opens_for_the_operator_and_names_no_patient(
    client: Client, signed_in: SignIn, path: str
) -> None:
    await signed_in("operator")
    answer = await client.get(path)
    assert answer.status == 200
    assert "Bélanger" not in await answer.text()


@pytest.mark.parametrize("who", ["admin", "rural", "privacy", "coordinator"])
async def test_nobody_else_finds_any_of_it(client: Client, signed_in: SignIn, post: Post, cast: Cast, who: str) -> None:
    await signed_in(who)
    place = f"/network/establishments/{cast.organizations['rural'].id}"
    for path in (*PAGES, place):
        assert (await client.get(path)).status == 404, path
    for path in ("/network/establishments", place, f"{place}/administrator", "/network/keys/rotation"):
        assert (await post(path)).status == 404, path


async def test_the_operator_sees_no_file_and_no_consult(client: Client, signed_in: SignIn, cast: Cast) -> None:
    await signed_in("operator")
    for path in ("/patients", "/consults", f"/patients/{cast.patient.id}", "/admin/people", "/roster"):
        assert (await client.get(path)).status == 404, path


async def test_the_health_of_every_part_is_told_in_its_frame(client: Client, signed_in: SignIn) -> None:
    await signed_in("operator")
    answer = await client.get("/network", headers={"Turbo-Frame": "health"})
    page = await answer.text()
    assert answer.status == 200
    for part in ("database", "queue", "worker", "objects", "mail", "press", "sandbox", "audit", "disk"):
        assert f'data-part="{part}"' in page, part
    assert 'data-part="database" data-state="ok"' in page
    assert 'data-part="worker" data-state="warn"' in page, "none runs in this test"


async def test_an_establishment_is_added_changed_and_given_an_administrator(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("operator")
    answer = await post("/network/establishments", **NEW)
    assert answer.status == 303
    place = answer.headers["Location"]
    assert "No administrator" in await (await client.get("/network/establishments")).text()
    assert (await post(place, **{**NEW, "sharing_network": ""})).status == 303
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(Organization).where(Organization.name == NEW["name"]))).one()
        assert kept.sharing_network is None
    assert (await post(f"{place}/administrator", **FIRST)).status == 303
    assert "has an administrator" in await (await client.get(place)).text()
    second = {**FIRST, "registration_number": "10107777777", "email": "b@nord.test", "family": "Autre"}
    assert (await post(f"{place}/administrator", **second)).status == 409


async def test_what_is_wrong_is_said_beside_its_field(signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("operator")
    for wrong in (
        {"name": ""},
        {"name": "CHU de la Capitale"},
        {"time_zone": "Mars/Olympus"},
        {"locale": "xx"},
        {"kind": "castle"},
        {"sharing_network": "Not A Name"},
    ):
        answer = await post("/network/establishments", **{**NEW, **wrong})
        assert answer.status == 422, wrong
        assert 'aria-invalid="true"' in await answer.text(), wrong
    place = f"/network/establishments/{cast.organizations['rural'].id}"
    answer = await post(f"{place}/administrator", **{**FIRST, "email": "x"})
    assert (answer.status, 'aria-invalid="true"' in await answer.text()) == (422, True)
    answer = await post(f"{place}/administrator", **{**FIRST, "given": "Jean", "family": "Dubois"})
    assert (answer.status, "confirmed" in await answer.text()) == (409, True)
    assert (await post(f"/network/establishments/{uuid.uuid4()}", **NEW)).status == 404


async def test_keys_are_rotated_with_overlap_or_at_once(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        token = await bearer_of(session, cast.specialist)
    bearer = {"Authorization": f"Bearer {token}"}
    await signed_in("operator")
    assert (await post("/network/keys/rotation")).status == 303
    assert "Still honoured" in await (await client.get("/network/keys")).text()
    assert (await client.get("/consults", headers=bearer)).status == 200
    assert (await post("/network/keys/rotation", at_once="yes")).status == 303
    assert (await client.get("/consults", headers=bearer)).status == 401
    async with transaction(sessions) as session:
        assert len((await session.scalars(select(TokenKey))).all()) == 3


async def test_it_asks_who_one_is(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("operator")
    await wait_three_minutes(sessions)
    place = f"/network/establishments/{cast.organizations['rural'].id}"
    for path, fields in (
        ("/network/establishments", NEW),
        (place, NEW),
        (f"{place}/administrator", FIRST),
        ("/network/keys/rotation", {}),
    ):
        assert (await post(path, **fields)).headers["Location"].startswith("/step-up"), path
