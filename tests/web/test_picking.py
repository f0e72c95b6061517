"""The list of entries in the form of a request, without a script: what is suggested, older entries, a search."""

import re
import uuid
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import insert

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.records.models import RecordEntry
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def begun(cast: Cast, signed_in: SignIn, post: Post) -> str:
    """The path of a draft the rural doctor has just begun."""
    await signed_in("rural")
    answer = await post("/consults", patient_id=str(cast.patient.id))
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def visits(cast: Cast, sessions: Sessions, count: int) -> None:
    """Visits, one a day, back from today; the last one is the newest visit."""
    moment = now()
    async with transaction(sessions) as session:
        await session.execute(
            insert(RecordEntry),
            [
                {
                    "patient_id": cast.patient.id,
                    "organization_id": cast.patient.organization_id,
                    "recorded_at": moment,
                    "effective_at": moment - timedelta(days=number),
                    "author_name": "x",
                    "resource_type": "Encounter",
                    "title": f"Visit {number}",
                    "searched": f"visit {number}",
                    "resource": {"resourceType": "Encounter"},
                }
                for number in range(count)
            ],
        )


def ticked(page: str) -> list[str]:
    return re.findall(r'value="([0-9a-f-]{36})" checked', page)


def entry_of(page: str, title: str) -> str:
    found = re.search(rf'name="entries" value="([^"]+)"[^>]*>\s*<span class="strong">{title}[ <]', page)
    assert found, title
    return found[1]


async def test_a_service_brings_its_suggestion(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await visits(cast, sessions, 3)
    path = await begun(cast, signed_in, post)
    page = await (await client.get(path)).text()
    assert ticked(page) == []
    assert "Choose a service: what it usually needs" in page
    answer = await post(f"{path}/draft", version="1", service=str(cast.neurology.id), suggested_for="", then="check")
    assert answer.headers["Location"] == f"{path}#file"
    page = await (await client.get(path)).text()
    assert ticked(page) == [entry_of(page, "Visit 0")]
    assert "Suggested for Neurology: 1 of 3 entries." in page
    assert 'name="suggested_for" value="neurology"' in page
    assert "take-suggestion" not in page


async def test_what_was_done_by_hand_stays_and_can_be_undone(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await visits(cast, sessions, 3)
    path = await begun(cast, signed_in, post)
    page = await (await client.get(path)).text()
    old = entry_of(page, "Visit 2")
    await post(f"{path}/draft", service=str(cast.neurology.id), suggested_for="", entries=old)
    page = await (await client.get(path)).text()
    newest = entry_of(page, "Visit 0")
    assert ticked(page) == [newest, old]
    assert "You changed one." in page
    await post(f"{path}/draft", service=str(cast.trauma.id), suggested_for="neurology", entries=old)
    page = await (await client.get(path)).text()
    assert ticked(page) == [old], "the visit was unticked by hand"
    assert "You changed 2." in page
    await post(f"{path}/draft", service=str(cast.trauma.id), suggested_for="trauma", entries=old, then="suggest")
    page = await (await client.get(path)).text()
    assert ticked(page) == [newest]
    assert "You changed" not in page


async def test_the_script_hears_for_whom_is_suggested_and_asks_for_the_list(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await visits(cast, sessions, 1)
    path = await begun(cast, signed_in, post)
    page = await (await client.get(path)).text()
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert token
    answer = await client.patch(
        f"{path}/draft",
        data={"version": "1", "service": str(cast.neurology.id), "suggested_for": ""},
        headers={"Accept": "application/json", "X-CSRF-Token": token[1]},
    )
    assert (await answer.json())["suggested_for"] == "neurology"
    part = await (await client.get(path, headers={"Turbo-Frame": "choice"})).text()
    assert part.lstrip().startswith('<turbo-frame id="choice"')
    assert 'data-picker-version-value="2"' in part
    assert len(ticked(part)) == 1


async def test_older_entries_and_a_search_lose_nothing_that_is_chosen(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await visits(cast, sessions, 230)
    path = await begun(cast, signed_in, post)
    page = await (await client.get(path)).text()
    assert page.count('data-testid="excerpt-item"') == 200
    cursor = re.search(r'name="before" value="([^"]+)"', page)
    assert cursor
    newest = entry_of(page, "Visit 7")
    answer = await post(f"{path}/draft", suggested_for="", entries=newest, before=cursor[1])
    older = await (await client.get(answer.headers["Location"])).text()
    assert older.count('data-testid="excerpt-item"') == 31
    assert ticked(older) == [newest]
    assert 'data-testid="older-entries"' not in older
    oldest = entry_of(older, "Visit 229")
    day = (now() - timedelta(days=200)).date().isoformat()
    answer = await post(
        f"{path}/draft",
        **{
            "suggested_for": "",
            "entries": oldest,
            "then": "search",
            "q": "visit 21",
            "until": day,
            "kind": "encounters",
        },
    )
    assert dict(parse_qsl(urlsplit(answer.headers["Location"]).query)) == {
        "q": "visit 21",
        "until": day,
        "kind": "encounters",
    }
    found = await (await client.get(answer.headers["Location"])).text()
    assert ticked(found) == [oldest], "newest was unticked by the form that came last"
    assert found.count('data-testid="excerpt-item"') == 11
    assert 'value="visit 21"' in found


@pytest.mark.parametrize(
    ("query", "status"),
    [("before=x", 404), ("kind=spells", 404), ("since=yesterday", 200), ("since=2026-03-01&until=2026-01-01", 200)],
)
async def test_a_list_that_cannot_be(
    client: Client, cast: Cast, signed_in: SignIn, post: Post, sessions: Sessions, query: str, status: int
) -> None:
    await visits(cast, sessions, 1)
    path = await begun(cast, signed_in, post)
    answer = await client.get(f"{path}?{query}")
    assert answer.status == status
    if status == 200:
        assert 'class="field-error"' in await answer.text()


async def test_hostile_suggestions_are_refused(cast: Cast, signed_in: SignIn, post: Post) -> None:
    path = await begun(cast, signed_in, post)
    for wrong in ({"suggested_for": "witchcraft"}, {"suggested_for": "", "entries": "x"}):
        assert (await post(f"{path}/draft", **wrong)).status == 422, wrong
    unknown = str(uuid.uuid4())
    assert (await post(f"{path}/draft", suggested_for="", entries=unknown)).status == 303


async def test_what_the_specialty_asks_for_first_is_marked(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    thinner = await consult_steps.entry(cast, sessions, "Warfarine au long cours")
    path = await begun(cast, signed_in, post)
    await post(f"{path}/draft", service=str(cast.neurology.id), suggested_for="", entries=str(thinner.id))
    page = await (await client.get(path)).text()
    row = page[page.index(f'value="{thinner.id}" checked') :]
    assert re.search(r"Warfarine au long cours <span class=.badge badge-accent.>Anticoagulants", row[:600])
