"""The administrator's console: theirs alone, of their own establishment alone."""

import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import RoleCode
from teleconsult.settings import Settings
from tests.conftest import Post, SignIn
from tests.people import Cast, another_person
from web.app import make_app

Client = TestClient[web.Request, web.Application]

PAGES = (
    "/admin",
    "/admin/people",
    "/admin/people/new",
    "/admin/services",
    "/admin/endpoints",
    "/admin/dicom",
    "/admin/pacs",
    "/admin/hl7",
    "/admin/fhir-clients",
    "/admin/sessions",
    "/admin/tokens",
    "/admin/retention",
    "/admin/imports",
    "/admin/mailboxes",
    "/admin/mailboxes/questions",
)
POSTS = (
    *("/admin/people", "/admin/services", "/admin/endpoints", "/admin/hl7", "/admin/retention"),
    *(f"/admin/{kind}{path}" for kind in ("dicom", "pacs") for path in ("", "-trial", "/{id}")),
    *(f"/admin/{kind}/{{id}}/{act}" for kind in ("dicom", "pacs") for act in ("status", "trial")),
    "/admin/pacs/{id}/test",
    *(f"/admin/people/{{id}}/{act}" for act in ("invitation", "roles", "disabling", "enabling")),
    *(f"/admin/people/{{id}}/{act}" for act in ("sessions-end", "factor-reset")),
    *("/admin/roles/{id}/ending", "/admin/services/{id}/opening", "/admin/services/{id}/closing"),
    *("/admin/services/{id}/telephone", "/admin/services/{id}/pace", "/admin/services/{id}/promise"),
    "/admin/services/{id}/next",
    *("/admin/endpoints/{id}/status", "/admin/endpoints/{id}/notes", "/admin/dictation"),
    *("/admin/sessions/{id}/ending", "/admin/tokens/{id}/revocation", "/admin/signing-keys/{id}/revocation"),
    *("/admin/fhir-clients", "/admin/fhir-clients/{id}", "/admin/fhir-clients/{id}/status"),
    *("/admin/mailboxes", "/admin/mailboxes/number", "/admin/mailboxes/questions"),
    *(f"/admin/mailbox-imports/{{id}}/{act}" for act in ("decisions", "cancellation")),
    *("/admin/imports/{id}/decisions", "/admin/hl7/{id}/status", "/admin/hl7-messages/{id}/seen"),
)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_opens_for_the_administrator(client: Client, signed_in: SignIn, path: str) -> None:
    await signed_in("admin")
    answer = await client.get(path)
    assert answer.status == 200
    assert 'aria-current="page"' in await answer.text()


@pytest.mark.parametrize("who", ["rural", "nurse", "specialist", "coordinator", "secretary", "privacy", "operator"])
async def test_nobody_else_finds_any_of_it(client: Client, signed_in: SignIn, post: Post, who: str) -> None:
    await signed_in(who)
    for path in PAGES:
        assert (await client.get(path)).status == 404, path
    for path in POSTS:
        assert (await post(path.format(id=uuid.uuid4()))).status == 404, path


def test_no_route_of_the_console_was_forgotten_here(settings: Settings) -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in make_app(settings).router.routes()
        if route.resource and route.resource.canonical.startswith("/admin") and route.method in ("GET", "POST")
    }
    listed = {("GET", path) for path in PAGES} | {("POST", path) for path in POSTS}
    assert {(method, path) for method, path in routes - listed if not path.startswith("/admin/audit-check")} == {
        ("GET", "/admin/dicom/{id}"),
        ("GET", "/admin/endpoints/{id}/notes"),
        ("GET", "/admin/fhir-clients/{id}"),
        ("GET", "/admin/mailbox-imports/{id}"),
        ("GET", "/admin/hl7-messages/{id}"),
        ("GET", "/admin/imports/{id}"),
        ("GET", "/admin/pacs/{id}"),
        ("GET", "/admin/people/{id}"),
        ("POST", "/admin/imports"),
    }


async def test_anothers_people_roles_services_and_sessions_are_like_unknown_ids(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        stranger = await another_person(session, cast, "elsewhere", RoleCode.ADMINISTRATOR)
    await signed_in("admin")
    person = f"/admin/people/{stranger.practitioner_id}"
    assert (await client.get(person)).status == 404
    for path in (
        f"{person}/invitation",
        f"{person}/disabling",
        f"{person}/enabling",
        f"{person}/sessions-end",
        f"{person}/factor-reset",
        f"/admin/roles/{stranger.role_id}/ending",
    ):
        assert (await post(path)).status == 404, path
    assert (await post(f"{person}/roles", role="doctor")).status == 404


async def test_the_overview_counts_and_says_who_is_on_duty(client: Client, signed_in: SignIn) -> None:
    await signed_in("admin")
    page = await (await client.get("/")).text()
    assert "6</span>" in page, "people who work there"
    assert "On duty now" in page
    assert "Nobody" in page
    assert "Tremblay" not in page, "another establishment's people are not theirs to see"
