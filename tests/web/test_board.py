"""The coordinator's board: promises, filters, and one act on many."""

import uuid
from collections.abc import Sequence

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def states(cast: Cast, sessions: Sessions, consults: Sequence[ServiceRequest]) -> list[ConsultState]:
    async with transaction(sessions) as session:
        return [state_of(await consult_for(session, cast.rural, consult.id)) for consult in consults]


async def test_it_is_narrowed_and_says_what_was_promised(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    one, other = [await consult_steps.submitted(cast, sessions) for _ in range(2)]
    await signed_in("coordinator")
    page = await (await client.get("/")).text()
    assert page.count('data-testid="board-card"') == 2
    assert page.count('data-promise="in-time"') == 2
    for query, found in (
        (f"text={one.number}", {one}),
        ("text=lying+down", {one, other}),
        ("text=100%25", set()),
        ("urgency=routine", set()),
        ("urgency=urgent", {one, other}),
        (f"service={cast.trauma.id}", set()),
        (f"service={cast.neurology.id}&house={cast.rural.organization_id}", {one, other}),
        (f"house={uuid.uuid4()}", set()),
        ("service=nonsense&urgency=nonsense&text=", {one, other}),
    ):
        page = await (await client.get(f"/?{query}")).text()
        assert {consult for consult in (one, other) if f'data-consult="{consult.id}"' in page} == found, query


async def test_more_requests_are_no_more_queries(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, engine: AsyncEngine
) -> None:
    asked: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    await consult_steps.submitted(cast, sessions)
    await signed_in("coordinator")
    counts = []
    for _ in range(2):
        await client.get("/")  # what is remembered of who asks is remembered now
        asked.clear()
        assert (await client.get("/")).status == 200
        counts.append(len(asked))
        for _more in range(4):
            await consult_steps.submitted(cast, sessions)
    assert counts[0] == counts[1]


async def test_many_are_received_assigned_and_sent_on_at_once(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consults = [await consult_steps.submitted(cast, sessions) for _ in range(2)]
    accepted = await consult_steps.accepted(cast, sessions)
    both = [str(consult.id) for consult in consults]
    await signed_in("coordinator")
    answer = await post("/board", consults=both, sort="receive", asked_urgency="urgent")
    assert (answer.status, answer.headers["Location"]) == (303, "/?urgency=urgent")
    assert await states(cast, sessions, consults) == [ConsultState.TRIAGE] * 2
    everything = [*both, str(accepted.id), str(uuid.uuid4())]
    assert (await post("/board", consults=everything, sort="assign", specialist=str(cast.specialist.role_id))).ok
    async with transaction(sessions) as session:
        for consult in consults:
            task = (await consult_for(session, cast.coordinator, consult.id)).task
            assert task
            assert task.assigned_role_id == cast.specialist.role_id
    await post("/board", consults=everything, sort="redirect", service=str(cast.trauma.id), reason="Fractures")
    assert await states(cast, sessions, consults) == [ConsultState.REDIRECTED] * 2
    assert await states(cast, sessions, [accepted]) == [ConsultState.ACCEPTED], "taken from nobody"


async def test_what_is_wrong_changes_nothing(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    ticked = str(consult.id)
    await signed_in("coordinator")
    for wrong in (
        {"sort": "receive"},
        {"consults": "nonsense", "sort": "receive"},
        {"consults": ticked, "sort": "burn"},
        {"consults": ticked, "sort": "redirect", "service": str(cast.trauma.id), "reason": " "},
        {"consults": ticked, "sort": "assign", "specialist": str(cast.rural.role_id)},
    ):
        assert (await post("/board", **wrong)).status == 303
        assert 'data-testid="flash"' in await (await client.get("/")).text(), wrong
    assert await states(cast, sessions, [consult]) == [ConsultState.SUBMITTED]
    for nobody in ("rural", "specialist", "admin", "stranger"):
        await signed_in(nobody)
        assert (await post("/board", consults=ticked, sort="receive")).status == 404
