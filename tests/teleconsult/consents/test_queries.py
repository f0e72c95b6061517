"""All consents of a file: with what they share, at every establishment where the person is known."""

from datetime import timedelta

from sqlalchemy import update

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consents.confirming import confirm_consent
from teleconsult.consents.models import ConsentBasis
from teleconsult.consents.queries import Agreement, ConsentState, agreements, consents_in_force
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import Excerpt
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.excerpts.revoking import revoke_excerpt
from teleconsult.patients.care import open_care_relation
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import file_of
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.patients.steps import provincial_doctor


async def found(sessions: Sessions, actor: Actor, patient: Patient) -> tuple[list[Agreement], int]:
    """The agreements, and how many are said to be in force."""
    async with transaction(sessions, actor) as session:
        file = await file_of(session, actor, patient.id)
        listed, older = await agreements(session, actor, file)
        assert older is None
        return listed, await consents_in_force(session, actor, file)


async def test_what_is_shared_and_who_looked(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    for _ in range(2):
        async with transaction(sessions, cast.specialist) as session:
            await excerpt_for(session, cast.specialist, consult.id)
    async with transaction(sessions, cast.rural) as session:
        await excerpt_for(session, cast.rural, consult.id)
    (agreement,), in_force = await found(sessions, cast.rural, cast.patient)
    assert (agreement.state, in_force, agreement.is_readable) == (ConsentState.IN_FORCE, 1, True)
    assert agreement.consult is not None
    assert agreement.shared is not None
    assert (agreement.consult.id, agreement.earlier) == (consult.id, ())
    assert (agreement.shared.entries, agreement.shared.studies, agreement.shared.readers) == (1, 0, 1)


async def test_one_for_each_consult_however_often_it_was_confirmed(cast: Cast, sessions: Sessions) -> None:
    first = await consult_steps.consented(cast, sessions, consult_steps.NOBODY_ASKED)
    second = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await confirm_consent(session, cast.rural, consult_id=first.id, basis=ConsentBasis.PATIENT)
    listed, in_force = await found(sessions, cast.rural, cast.patient)
    assert [one.consent.service_request_id for one in listed] == [first.id, second.id]
    assert [[one.basis for one in agreement.earlier] for agreement in listed] == [[ConsentBasis.NECESSITY], []]
    assert in_force == 2


async def test_what_is_over_is_not_in_force(cast: Cast, sessions: Sessions) -> None:
    cancelled, withdrawn, expired, unshared = [await consult_steps.submitted(cast, sessions) for _ in range(4)]
    async with transaction(sessions, cast.rural) as session:
        await cancel_consult(session, cast.rural, consult_id=cancelled.id, reason="She is better.")
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=withdrawn.id, reason="She says no.")
    async with transaction(sessions, cast.rural) as session:
        await revoke_excerpt(session, cast.rural, consult_id=unshared.id, reason="The wrong entries.")
    async with transaction(sessions, SYSTEM) as session:
        over = update(Excerpt).where(Excerpt.service_request_id == expired.id)
        await session.execute(over.values(expires_at=now() - timedelta(days=1)))
    listed, in_force = await found(sessions, cast.rural, cast.patient)
    assert {one.consent.service_request_id: one.state for one in listed} == {
        cancelled.id: ConsentState.ENDED,
        withdrawn.id: ConsentState.WITHDRAWN,
        expired.id: ConsentState.ENDED,
        unshared.id: ConsentState.IN_FORCE,
    }
    assert not any(one.is_readable for one in listed)
    assert in_force == 1


async def test_where_the_person_is_known_too(cast: Cast, sessions: Sessions) -> None:
    """That there is a consent is a part of the file; what it is about is for those who see the consult."""
    await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        doctor = await provincial_doctor(session, cast)
    async with transaction(sessions, doctor) as session:
        await open_care_relation(session, doctor, patient_id=cast.patient_elsewhere.id, reason="on-call")
    (agreement,), in_force = await found(sessions, doctor, cast.patient_elsewhere)
    assert (agreement.state, agreement.consult, agreement.shared) == (ConsentState.ELSEWHERE, None, None)
    assert agreement.consent.recorded_by.practitioner.name == cast.rural.name
    assert in_force == 0


async def test_not_of_others(cast: Cast, sessions: Sessions) -> None:
    await consult_steps.submitted(cast, sessions)
    assert await found(sessions, cast.stranger, cast.strangers_patient) == ([], 0)
