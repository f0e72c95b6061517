"""What was received waits for a person: candidates beside it, filed once with the right one, or rejected."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from teleconsult.accounts import Actor
from teleconsult.cda.telling import Told, tell
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.objects import Objects, open_store
from teleconsult.patients.matching import Sign
from teleconsult.patients.models import IdentifierStatus, Patient, PatientIdentifier
from teleconsult.patients.national_ids import NIR as NIR_SYSTEM
from teleconsult.received.models import ReceivedMessage, ReceivedStatus
from teleconsult.received.reading import read_mail
from teleconsult.received.sorting import (
    ToFile,
    candidates_for,
    file_message,
    received_for,
    received_here,
    reject_message,
    waiting_messages,
)
from teleconsult.received.taking import take_message
from teleconsult.records.documents import CDA, Document
from teleconsult.records.models import RecordEntry
from tests.people import Cast
from tests.teleconsult.directory.steps import audited
from tests.teleconsult.received.mails import INS, letter, mail, xdm


async def received(
    sessions: Sessions, actor: Actor, folder: Path, attached: bytes | None, **more: Any
) -> ReceivedMessage:
    raw = bytes(mail(attached, **more))
    path = folder / "mail"
    path.write_bytes(raw)
    head, body = read_mail(path)
    assert actor.organization_id
    async with transaction(sessions) as session:
        return await take_message(
            session,
            Objects(open_store(None, folder)),
            organization_id=actor.organization_id,
            head=head,
            body=body,
            raw=raw,
        )


def to_file(folder: Path, content: bytes | None = None) -> list[ToFile]:
    path = folder / "document"
    path.write_bytes(content or letter())
    document = Document(CDA, content or letter(), Told.read(tell(path)))
    return [ToFile(uuid.uuid4(), document, "Compte rendu", datetime(2026, 11, 1, tzinfo=UTC))]


async def file(
    sessions: Sessions,
    actor: Actor,
    message: ReceivedMessage,
    patient: Patient,
    documents: list[ToFile],
    reason: str = "",
) -> ReceivedMessage:
    async with transaction(sessions, actor) as session:
        return await file_message(
            session, actor, message_id=message.id, patient_id=patient.id, documents=documents, reason=reason
        )


async def give_number(sessions: Sessions, patient: Patient, status: IdentifierStatus) -> None:
    async with transaction(sessions) as session:
        session.add(
            PatientIdentifier(patient_id=patient.id, system=NIR_SYSTEM, value=INS, status=status, recorded_at=now())
        )


async def entries(sessions: Sessions, patient: Patient) -> list[RecordEntry]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(RecordEntry).where(RecordEntry.patient_id == patient.id)))


async def test_a_number_proposes_and_a_person_files(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    await give_number(sessions, cast.patient, IdentifierStatus.QUALIFIED)
    message = await received(sessions, cast.rural, tmp_path, xdm())
    assert (message.status, message.patient_id) == (ReceivedStatus.WAITING, None)
    async with transaction(sessions, cast.secretary) as session:
        assert await waiting_messages(session, cast.secretary) == 1
        [candidate] = await candidates_for(session, cast.secretary, message)
    assert candidate.patient.id == cast.patient.id
    assert candidate.is_proposed
    assert set(candidate.signs) == {Sign.SAME_NUMBER, Sign.SAME_NAME, Sign.SAME_BIRTH_DATE}
    filed = await file(sessions, cast.secretary, message, cast.patient, to_file(tmp_path))
    assert (filed.status, filed.patient_id, filed.decided_by_id) == (
        *(ReceivedStatus.FILED, cast.patient.id), cast.secretary.role_id,
    )  # fmt: skip
    [entry] = await entries(sessions, cast.patient)
    assert entry.resource["masterIdentifier"]["value"] == "2.25.299695622471"
    assert entry.author_name == "DR Jean Dupont"
    [event] = await audited(sessions, "message-filed")
    assert (event.patient_id, event.detail["documents"]) == (cast.patient.id, 1)
    with pytest.raises(Refused):
        await file(sessions, cast.secretary, message, cast.patient, to_file(tmp_path))


def test_people_read_the_subject_without_what_programs_need() -> None:
    for subject, read in (
        ("XDM/1.0/DDM+Compte rendu ROY Aline", "Compte rendu ROY Aline"),
        ("XDM/1.0/DDM", ""),
        ("Re: XDM/1.0/DDM+x", "Re: XDM/1.0/DDM+x"),
        ("Compte rendu", "Compte rendu"),
    ):
        assert ReceivedMessage(subject=subject).subject_read == read


async def test_traits_alone_are_a_candidate_and_no_proposal(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    message = await received(sessions, cast.rural, tmp_path, xdm())
    async with transaction(sessions, cast.rural) as session:
        [candidate] = await candidates_for(session, cast.rural, message)
    assert candidate.patient.id == cast.patient.id
    assert not candidate.is_proposed


async def test_a_number_with_other_traits_is_shown_and_not_proposed(
    cast: Cast, sessions: Sessions, tmp_path: Path
) -> None:
    await give_number(sessions, cast.patient, IdentifierStatus.QUALIFIED)
    other = letter(family="MARTIN", born="19990101")
    message = await received(sessions, cast.rural, tmp_path, xdm(other))
    async with transaction(sessions, cast.rural) as session:
        [candidate] = await candidates_for(session, cast.rural, message)
    assert not candidate.is_proposed
    assert Sign.OTHER_BIRTH_DATE in candidate.contradictions
    with pytest.raises(Invalid):
        await file(sessions, cast.rural, message, cast.patient, to_file(tmp_path, other))
    assert not await entries(sessions, cast.patient)
    await file(sessions, cast.rural, message, cast.patient, to_file(tmp_path, other), "She married; asked her.")
    assert len(await entries(sessions, cast.patient)) == 1


async def test_what_comes_twice_is_counted(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    """The same documents in another mail are the same message; after it was filed it does not wait again."""
    first = await received(sessions, cast.rural, tmp_path, xdm())
    await file(sessions, cast.rural, first, cast.patient, to_file(tmp_path))
    second = await received(sessions, cast.rural, tmp_path, xdm(), number=2)
    assert (second.id, second.times, second.status) == (first.id, 2, ReceivedStatus.FILED)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ReceivedMessage)) == 1


async def test_a_document_is_in_one_file(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    await file(
        sessions, cast.rural, await received(sessions, cast.rural, tmp_path, xdm()), cast.patient, to_file(tmp_path)
    )
    again = letter().replace(b"Compte rendu de consultation", b"The same, said again")
    message = await received(sessions, cast.rural, tmp_path, xdm(again))
    await file(sessions, cast.rural, message, cast.patient, to_file(tmp_path, again))
    assert len(await entries(sessions, cast.patient)) == 1, "it is there by its number already"
    async with transaction(sessions) as session:
        twin = Patient(
            **{name: getattr(cast.patient, name) for name in (
                "organization_id", "person_id", "family", "given", "family_folded", "given_folded", "birth_date",
                "gender", "created_at", "updated_at")}, local_number="TWIN",
        )  # fmt: skip
        session.add(twin)
    third = letter().replace(b"Compte rendu de consultation", b"And once more")
    message = await received(sessions, cast.rural, tmp_path, xdm(third))
    with pytest.raises(Conflict):
        await file(sessions, cast.rural, message, twin, to_file(tmp_path, third))


async def test_what_is_not_ours_is_rejected_with_a_reason(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    for attached in (xdm(), None):
        message = await received(sessions, cast.rural, tmp_path, attached)
        for reason, error in (("", Invalid), ("Not our patient.", None)):
            async with transaction(sessions, cast.secretary) as session:
                if error:
                    with pytest.raises(error):
                        await reject_message(session, cast.secretary, message_id=message.id, reason=reason)
                else:
                    await reject_message(session, cast.secretary, message_id=message.id, reason=reason)
        with pytest.raises(Refused):
            await file(sessions, cast.rural, message, cast.patient, to_file(tmp_path), "After all.")
    assert len(await audited(sessions, "message-rejected")) == 2


async def test_who_may_and_who_may_not(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    message = await received(sessions, cast.rural, tmp_path, xdm())
    for actor in (cast.stranger, cast.coordinator, cast.admin, cast.privacy, cast.operator):
        async with transaction(sessions, actor) as session:
            with pytest.raises(NotFound):
                await received_for(session, actor, message.id)
        with pytest.raises(NotFound):
            await file(sessions, actor, message, cast.patient, to_file(tmp_path))
    with pytest.raises(NotFound):
        await file(sessions, cast.rural, message, cast.strangers_patient, to_file(tmp_path))
    async with transaction(sessions, cast.coordinator) as session:
        assert not await received_here(session, cast.coordinator, status=ReceivedStatus.WAITING)
    async with transaction(sessions, cast.nurse) as session:
        assert len(await received_here(session, cast.nurse, status=ReceivedStatus.WAITING)) == 1
    own = await received(sessions, cast.coordinator, tmp_path, xdm())
    async with transaction(sessions, cast.coordinator) as session:
        assert [one.id for one in await received_here(session, cast.coordinator, status=ReceivedStatus.WAITING)] == [
            own.id
        ]
        with pytest.raises(NotFound):
            await candidates_for(session, cast.coordinator, own)
