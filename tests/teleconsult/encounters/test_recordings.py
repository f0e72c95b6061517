"""Who must have agreed before a session is recorded, and who may play, delete and outlive what was kept."""

import uuid
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from teleconsult.accounts import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import jobs
from teleconsult.encounters.call_models import Attendance
from teleconsult.encounters.jobs import end_forgotten, erase, erase_soon, expire
from teleconsult.encounters.kept_recordings import delete_recording, playable_file, recordings_of, view_recording
from teleconsult.encounters.recording_models import Recording, RecordingEnd, RecordingFile
from teleconsult.encounters.recordings import (
    PatientAgrees,
    answer_recording,
    ask_recording,
    begin_recording,
    end_abandoned,
    end_recording,
    withdraw_from_recording,
)
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from teleconsult.jobs import connected
from teleconsult.settings import Settings
from tests import consult_steps
from tests.kept_rows import KeptRows
from tests.people import Cast
from tests.recording_steps import PATIENT, Recorded, in_session, objects_in, recorded


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> uuid.UUID:
    return (await consult_steps.booked_lately(cast, sessions, kept_rows)).id


@pytest.fixture
async def kept(cast: Cast, sessions: Sessions, settings: Settings, consult: uuid.UUID) -> Recorded:
    return await recorded(cast, sessions, settings, consult)


async def ask(sessions: Sessions, actor: Actor, consult: uuid.UUID, patient: PatientAgrees | None = None) -> uuid.UUID:
    async with transaction(sessions, actor) as session:
        return (await ask_recording(session, actor, consult_id=consult, patient=patient)).id


async def begin(sessions: Sessions, recording: uuid.UUID, *present: uuid.UUID) -> None:
    async with transaction(sessions, SYSTEM) as session:
        await begin_recording(session, recording_id=recording, present=present)


async def test_nothing_begins_before_all_present_have_agreed(
    cast: Cast, sessions: Sessions, consult: uuid.UUID
) -> None:
    doctor, specialist = await in_session(cast, sessions, consult)
    recording = await ask(sessions, cast.specialist, consult)
    for present in ([], [specialist], [specialist, doctor]):
        with pytest.raises(Refused):
            await begin(sessions, recording, *present)
    async with transaction(sessions, cast.rural) as session:
        agree = partial(answer_recording, session, cast.rural, consult_id=consult, recording_id=recording, agrees=True)
        with pytest.raises(Invalid):
            await agree()
        await agree(patient=PATIENT)
        await agree(patient=PATIENT)
    await begin(sessions, recording, specialist, doctor)
    async with transaction(sessions, cast.rural) as session:
        await withdraw_from_recording(session, cast.rural, consult_id=consult, recording_id=recording)
    with pytest.raises(Refused):
        await begin(sessions, recording, specialist, doctor)


async def test_it_is_asked_in_a_session_that_runs_by_one_of_the_two(
    cast: Cast, sessions: Sessions, consult: uuid.UUID
) -> None:
    with pytest.raises(Refused):
        await ask(sessions, cast.rural, consult, PATIENT)
    await in_session(cast, sessions, consult)
    for stranger in (cast.stranger, cast.coordinator, cast.colleague):
        with pytest.raises(NotFound):
            await ask(sessions, stranger, consult, PATIENT)
    for nobody in (None, PatientAgrees(ConsentBasis.NECESSITY), PatientAgrees(ConsentBasis.REPRESENTATIVE, " ")):
        with pytest.raises(Invalid):
            await ask(sessions, cast.rural, consult, nobody)
    await ask(sessions, cast.rural, consult, PATIENT)
    with pytest.raises(Conflict):
        await ask(sessions, cast.specialist, consult)
    async with transaction(sessions, SYSTEM) as session:
        await end_abandoned(session, consult_id=consult, days=30)
    await ask(sessions, cast.specialist, consult)


async def test_the_two_of_the_session_play_it_and_nobody_else(cast: Cast, sessions: Sessions, kept: Recorded) -> None:
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions, actor) as session:
            seen = await view_recording(session, actor, kept.id)
            assert [one.name for one in seen.files] == [cast.rural.name, cast.specialist.name]
            assert seen.agreed == [cast.rural.name, cast.specialist.name]
            await playable_file(session, actor, kept.file)
            assert len(await recordings_of(session, actor, kept.consult)) == 1
    for actor in (cast.colleague, cast.coordinator, cast.nurse, cast.stranger, cast.oncall, cast.admin):
        async with transaction(sessions, actor) as session:
            assert await recordings_of(session, actor, kept.consult) == []
            with pytest.raises(NotFound):
                await view_recording(session, actor, kept.id)
            with pytest.raises(NotFound):
                await playable_file(session, actor, kept.file)
    async with transaction(sessions, SYSTEM) as session:
        views = await session.scalars(select(AuditEvent.actor_name).where(AuditEvent.action == "recording-viewed"))
        assert sorted(views) == sorted([cast.rural.name, cast.specialist.name])


async def test_without_the_patients_consent_the_specialist_plays_it_no_longer(
    cast: Cast, sessions: Sessions, kept: Recorded
) -> None:
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=kept.consult, reason="They changed their mind.")
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(NotFound):
            await view_recording(session, cast.specialist, kept.id)
    async with transaction(sessions, cast.rural) as session:
        await view_recording(session, cast.rural, kept.id)


async def test_the_doctor_deletes_it_with_a_reason_and_its_bytes_go(
    cast: Cast, sessions: Sessions, settings: Settings, kept: Recorded
) -> None:
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Forbidden):
            await delete_recording(session, cast.specialist, recording_id=kept.id, reason="No.")
    async with transaction(sessions, cast.rural) as session:
        with pytest.raises(Invalid):
            await delete_recording(session, cast.rural, recording_id=kept.id, reason=" ")
    objects = objects_in(settings)
    async with transaction(sessions, SYSTEM) as session:
        keys = [key for key in await session.scalars(select(RecordingFile.object_key)) if key]
    async with transaction(sessions, cast.rural) as session:
        await delete_recording(session, cast.rural, recording_id=kept.id, reason="The patient asked for it.")
        with pytest.raises(NotFound):
            await playable_file(session, cast.rural, kept.file)
        with pytest.raises(Refused):
            await delete_recording(session, cast.rural, recording_id=kept.id, reason="Again.")
    assert await erase(sessions, objects) == 2
    assert await erase(sessions, objects) == 0
    assert [await objects.size_of(key) for key in keys] == [None, None]
    async with transaction(sessions, cast.rural) as session:
        seen = await view_recording(session, cast.rural, kept.id)
        assert seen.recording.deletion_reason == "The patient asked for it."
        assert {(one.file.sealed_key, one.file.object_key) for one in seen.files} == {(None, None)}


async def test_its_time_ends(cast: Cast, sessions: Sessions, settings: Settings, kept: Recorded) -> None:
    assert await expire(sessions) == 0
    async with transaction(sessions, SYSTEM) as session:
        row = await session.get_one(Recording, kept.id)
        assert row.ended_at
        assert row.expires_at == row.ended_at + timedelta(days=30)
        await session.execute(update(Recording).values(expires_at=now() - timedelta(seconds=1)))
    assert await expire(sessions) == 1
    assert await erase(sessions, objects_in(settings)) == 2
    async with transaction(sessions, cast.rural) as session:
        seen = await view_recording(session, cast.rural, kept.id)
        assert (seen.recording.deleted_by_id, seen.is_playable) == (None, False)
    async with transaction(sessions, SYSTEM) as session:
        assert await session.scalar(select(AuditEvent.id).where(AuditEvent.action == "recording-expired"))


async def test_what_nobody_ended_is_ended_once_nobody_is_there(
    cast: Cast, sessions: Sessions, consult: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_session(cast, sessions, consult)
    recording = await ask(sessions, cast.rural, consult, PATIENT)
    await end_forgotten(sessions, days=30)
    monkeypatch.setattr(jobs, "FORGOTTEN", timedelta(minutes=-1))  # as if it had been asked for long ago
    async with transaction(sessions, SYSTEM) as session:
        assert (await session.get_one(Recording, recording)).ended_at is None, "it was asked for just now"
        await session.execute(update(Attendance).values(seen_at=now() + timedelta(minutes=2)))
    await end_forgotten(sessions, days=30)
    async with transaction(sessions, SYSTEM) as session:
        assert (await session.get_one(Recording, recording)).ended_at is None, "they are there still"
        await session.execute(update(Attendance).values(seen_at=now()))
    await end_forgotten(sessions, days=30)
    async with transaction(sessions, SYSTEM) as session:
        await end_recording(session, recording_id=recording, why=RecordingEnd.STOPPED, days=30)
        row = await session.get_one(Recording, recording)
        assert (row.ended_why, row.expires_at) == (RecordingEnd.CUT_OFF, None), "ended once, and never begun"


async def test_the_worker_erases_what_a_doctor_deleted(
    cast: Cast, sessions: Sessions, settings: Settings, kept: Recorded
) -> None:
    async with connected(settings.database_url or "") as app:
        async with transaction(sessions, cast.rural) as session:
            await delete_recording(session, cast.rural, recording_id=kept.id, reason="The patient asked for it.")
            await erase_soon(session)
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions, "settings": settings},
        )
    async with transaction(sessions, SYSTEM) as session:
        assert set(await session.scalars(select(RecordingFile.sealed_key))) == {None}
