"""A recording as it stands after a session: asked, agreed to, and kept in a file for each of the two."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from teleconsult.accounts import SYSTEM
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, start_encounter
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.encounters.recorded_files import Outcome, RecordedFiles
from teleconsult.encounters.recording_models import Recording, RecordingConsent, RecordingEnd
from teleconsult.encounters.recordings import PatientAgrees, end_recording
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests.people import Cast

FILM = bytes(range(256)) * 1000
PATIENT = PatientAgrees(ConsentBasis.PATIENT)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Its ids."""

    id: uuid.UUID
    file: uuid.UUID
    consult: uuid.UUID


def files_of(sessions: Sessions, settings: Settings) -> RecordedFiles:
    """Where the site keeps them."""
    return RecordedFiles.of(settings, sessions)


async def in_session(cast: Cast, sessions: Sessions, consult_id: uuid.UUID) -> list[uuid.UUID]:
    """Both are in a session that runs: their participants, the doctor's first."""
    async with transaction(sessions) as session:
        for actor in (cast.rural, cast.specialist):
            await arrive_encounter(session, actor, consult_id=consult_id)
        await start_encounter(session, cast.rural, consult_id=consult_id)
    return await seats(cast, sessions, consult_id)


async def seats(cast: Cast, sessions: Sessions, consult_id: uuid.UUID) -> list[uuid.UUID]:
    """The participants of a session, the doctor's first."""
    async with transaction(sessions) as session:
        found = await session.execute(
            select(EncounterParticipant.practitioner_role_id, EncounterParticipant.id)
            .join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
            .where(Encounter.service_request_id == consult_id)
        )
        by_role = dict(found.all())
    return [by_role[cast.rural.role_id], by_role[cast.specialist.role_id]]


async def recorded(cast: Cast, sessions: Sessions, settings: Settings, consult_id: uuid.UUID) -> Recorded:
    """Recorded, and over, whatever the session's state is."""
    people, files = await seats(cast, sessions, consult_id), files_of(sessions, settings)
    async with transaction(sessions, SYSTEM) as session:
        encounter = (await session.scalars(select(Encounter).where(Encounter.service_request_id == consult_id))).one()
        recording = Recording(
            id=uuid.uuid4(),
            encounter_id=encounter.id,
            patient_id=cast.patient.id,
            asked_by_id=people[0],
            asked_at=now(),
            started_at=now(),
        )
        session.add(recording)
        await session.flush()
        for person, basis in zip(people, (ConsentBasis.PATIENT, None), strict=True):
            session.add(
                RecordingConsent(
                    recording_id=recording.id,
                    participant_id=person,
                    agreed=True,
                    answered_at=now(),
                    patient_basis=basis,
                )
            )
    begun = []
    for person in people:
        file = await files.begin(recording.id, person, what="main", kinds={"audio", "video"})
        file.writer.write(FILM)
        file.writer.close()
        await files.keep(file, Outcome(4.0))
        begun.append(file.id)
    async with transaction(sessions, SYSTEM) as session:
        await end_recording(session, recording_id=recording.id, why=RecordingEnd.STOPPED, days=30, by=people[0])
    return Recorded(recording.id, begun[0], consult_id)


def objects_in(settings: Settings) -> Objects:
    """The site's own store."""
    return Objects(open_store(settings.objects_url, settings.data))
