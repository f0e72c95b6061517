"""What the log can be narrowed to: every act that has a name is of some kind."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.audit.kinds import CARE, CONDITIONS, GLASS, READS, SEARCHES, Kind
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from web.audit_words import ACTS


def test_only_acts_that_have_a_name_are_sorted() -> None:
    assert set(ACTS) >= READS | GLASS | SEARCHES | CARE


@pytest.mark.parametrize("patient_id", [None, uuid.UUID(int=1)])
async def test_every_act_is_of_some_kind(sessions: Sessions, patient_id: uuid.UUID | None) -> None:
    async with transaction(sessions) as session:
        for action in ACTS:
            event = AuditEvent(recorded_at=now(), action=action, outcome="success", actor_name="", entity_type="")
            event.detail, event.patient_id = {}, patient_id
            session.add(event)
    found: set[str] = set()
    async with transaction(sessions) as session:
        kinds = {
            kind: set(await session.scalars(select(AuditEvent.action).where(condition)))
            for kind, condition in CONDITIONS.items()
        }
    for actions in kinds.values():
        found |= actions
    assert found == set(ACTS)
    assert kinds[Kind.REFUSED] == set()
    assert kinds[Kind.READING] == READS
    if patient_id is None:
        assert {"signed-in", "sign-in-failed", "second-factor-failed"} <= kinds[Kind.SIGN_IN]
        assert not kinds[Kind.SIGN_IN] & kinds[Kind.OTHER]
