"""Recording a session: asked for by the doctor or the specialist, begun when everybody present has agreed, the patient
among them, ended by whoever asked, or by anybody who agrees no longer.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.encounters.actions import session_for
from teleconsult.encounters.models import Encounter
from teleconsult.encounters.queries import RoomSession, encounter_for
from teleconsult.encounters.recording_models import Recording, RecordingConsent, RecordingEnd
from teleconsult.errors import Conflict, Invalid, NotFound, Refused

LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class PatientAgrees:
    """That the patient agrees to be recorded, as the doctor who is with them states: by themselves, or by whom."""

    basis: ConsentBasis
    given_by: str = ""


async def ask_recording(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, patient: PatientAgrees | None = None
) -> Recording:
    """Ask everybody in a session whether it may be recorded; who asks agrees. The doctor says so for the patient too.

    One that was left open by a server that died is ended first. Raises NotFound for who takes no part or is a guest,
    Refused while no session runs, Invalid where the patient's agreement is missing.
    """
    live = await encounter_for(session, actor, consult_id, lock=True)
    if not live.is_open or live.encounter.started_at is None or live.encounter.ended_at is not None:
        raise Refused("A session can be recorded while both of you are in it.")
    before = await session.scalars(
        select(Recording.id).where(Recording.encounter_id == live.encounter.id, Recording.ended_at.is_(None))
    )
    if before.first() is not None:
        raise Conflict("This session is being recorded already, or somebody has asked.")
    recording = Recording(
        id=uuid.uuid4(),
        encounter_id=live.encounter.id,
        patient_id=live.patient_id,
        asked_by_id=live.mine.participant.id,
        asked_at=now(),
    )
    session.add(recording)
    await session.flush()
    record(session, actor, "recording-asked", recording, patient_id=live.patient_id, consult=consult_id)
    await _answer(session, actor, live, recording, agrees=True, patient=patient)
    return recording


async def answer_recording(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    recording_id: uuid.UUID,
    agrees: bool,
    patient: PatientAgrees | None = None,
) -> RecordingConsent:
    """Say yes or no, once; the same word again changes nothing.

    Raises NotFound for who is not in that session, Refused once the recording is over or another word was said,
    Invalid where the doctor agrees and says nothing of the patient.
    """
    live = await session_for(session, actor, consult_id)
    recording = await _open_recording(session, live, recording_id)
    said = await _word_of(session, recording.id, live)
    if said is not None:
        if said.agreed is not agrees or said.withdrawn_at is not None:
            raise Refused("You have answered already. A new recording can be asked for.")
        return said
    return await _answer(session, actor, live, recording, agrees=agrees, patient=patient)


async def withdraw_from_recording(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, recording_id: uuid.UUID
) -> None:
    """Agree no longer: the recording has to stop. Raises NotFound for who had not agreed; twice is as good as once."""
    live = await session_for(session, actor, consult_id)
    recording = await session.get(Recording, recording_id)
    said = await _word_of(session, recording_id, live)
    if recording is None or said is None or not said.agreed:
        raise NotFound
    if said.withdrawn_at is None:
        said.withdrawn_at = now()
        _record(session, actor, "recording-consent-withdrawn", recording, consult_id)
    await session.flush()


async def begin_recording(session: AsyncSession, *, recording_id: uuid.UUID, present: Collection[uuid.UUID]) -> None:
    """The system's own act: begin, or go on, with these participants. Raises Refused unless all of them agree, and
    somebody has said so for the patient.
    """
    recording = await session.get_one(Recording, recording_id, with_for_update=True)
    said = await session.scalars(
        select(RecordingConsent).where(
            RecordingConsent.recording_id == recording_id,
            RecordingConsent.agreed,
            RecordingConsent.withdrawn_at.is_(None),
        )
    )
    agreed = {word.participant_id: word for word in said}
    for_patient = any(word.patient_basis is not None for word in agreed.values())
    if recording.ended_at is not None or not for_patient or not present or not set(present) <= agreed.keys():
        raise Refused("Not everybody has agreed to be recorded.")
    is_first, recording.started_at = recording.started_at is None, recording.started_at or now()
    _record(
        session,
        SYSTEM,
        "recording-started" if is_first else "recording-resumed",
        recording,
        await _consult_of(session, recording),
        people=len(present),
    )
    await session.flush()


async def pause_recording(session: AsyncSession, *, recording_id: uuid.UUID) -> None:
    """The system's own act: somebody came who has not been asked yet."""
    recording = await session.get_one(Recording, recording_id)
    _record(session, SYSTEM, "recording-paused", recording, await _consult_of(session, recording))
    await session.flush()


async def end_recording(
    session: AsyncSession,
    *,
    recording_id: uuid.UUID,
    why: RecordingEnd,
    days: int,
    by: uuid.UUID | None = None,
    actor: Actor = SYSTEM,
) -> None:
    """End it for good, by a participant or by itself; what was kept is kept for `days`. Twice is as good as once.

    A transaction of the system's: a guest who agrees no longer ends it too. The audit names `actor`.
    """
    recording = await session.get_one(Recording, recording_id, with_for_update=True)
    if recording.ended_at is not None:
        return
    recording.ended_at, recording.ended_why, recording.ended_by_id = now(), why, by
    if recording.started_at is not None:
        recording.expires_at = recording.ended_at + timedelta(days=days)
    _record(session, actor, "recording-ended", recording, await _consult_of(session, recording), why=why)
    await session.flush()


async def end_abandoned(session: AsyncSession, *, consult_id: uuid.UUID, days: int) -> None:
    """The system's own act: end what no server carries on in this consult's session."""
    open_ones = (
        select(Recording.id)
        .join(Encounter, Encounter.id == Recording.encounter_id)
        .where(Encounter.service_request_id == consult_id, Recording.ended_at.is_(None))
    )
    for id in (await session.scalars(open_ones)).all():
        await end_recording(session, recording_id=id, why=RecordingEnd.CUT_OFF, days=days)


async def _answer(
    session: AsyncSession,
    actor: Actor,
    live: RoomSession,
    recording: Recording,
    *,
    agrees: bool,
    patient: PatientAgrees | None,
) -> RecordingConsent:
    is_with_patient = live.mine.part == "requester" and agrees
    if is_with_patient:
        _check(patient)
    said = RecordingConsent(
        id=uuid.uuid4(),
        recording_id=recording.id,
        participant_id=live.mine.participant.id,
        agreed=agrees,
        answered_at=now(),
        patient_basis=patient.basis if patient and is_with_patient else None,
        patient_given_by=patient.given_by.strip() if patient and is_with_patient else "",
    )
    session.add(said)
    _record(
        session,
        actor,
        "recording-agreed" if agrees else "recording-declined",
        recording,
        live.consult_id,
        patient=said.patient_basis,
    )
    await session.flush()
    return said


def _check(patient: PatientAgrees | None) -> None:
    if patient is None or patient.basis is ConsentBasis.NECESSITY:
        raise Invalid({"patient": "Say whether the patient agrees to be recorded."})
    name = patient.given_by.strip()
    if (patient.basis is ConsentBasis.REPRESENTATIVE and not name) or len(name) > LONGEST_NAME:
        raise Invalid({"given_by": "Say who agreed for the patient."})


async def _open_recording(session: AsyncSession, live: RoomSession, recording_id: uuid.UUID) -> Recording:
    recording = await session.get(Recording, recording_id, populate_existing=True)
    if recording is None or recording.encounter_id != live.encounter.id:
        raise NotFound
    if recording.ended_at is not None:
        raise Refused("This recording is over.")
    return recording


async def _word_of(session: AsyncSession, recording_id: uuid.UUID, live: RoomSession) -> RecordingConsent | None:
    return await session.scalar(
        select(RecordingConsent).where(
            RecordingConsent.recording_id == recording_id,
            RecordingConsent.participant_id == live.mine.participant.id,
        )
    )


async def _consult_of(session: AsyncSession, recording: Recording) -> uuid.UUID:
    return (await session.get_one(Encounter, recording.encounter_id)).service_request_id


def _record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    recording: Recording,
    consult_id: uuid.UUID,
    **detail: str | int | None,
) -> None:
    event = record(session, actor, action, recording, patient_id=recording.patient_id, consult=consult_id)
    event.detail = event.detail | detail
