"""What was recorded of a session: who may play it, and until when it is kept."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.consults.answering import checked_reason
from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import PractitionerRole
from teleconsult.encounters.models import Encounter, EncounterParticipant, GuestPass
from teleconsult.encounters.recording_models import Recording, RecordingConsent, RecordingFile
from teleconsult.errors import Forbidden, NotFound, Refused


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file and whose sound and picture it is."""

    file: RecordingFile
    name: str


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """A recording with what everybody said, and its files in their order."""

    recording: Recording
    consult: ServiceRequest
    asked_by: str
    words: Sequence[tuple[RecordingConsent, str]]
    files: Sequence[KeptFile]
    is_doctors: bool
    """Whether who reads it is the doctor, who may delete it."""

    @property
    def agreed(self) -> list[str]:
        """Names of who agreed."""
        return [name for word, name in self.words if word.agreed]

    @property
    def is_playable(self) -> bool:
        """Whether there is something to play."""
        return self.recording.deleted_at is None and any(one.file.size for one in self.files)

    @property
    def seconds(self) -> float:
        """From the first beginning to the last end."""
        ends = [one.file.begun_at.timestamp() + (one.file.seconds or 0) for one in self.files]
        return max(ends) - min(one.file.begun_at.timestamp() for one in self.files) if ends else 0.0


async def recordings_of(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> list[KeptRecording]:
    """The recordings of a consult that are the actor's, the latest first; none for who may not play them."""
    found = await session.scalars(
        select(Recording)
        .join(Encounter, Encounter.id == Recording.encounter_id)
        .where(Encounter.service_request_id == consult_id, rows.recordings(actor))
        .order_by(Recording.asked_at.desc())
        .execution_options(populate_existing=True)
    )
    return [await _whole(session, actor, recording) for recording in found.all()]


async def view_recording(session: AsyncSession, actor: Actor, recording_id: uuid.UUID) -> KeptRecording:
    """A recording, for who opens its page: that is written down. Raises NotFound."""
    kept = await _whole(session, actor, await _recording_for(session, actor, recording_id))
    _note(session, actor, "recording-viewed", kept)
    return kept


async def playable_file(session: AsyncSession, actor: Actor, file_id: uuid.UUID) -> tuple[RecordingFile, KeptRecording]:
    """A file that is played now. Raises NotFound for whose it is not, and where nothing is kept any more."""
    file = await session.get(RecordingFile, file_id, populate_existing=True)
    if file is None or not file.size or file.sealed_key is None:
        raise NotFound
    kept = await _whole(session, actor, await _recording_for(session, actor, file.recording_id))
    if not kept.is_playable:
        raise NotFound
    return file, kept


def note_playing(session: AsyncSession, actor: Actor, kept: KeptRecording) -> None:
    """It is played without its page having been opened lately: write that down too."""
    _note(session, actor, "recording-viewed", kept)


async def delete_recording(
    session: AsyncSession, actor: Actor, *, recording_id: uuid.UUID, reason: str
) -> KeptRecording:
    """Delete it before its time: nobody plays it from now on, and `jobs.keep_to_the_time` takes its files away.

    What was said and when stays. Raises NotFound, Forbidden for who is not the doctor, Invalid without a reason,
    Refused while it runs or where it is deleted.
    """
    kept = await _whole(session, actor, await _recording_for(session, actor, recording_id, lock=True))
    recording = kept.recording
    if not kept.is_doctors:
        raise Forbidden("The doctor of the patient deletes recordings.")
    if recording.ended_at is None:
        raise Refused("Stop the recording first.")
    if recording.deleted_at is not None:
        raise Refused("This recording is deleted already.")
    recording.deletion_reason = checked_reason(reason)
    recording.deleted_at, recording.deleted_by_id = now(), actor.role_id
    _note(session, actor, "recording-deleted", kept)
    await session.flush()
    return kept


async def _recording_for(
    session: AsyncSession, actor: Actor, recording_id: uuid.UUID, *, lock: bool = False
) -> Recording:
    query = select(Recording).where(Recording.id == recording_id, rows.recordings(actor))
    found = await session.scalar((query.with_for_update() if lock else query).execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


async def _whole(session: AsyncSession, actor: Actor, recording: Recording) -> KeptRecording:
    consult = await session.scalar(
        select(ServiceRequest)
        .join(Encounter, Encounter.service_request_id == ServiceRequest.id)
        .where(Encounter.id == recording.encounter_id)
        .options(joinedload(ServiceRequest.patient))
    )
    if consult is None:
        raise NotFound
    names = await _names(session, recording)
    said = await session.scalars(
        select(RecordingConsent)
        .where(RecordingConsent.recording_id == recording.id)
        .order_by(RecordingConsent.answered_at)
    )
    files = await session.scalars(
        select(RecordingFile)
        .where(RecordingFile.recording_id == recording.id)
        .order_by(RecordingFile.begun_at, RecordingFile.part)
    )
    return KeptRecording(
        recording,
        consult,
        names.get(recording.asked_by_id, ""),
        [(word, names.get(word.participant_id, "")) for word in said],
        [KeptFile(file, names.get(file.participant_id, "")) for file in files],
        is_doctors=consult.requester_role_id == actor.role_id,
    )


async def _names(session: AsyncSession, recording: Recording) -> dict[uuid.UUID, str]:
    found = await session.execute(
        select(EncounterParticipant.id, PractitionerRole, GuestPass.name)
        .outerjoin(PractitionerRole, PractitionerRole.id == EncounterParticipant.practitioner_role_id)
        .outerjoin(GuestPass, GuestPass.id == EncounterParticipant.guest_pass_id)
        .where(EncounterParticipant.encounter_id == recording.encounter_id)
        .options(joinedload(PractitionerRole.practitioner))
    )
    return {id: role.practitioner.name if role else guest for id, role, guest in found}


def _note(session: AsyncSession, actor: Actor, action: str, kept: KeptRecording) -> None:
    record(session, actor, action, kept.recording, patient_id=kept.recording.patient_id, consult=kept.consult.id)
