"""Who may do what to what: every live route × every person of the cast × wherever an id can stand.

For whoever is outside, a thing that exists must look exactly like one that does not: same status, same page, nothing
changed, and the refusal in the audit. Run twice: as the application is, and with its filters open, when nothing but the
database's own wall stands between a person and everybody's rows.
"""

from collections import defaultdict
from itertools import cycle
from typing import Final

import pytest
from sqlalchemy import func, select

from signaling.protocol import FROM_CLIENT
from teleconsult.access import Permission, may
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.house.asking import (
    NOBODYS,
    PAGES,
    SHARED_BY_THE_WALL,
    Client,
    actor,
    answer,
    deviates,
    everything,
    kind_of,
    pattern_of,
    routes_with_ids,
)
from tests.house.world import PEOPLE, Thing, World
from tests.people import Cast
from web.requests import ANYONE, NEEDS

pytestmark = pytest.mark.matrix

MALFORMED: Final = ("x", "%252e", "00000000-0000-0000-0000-00000000000g", "1" * 300, "'", "é")
NAMES_WHAT_IS_SENT: Final = {("POST", "/dicomweb/studies/{uid}")}
"""The UID is the sender's own, of a study that need not be here: `tests/web/test_stow.py` asks what they hear."""
ELSEWHERE: Final = (
    ("POST", "/consults", "patient_id", "patient"),
    ("GET", "/studies/{uid}", "id", "study"),
    ("POST", "/role", "role", "role"),
    ("POST", "/roster/shifts", "service", "service"),
    ("POST", "/break-glass/opening", "patient_id", "patient"),
    ("GET", "/fhir/AuditEvent", "patient", "patient"),
    ("GET", "/fhir/{type}", "patient", "patient"),
    ("GET", "/audit", "person", "practitioner"),
)
"""Ids that stand in a form or a query: method, address, field, kind."""


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


def of_role(cast: Cast, person: str, need: Permission | None) -> bool:
    """Whether the person's role has any part in what a route needs."""
    return need is not ANYONE and may(actor(cast, person), need)


def foreign(world: World, person: str, kind: str) -> list[tuple[str, Thing]]:
    """The things of a kind that are not for that person to know of, by name."""
    return [(name, thing) for name, thing in world.items() if thing.kind == kind and person not in thing.insiders]


FEW: Final = tuple(PEOPLE[at : at + 2] for at in range(0, len(PEOPLE), 2))
"""No test of many minutes on a slow machine, and none that the other workers wait for at the end."""


@pytest.mark.parametrize("group", FEW, ids=" ".join)
async def test_what_is_not_theirs_looks_like_what_is_not_there(
    client: Client,
    sessions: Sessions,
    settings: Settings,
    signed_in: SignIn,
    cast: Cast,
    world: World,
    group: tuple[str, ...],
) -> None:
    before, tried, deviations = await everything(sessions), 0, []
    needs = {(route.method, pattern_of(route)): need for route, need in client.app[NEEDS].items()}
    for person in group:
        await signed_in(person)
        for method, pattern, kind in routes_with_ids(client.app):
            has_part = of_role(cast, person, needs[method, pattern])
            if (method, pattern) in NAMES_WHAT_IS_SENT and has_part:
                continue
            nothing = await answer(client, settings, method, pattern, NOBODYS)
            tried += 1
            if nothing[0] != 404:
                deviations.append((person, method, pattern, "unknown id", nothing[0]))
            outside = foreign(world, person, kind)
            # Whose role has no part in a route is refused before any id is read: one thing shows it.
            for name, thing in outside if has_part else outside[:1]:
                seen = await answer(client, settings, method, pattern, {**NOBODYS, **thing.parts})
                tried += 1
                if seen != nothing and (person, name) not in SHARED_BY_THE_WALL:
                    deviations.append((person, method, pattern, name, seen[0]))
    assert not deviations
    assert await everything(sessions) == before
    async with transaction(sessions) as session:
        denied = await session.scalar(select(func.count()).where(AuditEvent.action == "access-denied"))
    assert denied == tried, "every refusal is in the audit"


@pytest.mark.usefixtures("no_filters")
@pytest.mark.parametrize("group", FEW, ids=" ".join)
async def test_the_wall_alone_shows_and_does_nothing(
    client: Client,
    sessions: Sessions,
    settings: Settings,
    signed_in: SignIn,
    cast: Cast,
    world: World,
    group: tuple[str, ...],
) -> None:
    """The wall decides row by row, whatever the route: the routes of a kind share its things among them."""
    before, deviations = await everything(sessions), []
    needs = {(route.method, pattern_of(route)): need for route, need in client.app[NEEDS].items()}
    for person in group:
        await signed_in(person)
        theirs = defaultdict(list)
        for method, pattern, kind in routes_with_ids(client.app):
            if of_role(cast, person, needs[method, pattern]) and (method, pattern) not in NAMES_WHAT_IS_SENT:
                theirs[kind].append((method, pattern))
        for kind, routes in theirs.items():
            outside = foreign(world, person, kind)
            for at in range(max(len(routes), len(outside)) if outside else 0):
                (method, pattern), (name, thing) = routes[at % len(routes)], outside[at % len(outside)]
                seen = await answer(client, settings, method, pattern, {**NOBODYS, **thing.parts})
                if seen[0] < 400 and (person, name) not in SHARED_BY_THE_WALL:
                    nothing = await answer(client, settings, method, pattern, NOBODYS)
                    if seen != nothing:
                        deviations.append((person, method, pattern, name, seen[0]))
    assert not deviations
    assert await everything(sessions) == before


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
    # Officers first: later they find in the log what the others tried, of ids that exist and of such as do not.
    for person in sorted(group, key=lambda person: not person.startswith("privacy")):
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


async def test_an_address_that_is_none(client: Client, settings: Settings, signed_in: SignIn, cast: Cast) -> None:
    """Asked by somebody who may do such a thing, so that it is the view that refuses; what is malformed takes turns."""
    needs = {(route.method, pattern_of(route)): need for route, need in client.app[NEEDS].items()}
    routes = {(method, pattern) for method, pattern, _kind in routes_with_ids(client.app)}
    turns = cycle(MALFORMED)
    for person in ("rural", "specialist", "coordinator", "admin", "privacy", "operator"):
        theirs = {asked for asked in routes if of_role(cast, person, needs[asked])}
        routes -= theirs
        await signed_in(person)
        for method, pattern in sorted(theirs):
            for malformed in (next(turns), next(turns)):
                status, _body = await answer(client, settings, method, pattern, dict.fromkeys(NOBODYS, malformed))
                assert status == 404, (person, method, pattern, malformed)
    assert not routes, "nobody tried these"
