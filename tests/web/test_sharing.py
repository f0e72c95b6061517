"""On the consult's page: who looked at what was shared, taking it back, and the patient's word against it."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def test_who_looked_at_it(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("rural")
    assert "Nobody has looked at it yet" in await (await client.get(f"{path}/readings")).text()
    await signed_in("specialist")
    page = await (await client.get(path)).text()
    assert 'data-testid="excerpt-view"' in page
    assert 'data-testid="sharing"' not in page
    assert (await client.get(f"{path}/readings")).status in (403, 404)
    await signed_in("rural")
    page = await (await client.get(f"{path}/readings")).text()
    assert page.count('data-testid="reading"') == 1
    assert cast.specialist.name in page
    assert "CHU de la Capitale" in page


async def test_who_looked_at_it_after_they_accepted(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("specialist")
    assert 'data-testid="excerpt-view"' in await (await client.get(path)).text()
    await signed_in("rural")
    answer = await client.get(f"{path}/readings")
    assert answer.status == 200
    assert "CHU de la Capitale" in await answer.text()


async def test_taking_it_back(client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("rural")
    assert 'data-testid="revoke-excerpt"' in await (await client.get(path)).text()
    refused = await post(f"{path}/excerpt-revocation", reason=" ")
    assert refused.status == 422
    assert "Give a reason" in await refused.text()
    assert (await post(f"{path}/excerpt-revocation", reason="The wrong file.")).status == 303
    page = await (await client.get(path)).text()
    assert "The wrong file." in page
    assert 'data-testid="revoke-excerpt"' not in page
    assert 'data-testid="withdraw-consent"' in page
    assert (await post(f"{path}/excerpt-revocation", reason="Again.")).status == 409
    await signed_in("specialist")
    page = await (await client.get(path)).text()
    assert 'data-testid="excerpt-view"' not in page
    assert "This excerpt is no longer shared" in page
    assert "stopped sharing the excerpt" in page
    assert (await post(f"{path}/excerpt-revocation", reason="Mine.")).status == 404


async def test_the_patient_no_longer_agrees(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("rural")
    page = await (await client.get(path)).text()
    assert "This is what stops when the patient no longer agrees" in page
    assert (await post(f"{path}/consent-withdrawal", reason="She changed her mind.")).status == 303
    page = await (await client.get(path)).text()
    assert "The consent was withdrawn on" in page
    assert (await client.get(f"{path}/room")).status == 404
    await signed_in("specialist")
    page = await (await client.get(path)).text()
    assert "She changed her mind." in page
    assert 'data-testid="excerpt-view"' not in page
    assert (await client.get(f"{path}/room")).status == 404


async def test_who_stops_treating(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}"
    assert 'data-testid="end-care"' in await (await client.get(path)).text()
    assert (await post(f"{path}/care-relation-end")).status == 303
    assert 'data-testid="care-gate"' in await (await client.get(path)).text()
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert 'data-testid="excerpt-view"' not in page
