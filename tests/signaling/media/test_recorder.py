"""The recorder over real media: aiortc sends through the forwarder, and what was kept is played."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from obstore.store import LocalStore
from sqlalchemy import select

from signaling.media.forwarder import Forwarder
from signaling.media.recorder import Recorder
from signaling.media.webm import Webm
from teleconsult.accounts import SYSTEM
from teleconsult.consents.models import ConsentBasis
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, start_encounter
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.encounters.recorded_files import RecordedFiles
from teleconsult.encounters.recording_models import RecordingFile
from teleconsult.encounters.recordings import PatientAgrees, ask_recording
from teleconsult.objects import Objects
from teleconsult.sealed_files import SealedWriter
from tests.people import Cast
from tests.signaling.booking import Booking
from tests.signaling.media.encoded import Played, audio, kept, pictures, played, send, sounds, video
from tests.signaling.media.publisher import Publisher
from tests.waiting import eventually


@dataclass
class Desk:
    """A recording that everybody agreed to, and where its files go."""

    files: RecordedFiles
    objects: Objects
    sessions: Sessions
    recording: uuid.UUID
    forwarder: Forwarder
    failures: list[str] = field(default_factory=list)

    def recorder(self, *pids: uuid.UUID) -> Recorder:
        """That starts at once."""
        recorder = Recorder(
            self.files,
            self.forwarder,
            recording_id=self.recording,
            pids=pids,
            failed=lambda: self.failures.append("failed"),
        )
        recorder.start()
        return recorder

    def publisher(self, pid: uuid.UUID, *, picture: bool = True) -> Publisher:
        """Somebody who sends."""
        return Publisher(lambda sdp: self.forwarder.offer(pid, sdp, {}), picture=picture)

    async def rows(self) -> list[RecordingFile]:
        """What was written down of the files."""
        async with transaction(self.sessions, SYSTEM) as session:
            found = select(RecordingFile).order_by(RecordingFile.participant_id, RecordingFile.part)
            return list(await session.scalars(found))

    async def played(self, row: RecordingFile) -> Played:
        """A file decoded through."""
        assert row.object_key
        assert row.size
        key = self.files.key_of(row)
        return played(await kept(self.objects, row.object_key, key, name=row.id.bytes, size=row.size))


@pytest.fixture
async def people(sessions: Sessions, booking: Booking) -> list[uuid.UUID]:
    """The participants of the session."""
    async with transaction(sessions) as session:
        of_session = EncounterParticipant.encounter_id == booking.encounter.id
        return list(await session.scalars(select(EncounterParticipant.id).where(of_session)))


@pytest.fixture
async def desk(sessions: Sessions, cast: Cast, booking: Booking, tmp_path: Path) -> AsyncIterator[Desk]:
    """In a session that runs."""
    async with transaction(sessions) as session:
        for actor in (cast.rural, cast.specialist):
            await arrive_encounter(session, actor, consult_id=booking.consult)
        await start_encounter(session, cast.rural, consult_id=booking.consult)
    async with transaction(sessions, cast.rural) as session:
        agrees = PatientAgrees(ConsentBasis.PATIENT)
        recording = await ask_recording(session, cast.rural, consult_id=booking.consult, patient=agrees)
    (tmp_path / "objects").mkdir()
    objects = Objects(LocalStore(tmp_path / "objects"))
    files = RecordedFiles(sessions, objects, secret_key="s" * 32, data=tmp_path, days=30)
    forwarder = Forwarder()
    yield Desk(files, objects, sessions, recording.id, forwarder)
    await forwarder.close()


async def test_ten_short_ones_in_a_row_have_sound_and_picture(desk: Desk, people: list[uuid.UUID]) -> None:
    async with desk.publisher(people[0]):
        for _take in range(10):
            recorder = desk.recorder(*people)
            assert await eventually(partial(_has_run, recorder, 0.25))
            await recorder.stop()
    rows = await desk.rows()
    assert [row.part for row in rows] == list(range(1, 11))
    for row in rows:
        shown = await desk.played(row)
        assert row.has_audio
        assert row.has_video
        assert not row.is_cut
        assert min(len(shown.video), len(shown.audio)) > 3
        assert row.seconds == pytest.approx(max(shown.video + shown.audio) / 1000, abs=0.05)
    assert desk.failures == []


async def test_who_did_not_agree_is_in_no_file(desk: Desk, people: list[uuid.UUID]) -> None:
    async with desk.publisher(people[0], picture=False), desk.publisher(people[1]):
        recorder = desk.recorder(people[0])
        await asyncio.sleep(0.5)
        await recorder.stop()
    (row,) = await desk.rows()
    assert (row.participant_id, row.has_video) == (people[0], False)
    assert (await desk.played(row)).video == []


async def test_nothing_is_taken_once_it_was_told_to_stop(desk: Desk, people: list[uuid.UUID]) -> None:
    camera, microphone = video(), audio()
    recorder = desk.recorder(*people)
    for line in (camera, microphone):
        recorder.came(people[0], line.source)
    send((camera, camera.packed(pictures(10))), (microphone, microphone.packed(sounds(20))), at=0)
    await asyncio.sleep(0.3)
    recorder.stop_taking()
    assert camera.source.sinks == microphone.source.sinks == []
    send((microphone, microphone.packed(sounds(100), ms=400)), at=0)
    await asyncio.wait_for(recorder.stop(), 1)
    (row,) = await desk.rows()
    shown = await desk.played(row)
    assert (len(shown.video), len(shown.audio)) == (10, 20)


async def test_another_connection_and_a_later_camera_begin_another_file(desk: Desk, people: list[uuid.UUID]) -> None:
    recorder = desk.recorder(*people)
    microphone, camera, another = audio(), video(), audio()
    recorder.came(people[0], microphone.source)
    send((microphone, microphone.packed(sounds(20))), at=0)
    assert await eventually(lambda: _seconds(recorder) > 0)
    recorder.came(people[0], camera.source)
    frames = camera.packed(pictures(10))
    send((camera, frames), (microphone, microphone.packed(sounds(20), ms=400)), at=0)
    await asyncio.sleep(0.6)
    recorder.went(people[0], microphone.source)
    recorder.went(people[0], camera.source)
    recorder.came(people[0], another.source)
    send((another, another.packed(sounds(20))), at=0)
    await recorder.stop()
    rows = await desk.rows()
    assert [(row.part, row.has_audio, row.has_video) for row in rows] == [
        (1, True, False),
        (2, True, True),
        (3, True, False),
    ]


async def test_a_full_disk_ends_it_and_what_was_written_is_played(
    desk: Desk, people: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = desk.recorder(*people)
    camera, microphone = video(), audio()
    for line in (camera, microphone):
        recorder.came(people[0], line.source)
    send((camera, camera.packed(pictures(50))), (microphone, microphone.packed(sounds(100))), at=0)
    assert await eventually(lambda: _seconds(recorder) > 1)

    def full(_writer: SealedWriter) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SealedWriter, "flush", full)
    assert await eventually(lambda: desk.failures == ["failed"])
    await recorder.stop()
    monkeypatch.undo()
    (row,) = await desk.rows()
    assert row.is_cut
    assert len((await desk.played(row)).video) > 20


@pytest.mark.parametrize("header", [b"\x9d\x01\x2a\0\0\0\0", b"\0\0\0\0\0\0\0"], ids=["of no size", "no start code"])
async def test_a_bad_picture_costs_nobody_their_file(desk: Desk, people: list[uuid.UUID], header: bytes) -> None:
    recorder = desk.recorder(*people)
    good, bad, microphone = audio(), video(), audio()
    recorder.came(people[0], good.source)
    recorder.came(people[1], microphone.source)
    recorder.came(people[1], bad.source)
    send((bad, bad.packed((b"\x10\x02\0" + header + b"x" * 50,))), at=0)
    send((bad, bad.packed(pictures(5), ms=40)), at=0)
    send((good, good.packed(sounds(20))), (microphone, microphone.packed(sounds(20))), at=0)
    assert await eventually(lambda: _seconds(recorder) > 0.1)
    await asyncio.wait_for(recorder.stop(), 2)
    rows = await desk.rows()
    assert {(row.participant_id, row.has_video, row.is_cut) for row in rows} == {
        (people[0], False, False),
        (people[1], True, False),
    }
    assert all(row.ended_at is not None for row in rows)
    assert [len((await desk.played(row)).video) for row in rows if row.has_video] == [5]
    assert desk.failures == []


async def test_what_fits_no_file_costs_nobody_elses(
    desk: Desk, people: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = desk.recorder(*people)
    good, camera = audio(), video()
    recorder.came(people[0], good.source)
    recorder.came(people[1], camera.source)
    send((good, good.packed(sounds(10))), (camera, camera.packed(pictures(5))), at=0)
    assert await eventually(lambda: len(recorder._open) == 2)
    write = Webm.add

    def refuse(webm: Webm, kind: str, payload: bytes, *, at: int, is_key: bool) -> None:
        if kind == "video":
            raise ValueError("no such frame")
        write(webm, kind, payload, at=at, is_key=is_key)

    monkeypatch.setattr(Webm, "add", refuse)
    send((camera, camera.packed(pictures(5), ms=200)), at=0)
    assert await eventually(lambda: len(recorder._open) == 1)
    send((good, good.packed(sounds(20), ms=200)), at=0)
    assert await eventually(lambda: _seconds(recorder) > 0.5)
    await asyncio.wait_for(recorder.stop(), 2)
    assert {(row.participant_id, row.is_cut, row.ended_at is None) for row in await desk.rows()} == {
        (people[0], False, False),
        (people[1], True, False),
    }
    assert desk.failures == []


async def test_what_a_server_that_died_left_is_kept_and_said_to_be_cut_off(
    desk: Desk, people: list[uuid.UUID], tmp_path: Path
) -> None:
    file = await desk.files.begin(desk.recording, people[0], what="main", kinds={"audio"})
    file.writer.write(b"x" * 100_000)
    file.writer.flush()
    assert await desk.files.take_up() == 0, "somebody writes it"
    file.writer.close()
    os.close(file.lock)
    assert await desk.files.take_up() == 1
    assert await desk.files.take_up() == 0
    (row,) = await desk.rows()
    assert (row.is_cut, row.size, row.has_audio) == (True, 100_000, True)
    assert row.object_key
    whole = await kept(desk.objects, row.object_key, desk.files.key_of(row), name=row.id.bytes, size=100_000)
    assert whole == b"x" * 100_000
    assert list((tmp_path / "recordings").glob("*")) == []


def _has_run(recorder: Recorder, seconds: float) -> bool:
    return _seconds(recorder) > seconds


def _seconds(recorder: Recorder) -> float:
    return max((tape.seconds for tape in recorder._tapes.values()), default=0)
