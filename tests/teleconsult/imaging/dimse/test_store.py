"""C-STORE and C-ECHO: what is taken from whom, where it lands, and what each sender is told."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, generate_uid
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse import recognising
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.pdus import Kind, Reason, abort
from teleconsult.imaging.dimse.recognising import MOST_OF_PEER, Hall
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.dimse.scanner import (
    ECHO,
    HOST,
    Rejected,
    Scanner,
    Verification,
    data,
    proposal,
    status_in,
)
from tests.teleconsult.imaging.files import HEAD, dicom_bytes, hostile_files

UNKNOWN_CALLER, NOT_US, TOO_MANY = Rejected(1, 1, 3), Rejected(1, 1, 7), Rejected(2, 3, 2)
HOSTILE = hostile_files()
pytestmark = pytest.mark.usefixtures("peer")


async def instances(sessions: Sessions) -> Sequence[ImagingInstance]:
    async with transaction(sessions) as session:
        return (await session.scalars(select(ImagingInstance))).all()


async def events(sessions: Sessions, action: str) -> Sequence[AuditEvent]:
    async with transaction(sessions) as session:
        return (await session.scalars(select(AuditEvent).where(AuditEvent.action == action))).all()


def statuses(answers: object) -> list[int]:
    assert isinstance(answers, list)
    return [answer.Status for answer in answers]


def left_behind(settings: Settings) -> list[Path]:
    return [path for path in (settings.data / "tmp").rglob("*") if path.is_file()]


async def test_it_echoes(scanner: Scanner) -> None:
    assert await scanner.echo() == 0


async def test_a_study_is_filed_with_the_patient_it_names(
    scanner: Scanner, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    study, series = generate_uid(), generate_uid()
    own = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
    files = [slice_of(cast, InstanceNumber=number, **own) for number in (1, 2, 3)]
    assert statuses(await scanner.store(*files)) == [0, 0, 0]
    async with transaction(sessions) as session:
        filed = (await session.scalars(select(ImagingStudy))).one()
    assert (filed.patient_id, filed.source, filed.number_of_instances) == (cast.patient.id, "Scanner 1", 3)
    assert len(await instances(sessions)) == 3
    kept = await Objects(open_store(None, settings.data)).get((await instances(sessions))[0].object_key)
    assert kept[128:132] == b"DICM"
    assert any(kept.endswith(content[-200:]) for content in files)
    stored = await events(sessions, "images-stored")
    assert {(event.actor_name, event.organization_id) for event in stored} == {
        ("Scanner 1", cast.rural.organization_id)
    }
    assert not left_behind(settings)


async def test_a_patient_it_does_not_know_waits_to_be_matched(scanner: Scanner, sessions: Sessions) -> None:
    assert statuses(await scanner.store(dicom_bytes(PatientID="nobody's"))) == [0]
    async with transaction(sessions) as session:
        assert (await session.scalars(select(ImagingStudy))).one().patient_id is None


@pytest.mark.parametrize("content", [dicom_bytes(ImplicitVRLittleEndian), HEAD.read_bytes()])
async def test_it_is_kept_as_it_was_sent(scanner: Scanner, sessions: Sessions, content: bytes) -> None:
    assert await scanner.push(content) == 0
    (kept,) = await instances(sessions)
    assert kept.transfer_syntax_uid in (ImplicitVRLittleEndian, JPEG2000Lossless)


async def test_what_was_cut_off_comes_again_whole(scanner: Scanner, sessions: Sessions) -> None:
    whole = dicom_bytes()
    assert await scanner.push(whole[:-100]) == 0xC000
    assert not await instances(sessions)
    assert await scanner.push(whole) == 0


async def test_one_that_is_not_what_was_announced_is_not_kept(
    scanner: Scanner, sessions: Sessions, settings: Settings
) -> None:
    uid = generate_uid()
    other = dicom_bytes(SOPInstanceUID=uid).replace(uid.encode(), f"{uid[:-1]}x".encode(), 1)
    assert other.count(uid.encode()) == 1
    assert await scanner.push(other.replace(f"{uid[:-1]}x".encode(), f"{uid[:-3]}777".encode(), 1)) == 0xA900
    assert not await instances(sessions)
    assert not left_behind(settings)


async def test_the_same_again_is_fine_and_other_bytes_are_not(scanner: Scanner, cast: Cast, sessions: Sessions) -> None:
    own = {"SOPInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    first, other = slice_of(cast, **own), slice_of(cast, shade=5, **own)
    answers = await scanner.store(first, first, other)
    assert isinstance(answers, list)
    assert statuses(answers) == [0, 0, 0x0111]
    assert 0 < len(answers[2].ErrorComment) <= 64
    assert len(await instances(sessions)) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": "CT2"}, UNKNOWN_CALLER),
        ({"title": "ct1"}, UNKNOWN_CALLER),
        ({"called": "ORTHANC"}, NOT_US),
    ],
)
async def test_who_is_not_known_is_sent_away_and_told_of_once(
    scanner: Scanner, sessions: Sessions, change: dict[str, str], told: Rejected
) -> None:
    for name, value in change.items():
        setattr(scanner, name, value)
    assert await scanner.echo() == told
    assert await scanner.echo() == told
    (event,) = await events(sessions, "dicom-association-refused")
    assert event.outcome == "denied"


@pytest.mark.parametrize("network", ["10.0.0.0/24", "127.0.0.2/32", "::1/128"])
async def test_from_elsewhere_it_is_not_the_scanner(scanner: Scanner, sessions: Sessions, network: str) -> None:
    async with transaction(sessions) as session:
        session.add(await another(session, network=network))
        await session.execute(update(DicomPeer).where(DicomPeer.name == "Scanner 1").values(disabled_at=now()))
    assert await scanner.echo() == UNKNOWN_CALLER


async def test_two_that_could_be_meant_are_neither(scanner: Scanner, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        session.add(await another(session, network="127.0.0.0/24"))
    assert await scanner.echo() == UNKNOWN_CALLER


@pytest.mark.parametrize("change", [{"disabled_at": now()}, {"network": "192.0.2.1/32"}], ids=["off", "elsewhere"])
async def test_one_that_may_send_no_more_meanwhile_goes(
    scanner: Scanner, sessions: Sessions, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognising, "LOOK_AGAIN", 0)
    reader, writer = await asyncio.open_connection(HOST, scanner.port)
    writer.write(proposal(Verification))
    assert (await reader.read(4096))[0] == Kind.ASSOCIATE_AC
    async with transaction(sessions) as session:
        await session.execute(update(DicomPeer).values(change))
    writer.write(data((1, 3, ECHO)))
    heard = await reader.read()
    assert status_in(heard) == 0
    assert heard.endswith(abort(Reason.UNSPECIFIED))
    writer.close()
    assert await scanner.echo() == UNKNOWN_CALLER


async def test_no_system_takes_all_the_seats(scanner: Scanner, hall: Hall, peer: DicomPeer) -> None:
    hall.seated[peer.id] = MOST_OF_PEER
    assert await scanner.echo() == TOO_MANY
    hall.seated[peer.id] -= 1
    assert await scanner.echo() == 0


async def test_a_class_that_is_not_of_storage_is_not_agreed_to(scanner: Scanner) -> None:
    unknown = dicom_bytes(SOPClassUID="1.2.826.0.1.3680043.9.9.9")
    with pytest.raises(ValueError, match="No presentation context"):
        await scanner.store(unknown)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "one byte after the prefix"])
async def test_files_that_lie_harm_nobody(scanner: Scanner, cast: Cast, settings: Settings, name: str) -> None:
    assert await scanner.push(HOSTILE[name]) in (0, 0x0117, 0xA700, 0xA900, 0xC000)
    assert await scanner.push(slice_of(cast)) == 0
    assert not left_behind(settings)


async def another(session: AsyncSession, **changes: str) -> DicomPeer:
    """A system of the same title, of the same house as the first."""
    first = (await session.scalars(select(DicomPeer))).one()
    return DicomPeer(
        organization_id=first.organization_id, name="Other", ae_title=first.ae_title, created_at=now(), **changes
    )
