"""Who could not be asked agrees later: whose word takes over from whose, and that nothing is rewritten."""

import asyncio
import dataclasses

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.confirming import confirm_consent
from teleconsult.consents.models import Consent, ConsentBasis, ConsentStatus, Incapacity
from teleconsult.consents.recording import permits
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.drafting import ConsentAnswer
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.excerpts.queries import excerpt_for, readings_of
from teleconsult.patients.care import open_care_relation
from tests import consult_steps
from tests.people import Cast

PATIENT, REPRESENTATIVE, NECESSITY = ConsentBasis
DAUGHTER = ConsentAnswer(True, REPRESENTATIVE, "Anne Bélanger", "daughter", Incapacity.UNCONSCIOUS)
NOBODY = consult_steps.NOBODY_ASKED


async def consents(sessions: Sessions) -> list[Consent]:
    async with transaction(sessions, SYSTEM) as session:
        return list(await session.scalars(select(Consent).order_by(Consent.recorded_at)))


async def test_the_patient_takes_over_from_necessity(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.consented(cast, sessions, NOBODY)
    async with transaction(sessions, cast.rural) as session:
        await confirm_consent(session, cast.rural, consult_id=consult.id, basis=PATIENT)
    earlier, later = await consents(sessions)
    assert (earlier.basis, earlier.given_by) == (NECESSITY, NOBODY.given_by)
    assert (earlier.status, earlier.withdrawn_at) == (ConsentStatus.INACTIVE, None)
    assert (later.basis, later.status, later.confirms_id) == (PATIENT, ConsentStatus.ACTIVE, earlier.id)
    async with transaction(sessions, cast.specialist) as session:
        assert await permits(session, consult.id)
        assert await excerpt_for(session, cast.specialist, consult.id)
    async with transaction(sessions, SYSTEM) as session:
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "consent-confirmed"))
        assert event is not None
        assert (event.entity_id, event.patient_id) == (consult.id, cast.patient.id)
        assert event.detail == {"basis": "patient"}


async def test_one_after_the_other(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.consented(cast, sessions, NOBODY)
    async with transaction(sessions, cast.rural) as session:
        said = dataclasses.asdict(DAUGHTER)
        del said["given"]
        await confirm_consent(session, cast.rural, consult_id=consult.id, **said)
    async with transaction(sessions, cast.rural) as session:
        await confirm_consent(session, cast.rural, consult_id=consult.id, basis=PATIENT)
    found = await consents(sessions)
    assert [one.basis for one in found] == [NECESSITY, REPRESENTATIVE, PATIENT]
    assert [one.status for one in found] == [ConsentStatus.INACTIVE, ConsentStatus.INACTIVE, ConsentStatus.ACTIVE]
    assert found[1].incapacity is Incapacity.UNCONSCIOUS


@pytest.mark.parametrize("consent", [ConsentAnswer(True), NOBODY])
async def test_who_agreed_themselves_has_nothing_to_confirm(
    cast: Cast, sessions: Sessions, consent: ConsentAnswer
) -> None:
    consult = await consult_steps.consented(cast, sessions, consent)
    async with transaction(sessions, cast.rural) as session:
        if consent is NOBODY:
            await confirm_consent(session, cast.rural, consult_id=consult.id, basis=PATIENT)
        with pytest.raises(Refused):
            await confirm_consent(session, cast.rural, consult_id=consult.id, basis=PATIENT)


async def test_of_two_at_once_one_does(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.consented(cast, sessions, NOBODY)

    async def confirm() -> Consent:
        async with transaction(sessions, cast.rural) as session:
            return await confirm_consent(session, cast.rural, consult_id=consult.id, basis=PATIENT)

    outcomes = await asyncio.gather(confirm(), confirm(), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Consent", "Refused"]
    assert [one.basis for one in await consents(sessions)] == [NECESSITY, PATIENT]


async def test_it_needs_somebody_nearer_and_their_words(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.consented(cast, sessions, DAUGHTER)
    async with transaction(sessions, cast.rural) as session:
        for basis in (REPRESENTATIVE, NECESSITY):
            with pytest.raises(Invalid) as caught:
                await confirm_consent(session, cast.rural, consult_id=consult.id, basis=basis, given_by="Luc")
            assert set(caught.value.fields) == {"basis"}
    consult = await consult_steps.consented(cast, sessions, NOBODY)
    async with transaction(sessions, cast.rural) as session:
        with pytest.raises(Invalid) as caught:
            await confirm_consent(session, cast.rural, consult_id=consult.id, basis=REPRESENTATIVE)
        assert set(caught.value.fields) == {"given_by", "relationship", "incapacity"}


async def test_what_was_withdrawn_is_not_given_again(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.consented(cast, sessions, NOBODY)
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason="He says no.")
    for actor in (cast.rural, SYSTEM):
        async with transaction(sessions, actor) as session:
            with pytest.raises(Refused):
                await confirm_consent(session, cast.rural, consult_id=consult.id, basis=PATIENT)
    assert [one.status for one in await consents(sessions)] == [ConsentStatus.INACTIVE]


async def test_a_colleague_who_treats_the_patient(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.consented(cast, sessions, NOBODY)
    async with transaction(sessions, cast.colleague) as session:
        await open_care_relation(session, cast.colleague, patient_id=cast.patient.id, reason="on-call")
    async with transaction(sessions, cast.colleague) as session:
        later = await confirm_consent(session, cast.colleague, consult_id=consult.id, basis=PATIENT)
        assert later.recorded_by_id == cast.colleague.role_id
    async with transaction(sessions, cast.specialist) as session:
        await excerpt_for(session, cast.specialist, consult.id)
    async with transaction(sessions, cast.colleague) as session:
        assert [one.role.id for one in await readings_of(session, cast.colleague, consult.id)] == [
            cast.specialist.role_id
        ]


@pytest.mark.parametrize(
    ("who", "error"),
    [
        *(("specialist", Forbidden), ("coordinator", Forbidden), ("secretary", Forbidden)),
        *(("colleague", NotFound), ("stranger", NotFound)),
    ],
)
async def test_nobody_else(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult, actor = await consult_steps.consented(cast, sessions, NOBODY), getattr(cast, who)
    async with transaction(sessions, actor) as session:
        with pytest.raises(error):
            await confirm_consent(session, actor, consult_id=consult.id, basis=PATIENT)


async def test_a_withdrawal_keeps_why(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.consented(cast, sessions, ConsentAnswer(True))
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason="She prefers to wait.")
    (kept,) = await consents(sessions)
    assert kept.withdrawal_reason == "She prefers to wait."
    assert kept.withdrawn_at is not None
    assert kept.withdrawn_at <= now()
