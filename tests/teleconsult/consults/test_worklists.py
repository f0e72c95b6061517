"""The lists people work from."""

import pytest
from sqlalchemy import event

from teleconsult.consults.answering import decline_consult
from teleconsult.consults.drafting import Request, start_draft
from teleconsult.consults.history import history_of
from teleconsult.consults.models import RequestPriority
from teleconsult.consults.queries import consult_for
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.states import state_of
from teleconsult.consults.triage import cancel_consult
from teleconsult.consults.worklists import (
    Cursor,
    Standing,
    consults_page,
    coordinator_board,
    own_requests,
    specialist_worklist,
)
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from tests import consult_steps
from tests.people import Cast


async def test_the_most_urgent_comes_first(cast: Cast, sessions: Sessions) -> None:
    numbers = {}
    for priority in (RequestPriority.ROUTINE, RequestPriority.STAT, RequestPriority.URGENT):
        async with transaction(sessions) as session:
            draft = await start_draft(session, cast.rural, patient_id=cast.patient.id)
            request = consult_steps.request(cast)
            whole = Request(request.service_id, priority, request.question, (), request.consent)
            numbers[priority] = (await submit_request(session, cast.rural, consult_id=draft.id, request=whole)).number
    expected = [numbers[RequestPriority.STAT], numbers[RequestPriority.URGENT], numbers[RequestPriority.ROUTINE]]
    async with transaction(sessions) as session:
        assert [row.number for row in await coordinator_board(session, cast.coordinator)] == expected
        assert [row.number for row in await specialist_worklist(session, cast.specialist)] == expected
        assert await specialist_worklist(session, cast.oncall) == []
        assert await coordinator_board(session, cast.rural) == []


async def test_what_one_declined_is_no_longer_on_ones_list(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        await decline_consult(session, cast.specialist, consult_id=consult.id, reason="Not mine")
    async with transaction(sessions) as session:
        assert await specialist_worklist(session, cast.specialist) == []
        assert len(await coordinator_board(session, cast.coordinator)) == 1


async def test_what_is_cancelled_leaves_every_list(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        assert [row.id for row in await own_requests(session, cast.rural)] == [consult.id]
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="Better")
    async with transaction(sessions) as session:
        assert await own_requests(session, cast.rural) == []
        assert await coordinator_board(session, cast.coordinator) == []
        assert await specialist_worklist(session, cast.specialist) == []
        closed, _older = await consults_page(session, cast.specialist, standing=Standing.CLOSED)
        assert [row.id for row in closed] == [consult.id]


async def test_the_board_costs_the_same_for_one_and_for_many(cast: Cast, sessions: Sessions) -> None:
    entry = await consult_steps.entry(cast, sessions)
    counts = []
    for _ in range(2):
        await consult_steps.submitted(cast, sessions, [entry.id])
        async with transaction(sessions) as session:
            statements: list[str] = []
            connection = (await session.connection()).sync_connection

            def count(*args: object, seen: list[str] = statements) -> None:
                seen.append(str(args[2]))

            event.listen(connection, "before_cursor_execute", count)
            for row in await coordinator_board(session, cast.coordinator):
                state_of(row)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 3


async def test_each_standing_finds_its_own(cast: Cast, sessions: Sessions) -> None:
    submitted = await consult_steps.submitted(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        for standing, expected in (
            (Standing.DRAFT, [draft.id]),
            (Standing.OPEN, [submitted.id]),
            (Standing.ANSWERED, []),
            (Standing.CLOSED, []),
            (None, [draft.id, submitted.id]),
        ):
            found, older = await consults_page(session, cast.rural, standing=standing)
            assert [row.id for row in found] == expected
            assert older is None


def test_a_cursor_reads_itself() -> None:
    with pytest.raises(NotFound):
        Cursor.parse("2026-01-01T00:00:00_7b5e4a6e-58c0-4a7c-8b0e-3f2f3f1a1a1a")


async def test_the_history_is_told_latest_first(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, consult.id)
        acts = [event.action for event in await history_of(session, found)]
    assert acts == ["consult-booked", "time-proposed", "consult-accepted", "consult-submitted"]
