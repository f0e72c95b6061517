"""Images that name nobody for sure: who sees them, whom they may be of, and what becomes of them."""

import asyncio
import dataclasses
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.imaging.matching import (
    discard_study,
    likely_patients,
    match_study,
    waiting_images,
    waiting_studies,
    waiting_study_for,
)
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.queries import study_for
from teleconsult.patients.matching import Sign
from teleconsult.records.models import Origin, RecordEntry
from tests.people import Cast
from tests.waiting import eventually, is_one_held_up

SEES = ("rural", "colleague", "nurse", "secretary")
SEES_NOT = ("specialist", "stranger", "coordinator", "admin", "privacy", "operator", "nurse_elsewhere")


async def waiting(cast: Cast, sessions: Sessions, *, uid: str = "1.2.3", **said: Any) -> uuid.UUID:
    """A study with one image that says this of its patient."""
    house, moment = cast.rural.organization_id, now()
    values = {"header_patient_name": "Belanger^Rosa", "header_patient_id": "A-7", "created_at": moment, **said}
    study = ImagingStudy(
        id=uuid.uuid4(), organization_id=house, study_instance_uid=uid, source="Scanner", modalities=["CT"], **values
    )
    series = ImagingSeries(id=uuid.uuid4(), imaging_study_id=study.id, series_instance_uid=f"{uid}.1", modality="CT")
    image = ImagingInstance(
        organization_id=house,
        imaging_series_id=series.id,
        sop_instance_uid=f"{uid}.1.1",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        size=1,
        sha256=b"",
        object_key=f"dicom/{uid}",
        created_at=moment,
    )
    async with transaction(sessions) as session:
        for row in (study, series, image):
            session.add(row)
            await session.flush()
    return study.id


async def match(sessions: Sessions, actor: Actor, study_id: uuid.UUID, patient_id: uuid.UUID, reason: str = "") -> None:
    async with transaction(sessions, actor) as session:
        await match_study(session, actor, study_id=study_id, patient_id=patient_id, reason=reason)


async def test_who_registers_patients_there_sees_it_and_nobody_else(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions)
    for who in SEES:
        actor = getattr(cast, who)
        async with transaction(sessions, actor) as session:
            assert [study.id for study in (await waiting_studies(session, actor)).studies] == [study_id], who
            assert (await waiting_study_for(session, actor, study_id)).id == study_id
            assert await waiting_images(session, actor) == 1
            with pytest.raises(NotFound):  # the pictures are nobody's to look at
                await study_for(session, actor, "1.2.3")
    for who in SEES_NOT:
        actor = getattr(cast, who)
        async with transaction(sessions, actor) as session:
            assert await waiting_images(session, actor) == 0, who
            with pytest.raises(NotFound):
                await waiting_study_for(session, actor, study_id)


async def test_the_list_goes_on_where_a_page_ends(
    cast: Cast, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleconsult.imaging.matching.PAGE", 2)
    start = now()
    made = [
        await waiting(cast, sessions, uid=f"1.2.{number}", created_at=start + timedelta(seconds=number))
        for number in range(3)
    ]
    async with transaction(sessions, cast.nurse) as session:
        first = await waiting_studies(session, cast.nurse)
        rest = await waiting_studies(session, cast.nurse, after=first.next)
        nobody = await waiting_studies(session, cast.nurse, after=uuid.uuid4())
    assert [study.id for study in first.studies] == made[:2]
    assert ([study.id for study in rest.studies], rest.next) == (made[2:], None)
    assert not nobody.studies


@pytest.mark.parametrize(
    ("said", "signs"),
    [
        ({"header_patient_name": "BELANGER^ROSE"}, {Sign.SAME_NAME}),
        ({"header_birth_date": date(1951, 3, 14)}, {Sign.SAME_FAMILY, Sign.SAME_BIRTH_DATE}),
        ({"header_birth_date": date(1951, 3, 14), "header_patient_name": "Rose^Bélanger"}, {Sign.SWAPPED_NAME}),
        ({"header_patient_id": "own", "header_patient_name": "X"}, {Sign.SAME_NUMBER, Sign.OTHER_NAME}),
    ],
)
async def test_likely_patients_come_with_what_speaks_for_them(
    cast: Cast, sessions: Sessions, said: dict[str, Any], signs: set[Sign]
) -> None:
    if said.get("header_patient_id") == "own":
        said = {**said, "header_patient_id": cast.patient.local_number}
    study_id = await waiting(cast, sessions, **said)
    async with transaction(sessions, cast.nurse) as session:
        likely = await likely_patients(session, cast.nurse, await waiting_study_for(session, cast.nurse, study_id))
    assert [one.patient.id for one in likely] == [cast.patient.id]
    assert signs <= set(likely[0].signs)


@pytest.mark.parametrize("name", ["", "^^^", "=", "Nobody^Here", "& | ! :*", "%_'\"", "a" * 1000])
async def test_whatever_name_the_images_bear_nothing_breaks(cast: Cast, sessions: Sessions, name: str) -> None:
    study_id = await waiting(cast, sessions, header_patient_name=name)
    async with transaction(sessions, cast.nurse) as session:
        study = await waiting_study_for(session, cast.nurse, study_id)
        assert not await likely_patients(session, cast.nurse, study)


@pytest.mark.parametrize("who", ["nurse", "secretary", "colleague"])
async def test_matched_images_are_in_the_patient_s_file(cast: Cast, sessions: Sessions, who: str) -> None:
    study_id = await waiting(cast, sessions, header_patient_name="Bélanger^Rose")
    actor = getattr(cast, who)
    await match(sessions, actor, study_id, cast.patient.id)
    async with transaction(sessions, cast.rural) as session:
        study = await study_for(session, cast.rural, "1.2.3")
        entry = (await session.scalars(select(RecordEntry).where(RecordEntry.source_id == study_id))).one()
    assert (study.patient_id, study.identity_differs, study.reconciled_by_id) == (cast.patient.id, False, actor.role_id)
    assert (entry.patient_id, entry.origin, entry.author_name) == (cast.patient.id, Origin.DICOM, "Scanner")
    async with transaction(sessions) as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "study-matched"))).one()
    assert (event.account_id, event.patient_id, event.entity_id) == (actor.account_id, cast.patient.id, study_id)


async def test_another_name_wants_a_reason_that_is_kept(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions)
    with pytest.raises(Invalid) as caught:
        await match(sessions, cast.nurse, study_id, cast.patient.id, " ")
    assert set(caught.value.fields) == {"reason"}
    await match(sessions, cast.nurse, study_id, cast.patient.id, "Typed wrong at the scanner.")
    async with transaction(sessions) as session:
        study = await session.get_one(ImagingStudy, study_id)
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "study-matched"))).one()
    assert (study.identity_differs, event.detail["reason"]) == (True, "Typed wrong at the scanner.")


async def test_another_birth_date_wants_a_reason_too(cast: Cast, sessions: Sessions) -> None:
    said = {"header_patient_name": "Bélanger^Rose", "header_birth_date": date(1901, 1, 1)}
    with pytest.raises(Invalid):
        await match(sessions, cast.nurse, await waiting(cast, sessions, **said), cast.patient.id)


async def test_it_is_matched_once(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions, header_patient_name="Bélanger^Rose")
    async with transaction(sessions, cast.nurse) as late:
        await waiting_study_for(late, cast.nurse, study_id)
        await match(sessions, cast.secretary, study_id, cast.patient.id)
    for again in (match(sessions, cast.nurse, study_id, cast.patient.id), discard(sessions, cast.nurse, study_id)):
        with pytest.raises(NotFound):
            await again


async def test_of_two_at_once_the_second_is_told(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions, header_patient_name="Bélanger^Rose")
    async with transaction(sessions, cast.secretary) as session:
        await match_study(session, cast.secretary, study_id=study_id, patient_id=cast.patient.id)
        second = asyncio.create_task(match(sessions, cast.nurse, study_id, cast.patient.id))
        assert await eventually(lambda: is_one_held_up(sessions)), "it looked the study up, and waits for the first"
    with pytest.raises(Refused):
        await second


async def test_only_with_a_patient_of_the_house(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions)
    for patient_id in (cast.patient_elsewhere.id, cast.strangers_patient.id, uuid.uuid4()):
        with pytest.raises(NotFound):
            await match(sessions, cast.nurse, study_id, patient_id, "Surely them.")
    for who in SEES_NOT:
        with pytest.raises(NotFound):
            await match(sessions, getattr(cast, who), study_id, cast.patient.id, "Surely them.")


async def discard(sessions: Sessions, actor: Actor, study_id: uuid.UUID, reason: str = "Not ours.") -> list[str]:
    async with transaction(sessions, actor) as session:
        return await discard_study(session, actor, study_id=study_id, reason=reason)


async def test_what_is_nobody_s_can_go(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions)
    with pytest.raises(Invalid):
        await discard(sessions, cast.nurse, study_id, "")
    for who in SEES_NOT:
        with pytest.raises(NotFound):
            await discard(sessions, getattr(cast, who), study_id)
    assert await discard(sessions, cast.secretary, study_id) == ["dicom/1.2.3"]
    async with transaction(sessions) as session:
        for row in (ImagingStudy, ImagingSeries, ImagingInstance):
            assert not (await session.scalars(select(row))).all()
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "study-discarded"))).one()
    assert (event.account_id, event.entity_id) == (cast.secretary.account_id, study_id)
    assert event.detail == {"instances": 1, "study_instance_uid": "1.2.3", "reason": "Not ours."}


async def test_a_narrowed_token_matches_nothing(cast: Cast, sessions: Sessions) -> None:
    study_id = await waiting(cast, sessions)
    images_only = dataclasses.replace(cast.rural, scope=frozenset({"images"}))
    with pytest.raises(NotFound):
        await match(sessions, images_only, study_id, cast.patient.id, "Surely them.")
