"""The patient takes the consent back: what stops, what stays, and who may say so."""

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consents.recording import consent_of
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.models import RequestStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, start_encounter
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.notes.drafting import open_note
from teleconsult.patients.care import open_care_relation
from tests import consult_steps
from tests.people import Cast

REASON = "She prefers to see her own doctor first."


async def test_a_consult_whose_session_was_not_held_is_cancelled(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason=REASON)
    async with transaction(sessions, cast.specialist) as session:
        found = await consult_for(session, cast.specialist, consult.id)
        assert state_of(found) is ConsultState.CANCELLED
        assert found.status_reason == REASON
        with pytest.raises(Refused):
            await excerpt_for(session, cast.specialist, consult.id)
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions, actor) as session:
            with pytest.raises(NotFound):
                await encounter_for(session, actor, consult.id)
    async with transaction(sessions) as session:
        consent = await consent_of(session, consult.id)
        assert consent is not None
        assert (consent.status, consent.withdrawn_by_id) == (ConsentStatus.INACTIVE, cast.rural.role_id)
        assert consent.withdrawn_at is not None
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "consent-withdrawn"))
        assert event is not None
        assert event.patient_id == cast.patient.id


async def test_nobody_waits_for_it_any_more(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason=REASON)
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(NotFound):
            await consult_for(session, cast.specialist, consult.id)


async def test_a_session_under_way_is_over_and_can_be_written_down(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions, actor) as session:
            await arrive_encounter(session, actor, consult_id=consult.id)
    async with transaction(sessions, cast.specialist) as session:
        await start_encounter(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason=REASON)
    async with transaction(sessions, cast.specialist) as session:
        found = await consult_for(session, cast.specialist, consult.id)
        assert state_of(found) is ConsultState.UNSIGNED
        with pytest.raises(NotFound):
            await encounter_for(session, cast.specialist, consult.id)
        assert await open_note(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions) as session:
        encounter = await session.scalar(select(Encounter))
        assert encounter is not None
        assert encounter.status is EncounterStatus.FINISHED


async def test_a_colleague_who_treats_the_patient_may_note_it(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.colleague) as session:
        await open_care_relation(session, cast.colleague, patient_id=cast.patient.id, reason="on-call")
    async with transaction(sessions, cast.colleague) as session:
        found = await withdraw_consent(session, cast.colleague, consult_id=consult.id, reason=REASON)
        assert found.status is RequestStatus.REVOKED


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ("specialist", Forbidden),
        ("coordinator", Forbidden),
        ("colleague", NotFound),
        ("secretary", Forbidden),
        ("stranger", NotFound),
    ],
)
async def test_nobody_else(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        with pytest.raises(error):
            await withdraw_consent(session, actor, consult_id=consult.id, reason=REASON)


async def test_it_needs_words_and_is_done_once(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        with pytest.raises(Invalid):
            await withdraw_consent(session, cast.rural, consult_id=consult.id, reason="")
        with pytest.raises(Refused):
            await withdraw_consent(session, cast.rural, consult_id=draft.id, reason=REASON)
        assert await session.scalar(select(Consent.status)) is ConsentStatus.ACTIVE
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason=REASON)
        with pytest.raises(Refused):
            await withdraw_consent(session, cast.rural, consult_id=consult.id, reason=REASON)
