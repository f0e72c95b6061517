"""Each opening is judged by the privacy officer of the patient's establishment, once."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.patients.models import BreakGlass
from teleconsult.patients.reviewing import openings_to_review, review_opening
from tests.glass_steps import REASON, opened
from tests.people import Cast, another_neurologist


async def test_what_waits_stands_first_the_oldest_before(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        neurologist = await another_neurologist(session, cast)
    judged = await opened(cast, sessions)
    old = await opened(cast, sessions, actor=cast.oncall)
    young = await opened(cast, sessions, actor=neurologist)
    async with transaction(sessions) as session:
        await session.execute(
            update(BreakGlass).where(BreakGlass.id == old.id).values(started_at=now() - timedelta(days=8))
        )
    async with transaction(sessions, cast.privacy) as session:
        await review_opening(session, cast.privacy, opening_id=judged.id, is_justified=True, note="")
    async with transaction(sessions, cast.privacy) as session:
        found = await openings_to_review(session, cast.privacy)
        assert [one.id for one in found] == [old.id, young.id, judged.id]
        assert found[0].role.practitioner.name == cast.oncall.name
        assert found[0].reason == REASON
        assert found[2].reviewer is not None
        assert found[2].reviewer.practitioner.name == cast.privacy.name


async def test_a_decision_stands(cast: Cast, sessions: Sessions) -> None:
    opening = await opened(cast, sessions)
    async with transaction(sessions, cast.privacy) as session:
        with pytest.raises(Invalid):
            await review_opening(session, cast.privacy, opening_id=opening.id, is_justified=False, note=" ")
        reviewed = await review_opening(
            session, cast.privacy, opening_id=opening.id, is_justified=False, note="The patient was elsewhere."
        )
        assert (reviewed.is_justified, reviewed.review) == (False, "The patient was elsewhere.")
        with pytest.raises(Refused):
            await review_opening(session, cast.privacy, opening_id=opening.id, is_justified=True, note="")
    async with transaction(sessions) as session:
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "glass-reviewed"))
        assert event is not None
        assert (event.patient_id, event.detail["is_justified"]) == (cast.patient.id, False)


@pytest.mark.parametrize("who", ["privacy_tertiary", "admin", "specialist", "rural", "operator", "stranger"])
async def test_nobody_else_judges(cast: Cast, sessions: Sessions, who: str) -> None:
    opening = await opened(cast, sessions)
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        with pytest.raises(NotFound):
            await review_opening(session, actor, opening_id=opening.id, is_justified=True, note="")
    async with transaction(sessions, cast.privacy_tertiary) as session:
        assert not await openings_to_review(session, cast.privacy_tertiary)
