"""What a token opens: every live route × every role × every purpose, and nothing that its owner may not do.

Machines use the pages' own addresses, FHIR included; a token acts in one role and is narrowed by its purposes.
"""

import pytest

from teleconsult.access import Permission, Purpose, may
from teleconsult.access.permissions import OF_PURPOSE, purposes_for
from teleconsult.db import Sessions, transaction
from tests.house.asking import NOBODYS, PAGES, SHARED_BY_THE_WALL, Client, actor, everything, kind_of, pattern_of
from tests.house.world import PEOPLE, World
from tests.people import Cast, bearer_of
from web.requests import ANYONE, NEEDS

pytestmark = pytest.mark.matrix

ONE_OF_EACH_ROLE = ("rural", "nurse", "secretary", "privacy", "coordinator", "specialist", "admin", "operator")
OWNERS = tuple(person for person in PEOPLE if person != "second")  # who has the first neurologist's part in `actor`
MADE_ANYWAY: dict[str, list[tuple[object, ...]]] = {"issued_token": [], "token_key": []}


@pytest.mark.parametrize("person", ONE_OF_EACH_ROLE)
async def test_a_token_opens_what_its_role_and_its_purpose_both_allow(
    client: Client, sessions: Sessions, cast: Cast, person: str
) -> None:
    """Every route under one purpose, and under each purpose a route of every need: the need alone is what decides."""
    before, deviations, asked = await everything(sessions), [], set()
    purposes = tuple(purposes_for(actor(cast, person).role) or Purpose)
    for turn, purpose in enumerate(purposes):
        async with transaction(sessions) as session:
            bearer = await bearer_of(session, actor(cast, person), purpose)
        for place, (route, need) in enumerate(client.app[NEEDS].items()):
            if need is ANYONE or route.method == "HEAD":
                continue
            assert isinstance(need, Permission)
            if (purpose, need) in asked and place % len(purposes) != turn:
                continue
            asked.add((purpose, need))
            allowed = need in OF_PURPOSE[purpose] and may(actor(cast, person), need)
            pattern = pattern_of(route)
            if allowed and ("{" in pattern or route.method != "GET"):
                continue  # what stands behind it is asked below, and by the tests of each act
            status = await status_of(client, route.method, pattern, bearer, NOBODYS)
            if (status in (200, 204, 303, 406)) is not allowed or (not allowed and status != 404):
                deviations.append((purpose.value, route.method, pattern, status))
    assert not deviations
    after = await everything(sessions)
    assert {**after, **MADE_ANYWAY} == {**before, **MADE_ANYWAY}


@pytest.mark.parametrize("group", [OWNERS[:7], OWNERS[7:]], ids=" ".join)
async def test_a_token_sees_nothing_that_is_not_its_owners(
    client: Client, sessions: Sessions, cast: Cast, world: World, filters: str, group: tuple[str, ...]
) -> None:
    deviations = []
    for person in group:
        async with transaction(sessions) as session:
            bearer = await bearer_of(session, actor(cast, person))
        for pattern in PAGES:
            for name, thing in world.items():
                if thing.kind != kind_of(pattern) or person in thing.insiders:
                    continue
                if filters == "filters-off" and (person, name) in SHARED_BY_THE_WALL:
                    continue
                status = await status_of(client, "GET", pattern, bearer, {**NOBODYS, **thing.parts})
                if status != 404 and (filters == "filters-on" or status < 400):
                    deviations.append((person, pattern, name, status))
    assert not deviations


async def status_of(client: Client, method: str, pattern: str, bearer: str, parts: dict[str, str]) -> int:
    """What that address answers to that token."""
    path = pattern.replace(r"{frame:\d{1,6}}", "1").format_map({**parts, "frame": "1"})
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "text/html"}
    data = {"token": "x"} if method != "GET" else None
    found = await client.request(method, path, headers=headers, data=data, allow_redirects=False)
    return found.status
