"""Each role's home."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def test_the_rural_doctor_begins_with_a_patient(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    page = await (await client.get("/")).text()
    assert 'href="/patients"' in page


async def test_the_rural_doctor_finds_drafts_and_sessions(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    booked = await consult_steps.booked(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    page = await (await client.get("/")).text()
    assert f'href="/consults/{draft.id}"' in page
    assert f'href="/consults/{booked.id}/room"' in page


async def test_the_board_shows_cards_without_names(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("coordinator")
    page = await (await client.get("/")).text()
    assert 'data-testid="board"' in page
    assert 'data-testid="board-card"' in page
    assert f'href="/consults/{consult.id}"' in page
    assert "BÉLANGER" not in page
    assert "R.B." in page
    part = await (await client.get("/", headers={"Turbo-Frame": "home"})).text()
    assert "<html" not in part
    assert 'data-testid="board-card"' in part


async def test_the_worklist_is_the_specialtys(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await consult_steps.submitted(cast, sessions)
    await signed_in("specialist")
    assert 'data-testid="worklist-row"' in await (await client.get("/")).text()
    await signed_in("oncall")
    page = await (await client.get("/")).text()
    assert 'data-testid="worklist"' in page
    assert 'data-testid="worklist-row"' not in page


async def test_the_administrator_sees_no_consult(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await consult_steps.submitted(cast, sessions)
    await signed_in("admin")
    page = await (await client.get("/")).text()
    assert 'href="/admin"' in page
    assert "/consults/" not in page
    assert "No." not in await (await client.get("/consults")).text()
