"""A consult's page as each person may see it, and the list."""

import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def test_the_specialist_sees_the_excerpt_and_no_way_into_the_file(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    shared = await consult_steps.entry(cast, sessions, "Papilloedema")
    await consult_steps.entry(cast, sessions, "Gout")
    consult = await consult_steps.submitted(cast, sessions, [shared.id])
    await signed_in("specialist")
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert 'data-testid="excerpt-view"' in page
    assert "Papilloedema" in page
    assert "Gout" not in page
    assert "/patients/" not in page
    assert 'data-testid="accept"' in page
    assert 'data-testid="decline"' in page


async def test_a_coordinator_opens_it_into_triage_without_the_excerpt(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("coordinator")
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert 'data-state="triage"' in page
    assert 'data-testid="excerpt-view"' not in page
    assert "BÉLANGER" not in page, "initials are enough to arrange a time"
    assert 'data-testid="time"' in page
    assert 'data-testid="book"' not in page
    async with transaction(sessions) as session:
        actions = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == consult.id)))
    assert {"consult-received", "consult-read"} <= actions


@pytest.mark.parametrize("who", ["colleague", "oncall", "admin", "stranger"])
async def test_for_anyone_else_there_is_nothing(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, who: str
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in(who)
    for address in (consult.id, uuid.uuid4(), "1001", "..%2f"):
        assert (await client.get(f"/consults/{address}")).status == 404


async def test_both_sides_of_a_booked_consult_may_join(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for who in ("rural", "specialist"):
        await signed_in(who)
        page = await (await client.get(f"/consults/{consult.id}")).text()
        assert 'data-testid="join-room"' in page, who
        assert "Blanc-Sablon" in page
        assert "Toronto" in page
        assert ('data-testid="open-note"' in page) == (who == "specialist")
    await signed_in("coordinator")
    assert 'data-testid="join-room"' not in await (await client.get(f"/consults/{consult.id}")).text()


async def test_the_frame_alone_reads_no_excerpt(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("specialist")
    answer = await client.get(f"/consults/{consult.id}", headers={"Turbo-Frame": "progress"})
    page = await answer.text()
    assert '<turbo-frame id="progress"' in page
    assert "<html" not in page
    async with transaction(sessions) as session:
        read = select(AuditEvent.id).where(AuditEvent.action == "excerpt-read")
        assert await session.scalar(read) is None


async def test_the_list_is_filtered_and_paged(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    entry = await consult_steps.entry(cast, sessions)
    numbers = [(await consult_steps.submitted(cast, sessions, [entry.id])).number for _ in range(32)]
    await signed_in("rural")
    first = await (await client.get("/consults", params={"standing": "open"})).text()
    assert f">No. {numbers[-1]}<" in first
    assert f">No. {numbers[0]}<" not in first
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert f">No. {numbers[0]}<" in await (await client.get(older)).text()
    assert "No." not in await (await client.get("/consults", params={"standing": "draft"})).text()


@pytest.mark.parametrize("before", ["yesterday", "2026-01-01_1", "9999-12-31T23:59:59-12:00_x", "2026-01-01T00:00:00"])
async def test_a_broken_cursor_names_nothing(client: Client, cast: Cast, signed_in: SignIn, before: str) -> None:
    await signed_in("rural")
    assert (await client.get("/consults", params={"before": before})).status == 404
