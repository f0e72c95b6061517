"""Sharing more with a consult under way, and reading what was shared before."""

import re
import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


def path_of(consult: ServiceRequest) -> str:
    return f"/consults/{consult.id}"


async def test_more_is_shared_and_both_read_the_newest(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    await signed_in("rural")
    page = await (await client.get(path_of(consult))).text()
    assert 'data-testid="share-more"' in page
    page = await (await client.get(f"{path_of(consult)}/excerpt-versions")).text()
    assert page.count('data-testid="excerpt-item"') == 1, "what is shared already is not offered"
    assert "One entry is shared already" in page
    answer = await post(f"{path_of(consult)}/excerpt-versions", version="1", entries=str(more.id))
    assert (answer.status, answer.headers["Location"]) == (303, path_of(consult))
    for who in ("rural", "specialist"):
        await signed_in(who)
        for address in (path_of(consult), f"{path_of(consult)}/room"):
            page = await (await client.get(address)).text()
            assert "Seizure" in page
            assert page.count('data-testid="excerpt-new"') == 1
            assert re.search(r"Version 2 of [^<]+, one added", page)
            assert ("shared more of the file" in page) is (address == path_of(consult)), "what has happened says it"
        page = await (await client.get(f"{path_of(consult)}/excerpt", params={"version": "1"})).text()
        assert "This is an earlier version." in page
        assert "Headache" in page
        assert "Seizure" not in page


@pytest.mark.parametrize("version", ["", "0", "3", "x", "9" * 30])
async def test_there_is_no_such_version(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, version: str
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("specialist")
    assert (await client.get(f"{path_of(consult)}/excerpt", params={"version": version})).status == 404


async def test_a_search_takes_along_what_is_ticked(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    ticked = await consult_steps.entry(cast, sessions, "Seizure")
    await consult_steps.entry(cast, sessions, "Fever")
    await signed_in("rural")
    answer = await post(
        f"{path_of(consult)}/excerpt-versions", version="1", entries=str(ticked.id), then="search", q="fever"
    )
    assert answer.status == 303
    page = await (await client.get(answer.headers["Location"])).text()
    assert re.findall(r'value="([0-9a-f-]{36})" checked', page) == [str(ticked.id)]
    assert page.count('data-testid="excerpt-item"') == 2


async def test_what_is_wrong_is_said_on_the_page(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    await signed_in("rural")
    path = f"{path_of(consult)}/excerpt-versions"
    answer = await post(path, version="1")
    assert answer.status == 422
    assert "Choose at least one entry that is not shared yet." in await answer.text()
    for wrong in ({"entries": "x"}, {"entries": str(uuid.uuid4())}, {"version": "9" * 30}):
        assert (await post(path, **wrong)).status == 422, wrong
    assert (await post(path, version="1", entries=str(more.id))).status == 303
    assert (await post(path, version="1", entries=str(more.id))).status == 409, "twice"
    assert (await client.get(f"{path}?entries=x")).status == 422


async def test_who_else_may_not(client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    for who in ("specialist", "coordinator", "nurse", "stranger", "colleague"):
        await signed_in(who)
        assert (await client.get(f"{path_of(consult)}/excerpt-versions")).status == 404, who
        answer = await post(f"{path_of(consult)}/excerpt-versions", entries=str(more.id))
        assert answer.status == 404, who


async def test_after_the_consent_is_withdrawn_nothing_is_offered(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason="The patient says no.")
    await signed_in("rural")
    assert 'data-testid="share-more"' not in await (await client.get(path_of(consult))).text()
    assert (await client.get(f"{path_of(consult)}/excerpt-versions")).status == 409


async def test_the_room_looks_again_by_its_parts(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    await signed_in("rural")
    await post(f"{path_of(consult)}/excerpt-versions", entries=str(more.id))
    await signed_in("specialist")
    for frame, words in (("shown-excerpt", "Seizure"), ("shown-studies", "No images were shared")):
        part = await (await client.get(f"{path_of(consult)}/room", headers={"Turbo-Frame": frame})).text()
        assert part.lstrip().startswith(f'<turbo-frame id="{frame}"')
        assert words in part
        assert "local-video" not in part
