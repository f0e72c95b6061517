"""Who may do what to what: every live route × every person of the cast × wherever an id can stand.

For whoever is outside, a thing that exists must look exactly like one that does not: same status, same page, nothing
changed, and the refusal in the audit. Run twice: as the application is, and with its filters open, when nothing but the
database's own wall stands between a person and everybody's rows.
"""

import re
import uuid
from collections.abc import Iterator
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select, true

from signaling.protocol import FROM_CLIENT
from teleconsult.access import Permission, may
from teleconsult.access.rows import seam
from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from teleconsult.tables import metadata
from tests.conftest import SignIn
from tests.house.world import PEOPLE, World, make_world
from tests.people import PASSWORD, Cast
from tests.web.test_hostile_requests import cookie_of
from web.csrf import HEADER, token_for
from web.requests import ANYONE, NEEDS

Client = TestClient[web.Request, web.Application]

NOBODYS: Final = {
    "id": str(uuid.UUID(int=1)), "uid": "1.2.3", "sop": "1.2.3.4", "guest": str(uuid.UUID(int=2)),
}  # fmt: skip
MALFORMED: Final = ("x", "%252e", "00000000-0000-0000-0000-00000000000g", "1" * 300, "'", "é")
CHANGING_ANYWAY: Final = {"audit_event", "audit_chain", "web_session", "sign_in_attempt"}

KINDS: Final = {
    "/account/identities/": "identity",
    "/account/passkeys/": "passkey",
    "/account/sessions/": "session",
    "/account/tokens/": "token",
    "/admin/audit-check/": "check",
    "/admin/endpoints/": "endpoint",
    "/admin/imports/": "import",
    "/admin/people/": "practitioner",
    "/admin/roles/": "role",
    "/admin/services/": "service",
    "/admin/sessions/": "session",
    "/admin/tokens/": "token",
    "/audit/break-glass/": "opening",
    "/break-glass/": "opening",
    "/consults/{id}/guests/{guest}": "guest",
    "/consults/": "consult",
    "/fhir/AuditEvent/": "event",
    "/network/establishments/": "organization",
    "/notes/": "note",
    "/patients/": "patient",
    "/roster/shifts/": "shift",
    "/studies/": "study",
}
"""What the ids in an address name, by how it begins. A route with an id that is not here fails the build."""
SECRETS: Final = {"token"}
"""Places that hold a secret, not an id."""

FIELDS: Final = {
    "reason": "Because consultation is wanted.", "time": "2026-12-24T10:00", "minutes": "30", "version": "1",
    "opinion": "Mine now.", "question": "Mine now?", "consent": "yes", "basis": "patient", "password": PASSWORD,
    "family": "Roy", "given": "Aline", "gender": "female", "return": "home", "kind": "interpreter", "name": "Mine",
    "decision": "justified", "note": "Mine now.", "status": "off", "role": "nurse", "email": "mine@example.test",
    "registration_number": "12345678901", "time_zone": "America/Toronto", "specialty": "", "accept": "yes",
}  # fmt: skip
"""What the forms of all routes ask for, so that nobody is stopped by a missing field."""
FIELDS_OF: Final = {
    "/admin/imports/{id}/decisions": {"all": "accepted"},
    "/audit/break-glass/{id}/decision": {"verdict": "justified"},
    "/break-glass/opening": {"kind": "danger"},
    "/network/establishments/{id}": {"kind": "clinic"},
    "/roster/shifts/{id}/handover": {"role": str(uuid.UUID(int=3))},
}
"""Where a field of that name means something else."""

ELSEWHERE: Final = (
    ("POST", "/consults", "patient_id", "patient"),
    ("GET", "/studies/{uid}", "id", "study"),
    ("POST", "/role", "role", "role"),
    ("POST", "/roster/shifts", "service", "service"),
    ("POST", "/break-glass/opening", "patient_id", "patient"),
    ("GET", "/fhir/AuditEvent", "patient", "patient"),
    ("GET", "/audit", "person", "practitioner"),
)
"""Ids that stand in a form or a query: method, address, field, kind."""


SHARED_BY_THE_WALL: Final = {
    ("rural", "patient elsewhere"),  # who treats a person may know what establishments that share know of them
    ("specialist", "patient"),  # whose consult it is: the patient's identity stands on it
    ("operator", "rural's session"),  # ends sessions anywhere, at the console of the network
    ("operator", "specialist's session"),
}
"""What the wall rightly lets somebody have, and the application does not show at these addresses."""

PAGES: Final = (
    *("/consults/{id}", "/patients/{id}", "/notes/{id}", "/studies/{uid}", "/studies/{uid}/thumbnail"),
    *("/admin/people/{id}", "/admin/imports/{id}", "/network/establishments/{id}", "/fhir/AuditEvent/{id}"),
)
"""What shows a thing to whoever may know of it, in whatever state it is."""


@pytest.fixture
async def world(cast: Cast, sessions: Sessions, settings: Settings) -> World:
    """One of everything."""
    return await make_world(cast, sessions, settings)


@pytest.fixture(params=["filters-on", "filters-off"])
def filters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The application as it is; then with every row filter open, so that the database stands alone."""
    if request.param == "filters-off":
        monkeypatch.setattr(seam, "_wall", lambda _condition: true())
    return str(request.param)


def test_every_route_says_what_it_needs_and_what_its_ids_name(client: Client) -> None:
    needs = client.app[NEEDS]
    for route in client.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if path.startswith(("/static", "/socket.io")):
            continue
        assert route in needs, f"{route.method} {path} does not say what it needs"
        if "{" in path and needs[route] is not ANYONE:
            assert kind_of(path), f"nothing says what the ids of {path} name"


def test_every_permission_is_somebodys_and_every_socket_message_names_one() -> None:
    from teleconsult.access.permissions import OF_ROLE

    given = frozenset[Permission]().union(*OF_ROLE.values())
    assert set(Permission) == given
    for asks in FROM_CLIENT.values():
        assert all(ask.needs in given for ask in asks.values())


@pytest.mark.parametrize("group", [PEOPLE[:5], PEOPLE[5:10], PEOPLE[10:]], ids=" ".join)
async def test_what_is_not_theirs_looks_like_what_is_not_there(
    client: Client,
    sessions: Sessions,
    settings: Settings,
    signed_in: SignIn,
    world: World,
    filters: str,
    group: tuple[str, ...],
) -> None:
    before, tried, deviations = await everything(sessions), 0, []
    for person in group:
        await signed_in(person)
        for method, pattern, kind in routes_with_ids(client.app):
            nothing = await answer(client, settings, method, pattern, NOBODYS)
            tried += 1
            if nothing[0] != 404:
                deviations.append((person, method, pattern, "unknown id", nothing[0]))
            for name, thing in world.items():
                if thing.kind == kind and person not in thing.insiders:
                    seen = await answer(client, settings, method, pattern, {**NOBODYS, **thing.parts})
                    tried += 1
                    if deviates(filters, seen, nothing) and (person, name) not in SHARED_BY_THE_WALL:
                        deviations.append((person, method, pattern, name, seen[0]))
    assert not deviations, filters
    assert await everything(sessions) == before
    async with transaction(sessions) as session:
        denied = await session.scalar(select(func.count()).where(AuditEvent.action == "access-denied"))
    assert denied == tried or filters == "filters-off", "every refusal is in the audit"


@pytest.mark.parametrize("group", [PEOPLE[:7], PEOPLE[7:]], ids=" ".join)
async def test_nor_where_the_id_stands_in_a_form_or_a_query(
    client: Client,
    sessions: Sessions,
    settings: Settings,
    signed_in: SignIn,
    cast: Cast,
    world: World,
    filters: str,
    group: tuple[str, ...],
) -> None:
    before, deviations = await everything(sessions), []
    for person in group:
        await signed_in(person)
        for method, pattern, field, kind in ELSEWHERE:
            nothing = await answer(client, settings, method, pattern, NOBODYS, **{field: NOBODYS["id"]})
            for name, thing in world.items():
                if thing.kind != kind or person in thing.insiders:
                    continue
                parts = {**NOBODYS, **thing.parts}
                seen = await answer(client, settings, method, pattern, parts, **{field: thing.parts["id"]})
                if deviates(filters, seen, nothing) and (person, name) not in SHARED_BY_THE_WALL:
                    deviations.append((person, method, pattern, field, name, seen[0], nothing[0]))
    assert not deviations, filters
    assert await everything(sessions) == before


@pytest.mark.parametrize("group", [PEOPLE[:7], PEOPLE[7:]], ids=" ".join)
async def test_what_is_theirs_is_there(
    client: Client, settings: Settings, signed_in: SignIn, cast: Cast, world: World, group: tuple[str, ...]
) -> None:
    """Else the test above would praise a site that shows nothing."""
    of_route = {pattern_of(route): need for route, need in client.app[NEEDS].items() if route.method == "GET"}
    shown, missing = 0, []
    for person in group:
        await signed_in(person)
        for pattern in PAGES:
            need = of_route[pattern]
            assert isinstance(need, Permission)
            for name, thing in world.items():
                if thing.kind == kind_of(pattern) and person in thing.insiders and may(actor(cast, person), need):
                    status, _body = await answer(client, settings, "GET", pattern, {**NOBODYS, **thing.parts})
                    shown += 1
                    if status not in (200, 303):
                        missing.append((person, name, pattern, status))
    assert not missing
    assert shown > 3


async def test_a_part_belongs_to_its_whole(client: Client, signed_in: SignIn, world: World) -> None:
    """An image one may see is not there under a study it is no part of, nor one's own study under a foreign id."""
    shared, unshared, strangers = (world[f"{name} study"].parts for name in ("shared", "unshared", "stranger's"))
    frame = "/studies/{uid}/instances/{sop}/frames/1/{what}"
    await signed_in("rural")
    for what in ("rendered", "pixels"):
        path = frame.format(**shared, what=what)
        assert (await client.get(path)).status == 200
        assert (await client.get(f"{path}?id={shared['id']}")).status == 200
        assert (await client.get(f"{path}?id={unshared['id']}")).status == 404
        assert (await client.get(f"{path}?id={strangers['id']}")).status == 404
        for whole, part in ((shared, unshared), (unshared, shared), (shared, strangers), (strangers, shared)):
            path = frame.format(uid=whole["uid"], sop=part["sop"], what=what)
            assert (await client.get(path)).status == 404


async def test_a_guest_belongs_to_one_consult(
    client: Client, settings: Settings, signed_in: SignIn, world: World
) -> None:
    """A guest's id is nothing under another consult of the same doctor's."""
    await signed_in("rural")
    parts = {"id": world["accepted consult"].parts["id"], "guest": world["guest"].parts["guest"]}
    for act in ("admission", "revocation"):
        status, _body = await answer(client, settings, "POST", f"/consults/{{id}}/guests/{{guest}}/{act}", parts)
        assert status == 404, act


async def test_an_address_that_is_none(client: Client, settings: Settings, signed_in: SignIn) -> None:
    for person in ("rural", "admin", "privacy", "operator"):
        await signed_in(person)
        for method, pattern, _kind in routes_with_ids(client.app):
            for malformed in MALFORMED:
                status, _body = await answer(client, settings, method, pattern, dict.fromkeys(NOBODYS, malformed))
                assert status == 404, (person, method, pattern, malformed)


async def answer(
    client: Client, settings: Settings, method: str, pattern: str, parts: dict[str, str], **given: str
) -> tuple[int, str]:
    """The status and the page, without what differs from one request to the next."""
    path = pattern.replace(r"{frame:\d{1,6}}", "1").format_map({**parts, "frame": "1"})
    data: object = {**FIELDS, **FIELDS_OF.get(pattern, {}), **given} if method != "GET" else None
    headers = {HEADER: token_for(settings, cookie_of(client)), "Accept": "text/html"}
    if path.endswith("/images") and method == "POST":
        headers["Content-Type"] = "multipart/form-data; boundary=x"
        data = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\na\r\n--x--\r\n'
    query = given if method == "GET" else {}
    found = await client.request(method, path, params=query, data=data, headers=headers, allow_redirects=False)
    body = re.sub(r'(content|value)="[\w=-]{88}"', "", (await found.read()).decode(errors="replace"))
    for name, value in sorted(parts.items(), key=lambda part: -len(part[1])):
        body = body.replace(value, name)
    return found.status, body


def deviates(filters: str, seen: tuple[int, str], nothing: tuple[int, str]) -> bool:
    """As the application is, the answers must be the same. With its filters open, nothing may be shown or done."""
    return seen != nothing if filters == "filters-on" else seen[0] < 400 and seen != nothing


def routes_with_ids(app: web.Application) -> Iterator[tuple[str, str, str]]:
    """Method, pattern and kind of everything that is named by every route that answers the signed in."""
    for route, need in app[NEEDS].items():
        pattern = pattern_of(route)
        if "{" in pattern and need is not ANYONE and route.method != "HEAD":
            yield route.method, pattern, kind_of(pattern)


def pattern_of(route: web.AbstractRoute) -> str:
    """The address with its places: `/consults/{id}`."""
    described: Any = route.get_info()
    return str(described.get("formatter", "")) or (route.resource.canonical if route.resource else "")


def kind_of(pattern: str) -> str:
    """What the ids of an address name; "" where nothing says so."""
    return next((kind for start, kind in KINDS.items() if pattern.startswith(start)), "")


def actor(cast: Cast, person: str) -> Actor:
    """That person; the second neurologist may what the first may."""
    found = getattr(cast, "specialist" if person == "second" else person)
    assert isinstance(found, Actor)
    return found


async def everything(sessions: Sessions) -> dict[str, list[tuple[Any, ...]]]:
    """All rows there are, but those that every request may add to."""
    async with sessions() as session:
        return {
            table.name: [tuple(row) for row in await session.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table.name not in CHANGING_ANYWAY
        }
