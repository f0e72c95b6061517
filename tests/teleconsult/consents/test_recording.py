"""What a consent needs, and whether it holds."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentBasis, ConsentStatus, Incapacity
from teleconsult.consents.recording import permits, record_consent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from tests import consult_steps
from tests.people import Cast


async def test_a_representative_is_kept_by_name(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        consent = await record_consent(
            session,
            cast.rural,
            patient_id=cast.patient.id,
            consult_id=draft.id,
            basis=ConsentBasis.REPRESENTATIVE,
            given_by=" Anne Bélanger ",
            relationship="daughter",
            incapacity=Incapacity.UNCONSCIOUS,
        )
        assert (consent.given_by, consent.relationship_to_patient) == ("Anne Bélanger", "daughter")
        assert consent.incapacity is Incapacity.UNCONSCIOUS
        assert consent.recorded_by_id == cast.rural.role_id
        event = await session.scalar(select(AuditEvent).where(AuditEvent.entity_id == consent.id))
        assert event is not None
        assert event.detail == {"consult": str(draft.id), "basis": "representative"}


async def test_words_of_another_basis_are_not_kept(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        consent = await record_consent(
            session,
            cast.rural,
            patient_id=cast.patient.id,
            consult_id=draft.id,
            basis=ConsentBasis.PATIENT,
            given_by="left over",
            relationship="left over",
            incapacity=Incapacity.MINOR,
        )
    assert (consent.given_by, consent.relationship_to_patient, consent.incapacity) == ("", "", None)


async def test_necessity_needs_a_reason(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        with pytest.raises(Invalid) as caught:
            await record_consent(
                session,
                cast.rural,
                patient_id=cast.patient.id,
                consult_id=uuid.uuid4(),
                basis=ConsentBasis.NECESSITY,
            )
    assert set(caught.value.fields) == {"reason"}


async def test_it_permits_until_it_is_withdrawn(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        assert await permits(session, consult.id)
        assert not await permits(session, uuid.uuid4())
        consent = await session.scalar(select(Consent).where(Consent.service_request_id == consult.id))
        assert consent is not None
        consent.status, consent.withdrawn_at = ConsentStatus.INACTIVE, now()
        await session.flush()
        assert not await permits(session, consult.id)
