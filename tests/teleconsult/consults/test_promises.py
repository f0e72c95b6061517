"""What a service promises, and how a request stands with it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.informing import ask_for_information, give_information
from teleconsult.consults.models import RequestPriority, ServiceRequest
from teleconsult.consults.promises import USUAL, Standing, hours_of, promise_of, set_promises
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, NotFound
from tests import consult_steps
from tests.people import Cast


async def seen(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> ServiceRequest:
    async with transaction(sessions) as session:
        return await consult_for(session, cast.coordinator, consult.id)


async def test_the_clock_runs_until_the_first_answer(cast: Cast, sessions: Sessions) -> None:
    consult = await seen(cast, sessions, await consult_steps.submitted(cast, sessions))
    submitted = consult.submitted_at
    assert submitted is not None
    for hours, standing in ((1, Standing.IN_TIME), (20, Standing.DUE), (24, Standing.LATE)):
        promise = promise_of(consult, at=submitted + timedelta(hours=hours))
        assert (promise.standing, promise.until) == (standing, submitted + timedelta(hours=24)), hours
    answered = await seen(cast, sessions, await consult_steps.accepted(cast, sessions))
    assert promise_of(answered, at=now() + timedelta(days=9)).standing is Standing.MET


async def test_the_clock_stands_while_more_is_wanted(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        await ask_for_information(session, cast.coordinator, consult_id=consult.id, text="Which dose?")
    async with transaction(sessions) as session:
        held = await consult_for(session, cast.coordinator, consult.id)
        assert held.task
        held.task.modified_at -= timedelta(hours=30)
        promise = promise_of(held, at=now())
        assert (promise.standing, promise.since) == (Standing.HELD, held.task.modified_at)
    async with transaction(sessions, cast.rural) as session:
        await give_information(session, cast.rural, consult_id=consult.id, text="5 mg")
    again = await seen(cast, sessions, consult)
    assert again.submitted_at
    until = promise_of(again, at=now()).until
    assert until is not None
    assert until >= again.submitted_at + timedelta(hours=54)


async def test_an_administrator_sets_it_for_their_own_services(cast: Cast, sessions: Sessions) -> None:
    hours: dict[RequestPriority, int | None] = {**USUAL, RequestPriority.URGENT: 12}
    async with transaction(sessions, cast.admin) as session:
        service = await set_promises(session, cast.admin, service_id=cast.neurology.id, hours=hours, follow_up_days=30)
        assert (hours_of(service, RequestPriority.URGENT), hours_of(service, RequestPriority.STAT)) == (12, 1)
        assert service.follow_up_days == 30
    async with transaction(sessions) as session:
        assert await session.scalar(select(AuditEvent.action).where(AuditEvent.entity_id == cast.neurology.id))
        for nobody in (cast.coordinator, cast.rural, cast.stranger):
            with pytest.raises(NotFound):
                await set_promises(session, nobody, service_id=cast.neurology.id, hours=hours, follow_up_days=30)
        for wrong, days in (({}, 30), ({**hours, RequestPriority.STAT: 0}, 30), (hours, 0), (hours, None)):
            with pytest.raises(Invalid):
                await set_promises(session, cast.admin, service_id=cast.neurology.id, hours=wrong, follow_up_days=days)
