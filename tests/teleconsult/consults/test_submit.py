import asyncio
import uuid

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consents.models import Consent, ConsentBasis, Incapacity
from teleconsult.consults.drafting import ConsentAnswer, Request
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.excerpts.models import Excerpt
from tests import consult_steps
from tests.people import Cast


async def test_everything_stands_after_one_transaction(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)

    assert (consult.status, state_of(consult)) == (RequestStatus.ACTIVE, ConsultState.SUBMITTED)
    assert consult.task is not None
    assert consult.task.status is TaskStatus.REQUESTED
    async with transaction(sessions) as session:
        consent = await session.scalar(select(Consent).where(Consent.service_request_id == consult.id))
        assert consent is not None
        assert consent.basis is ConsentBasis.PATIENT
        assert await session.scalar(select(func.count()).select_from(Excerpt)) == 1
        actions = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.patient_id == cast.patient.id)))
        assert {"consult-submitted", "consent-recorded", "excerpt-frozen"} <= actions


@pytest.mark.parametrize("who", ["colleague", "coordinator", "specialist", "stranger"])
async def test_a_draft_is_its_authors_alone(cast: Cast, sessions: Sessions, who: str) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await submit_request(session, getattr(cast, who), consult_id=draft.id, request=consult_steps.request(cast))


async def test_twice_at_once_asks_once(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)

    async def submit() -> ServiceRequest:
        async with transaction(sessions) as session:
            return await submit_request(session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast))

    results = await asyncio.gather(submit(), submit(), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["Refused", "ServiceRequest"]
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Task)) == 1


async def test_again_is_refused(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await submit_request(session, cast.rural, consult_id=consult.id, request=consult_steps.request(cast))


async def test_each_missing_answer_is_named(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid) as caught:
            await submit_request(session, cast.rural, consult_id=draft.id, request=Request(question="  "))
    assert set(caught.value.fields) == {"question", "service", "consent"}


@pytest.mark.parametrize(
    ("consent", "fields"),
    [
        (ConsentAnswer(True, ConsentBasis.REPRESENTATIVE), {"given_by", "relationship", "incapacity"}),
        (ConsentAnswer(True, ConsentBasis.REPRESENTATIVE, "Anne", " ", Incapacity.MINOR), {"relationship"}),
        (ConsentAnswer(True, ConsentBasis.NECESSITY), {"reason"}),
        (ConsentAnswer(True, ConsentBasis.NECESSITY, "x" * 501), {"consent"}),
    ],
)
async def test_a_basis_needs_its_words(
    cast: Cast, sessions: Sessions, consent: ConsentAnswer, fields: set[str]
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    request = Request(service_id=cast.neurology.id, question="?", consent=consent)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid) as caught:
            await submit_request(session, cast.rural, consult_id=draft.id, request=request)
    assert set(caught.value.fields) == fields


async def test_too_long_a_question_and_an_unknown_service(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    long = consult_steps.request(cast, question="x" * 4001)
    unknown = Request(service_id=uuid.uuid4(), question="?", consent=ConsentAnswer(given=True))
    for request, field in ((long, "question"), (unknown, "service")):
        async with transaction(sessions) as session:
            with pytest.raises(Invalid) as caught:
                await submit_request(session, cast.rural, consult_id=draft.id, request=request)
        assert set(caught.value.fields) == {field}


async def test_nothing_is_half_written(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    with pytest.raises(Invalid):
        async with transaction(sessions) as session:
            await submit_request(
                session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast, [uuid.uuid4()])
            )
    async with transaction(sessions) as session:
        for kind in (Consent, Excerpt, Task):
            assert await session.scalar(select(func.count()).select_from(kind)) == 0
        row = await session.get_one(ServiceRequest, draft.id)
        assert row.status is RequestStatus.DRAFT
