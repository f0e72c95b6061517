"""Start, save and discard a draft."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.consents.models import ConsentBasis
from teleconsult.consults.drafting import (
    ConsentAnswer,
    Request,
    Shown,
    discard_draft,
    entries_in,
    request_in,
    save_draft,
    selection_in,
    start_draft,
)
from teleconsult.consults.models import RequestPriority
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Specialty
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from tests import consult_steps
from tests.people import Cast


async def test_what_is_saved_is_found_again(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    assert request_in(draft) is None, "nobody has touched it"
    request = Request(
        service_id=cast.neurology.id,
        priority=RequestPriority.ASAP,
        question="Half a",
        entries=(uuid.uuid4(),),
        consent=ConsentAnswer(True, ConsentBasis.REPRESENTATIVE, "Anne", "daughter"),
    )
    async with transaction(sessions) as session:
        await save_draft(session, cast.rural, consult_id=draft.id, version=1, request=request)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, draft.id)
    assert request_in(found) == request
    assert found.version == 2


async def test_two_tabs_notice_each_other(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        await save_draft(session, cast.rural, consult_id=draft.id, version=1, request=Request(question="One"))
    async with transaction(sessions) as session:
        with pytest.raises(Conflict):
            await save_draft(session, cast.rural, consult_id=draft.id, version=1, request=Request(question="Two"))


async def test_an_untouched_draft_is_taken_up_again(cast: Cast, sessions: Sessions) -> None:
    first = await consult_steps.drafted(cast, sessions)
    assert (await consult_steps.drafted(cast, sessions)).id == first.id
    async with transaction(sessions) as session:
        await save_draft(session, cast.rural, consult_id=first.id, version=1, request=Request(question="One"))
    assert (await consult_steps.drafted(cast, sessions)).id != first.id


@pytest.mark.parametrize(
    ("who", "error"),
    [("colleague", Forbidden), ("stranger", NotFound), ("coordinator", Forbidden), ("specialist", Forbidden)],
)
async def test_who_cannot_begin(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    async with transaction(sessions) as session:
        with pytest.raises(error):
            await start_draft(session, getattr(cast, who), patient_id=cast.patient.id)


async def test_a_discarded_draft_is_gone(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        await discard_draft(session, cast.rural, consult_id=draft.id)
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await discard_draft(session, cast.rural, consult_id=draft.id)
        acts = await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == draft.id))
        assert set(acts) == {"consult-drafted", "consult-draft-discarded"}


async def test_a_submitted_request_is_no_draft(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await save_draft(session, cast.rural, consult_id=consult.id, version=None, request=Request())
        with pytest.raises(Refused):
            await discard_draft(session, cast.rural, consult_id=consult.id)


async def test_too_much_is_refused(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    many = Request(entries=tuple(uuid.uuid4() for _ in range(301)))
    async with transaction(sessions) as session:
        with pytest.raises(Invalid):
            await save_draft(session, cast.rural, consult_id=draft.id, version=1, request=many)


async def test_what_usually_is_shared_is_chosen_from_the_beginning(cast: Cast, sessions: Sessions) -> None:
    problem = await consult_steps.entry(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    assert entries_in(draft) == (problem.id,)
    another = await consult_steps.entry(cast, sessions, "Seizure")
    assert set(entries_in(await consult_steps.drafted(cast, sessions))) == {problem.id, another.id}, (
        "as the file stands"
    )


async def test_another_service_leaves_what_was_done_by_hand(cast: Cast, sessions: Sessions) -> None:
    problem = await consult_steps.entry(cast, sessions)
    by_hand = await consult_steps.entry(cast, sessions, "Seizure")
    draft = await consult_steps.drafted(cast, sessions)
    request = Request(service_id=cast.trauma.id, entries=(by_hand.id,))
    async with transaction(sessions) as session:
        saved = await save_draft(
            session, cast.rural, consult_id=draft.id, version=1, request=request, shown=Shown(None)
        )
    assert entries_in(saved) == (by_hand.id,)
    assert (selection_in(saved).specialty, selection_in(saved).removed) == (Specialty.TRAUMA, {problem.id})
    async with transaction(sessions) as session:
        again = Shown(Specialty.TRAUMA, is_wanted=True)
        saved = await save_draft(session, cast.rural, consult_id=draft.id, version=2, request=request, shown=again)
    assert set(entries_in(saved)) == {problem.id, by_hand.id}


async def test_who_shows_no_suggestion_says_what_is_shared(cast: Cast, sessions: Sessions) -> None:
    await consult_steps.entry(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        request = Request(service_id=cast.trauma.id)
        saved = await save_draft(session, cast.rural, consult_id=draft.id, version=1, request=request)
    assert entries_in(saved) == ()
