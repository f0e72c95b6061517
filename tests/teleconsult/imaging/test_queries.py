"""Who may open a study: those who treat the patient, and those it was shared with."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.excerpts.revoking import revoke_excerpt
from teleconsult.imaging.queries import instance_for, open_study, studies_of_consult, study_for
from teleconsult.patients.models import CareRelation
from teleconsult.records.models import RecordEntry
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

UID, SOP = "1.2.3", "1.2.3.9"


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, tmp_path: Path) -> AsyncIterator[ServiceRequest]:
    """A submitted consult with one study of three slices."""
    submitted = await consult_steps.submitted(cast, sessions)
    first = dicom_bytes(StudyInstanceUID=UID, SeriesInstanceUID="1.2.3.1", SOPInstanceUID=SOP, InstanceNumber=2)
    others = [
        dicom_bytes(StudyInstanceUID=UID, SeriesInstanceUID="1.2.3.1", InstanceNumber=number) for number in (1, 3)
    ]
    async with door(sessions, tmp_path) as opened:
        await opened.bring(cast.rural, submitted.id, first, *others)
    yield submitted


@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_readers(cast: Cast, sessions: Sessions, consult: ServiceRequest, who: str) -> None:
    async with transaction(sessions) as session:
        study = await open_study(session, getattr(cast, who), UID)
        (series,) = study.series
        assert [instance.number for instance in series.instances] == [1, 2, 3]
        assert (await instance_for(session, getattr(cast, who), study_uid=UID, sop_uid=SOP)).number == 2
    async with transaction(sessions) as session:
        opened = select(func.count()).where(AuditEvent.action == "study-opened", AuditEvent.entity_id == study.id)
        assert await session.scalar(opened) == 1


@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else(cast: Cast, sessions: Sessions, consult: ServiceRequest, who: str) -> None:
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await study_for(session, getattr(cast, who), UID)
        with pytest.raises(NotFound):
            await instance_for(session, getattr(cast, who), study_uid=UID, sop_uid=SOP)


async def test_the_specialist_loses_it_when_it_is_revoked(
    cast: Cast, sessions: Sessions, consult: ServiceRequest
) -> None:
    async with transaction(sessions) as session:
        await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason="The wrong file.")
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await study_for(session, cast.specialist, UID)


async def test_an_establishment_that_shares_reads_it(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    """The same person is treated at another establishment of the network, by a doctor there."""
    doctor = replace(cast.colleague, organization_id=cast.organizations["provincial"].id)
    assert doctor.role_id
    async with transaction(sessions) as session:
        relation = {"practitioner_role_id": doctor.role_id, "reason": "treats", "started_at": now()}
        session.add(CareRelation(patient_id=cast.patient_elsewhere.id, **relation))
        await session.flush()
        assert (await study_for(session, doctor, UID)).study_instance_uid == UID
        with pytest.raises(NotFound):
            await study_for(session, replace(doctor, sharing_network=None), UID)


@pytest.mark.parametrize("uid", ["1.2.4", "", "' or 1=1 --", "../../etc"])
async def test_an_unknown_study(cast: Cast, sessions: Sessions, consult: ServiceRequest, uid: str) -> None:
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await study_for(session, cast.rural, uid)
        with pytest.raises(NotFound):
            await study_for(session, cast.rural, UID, study_id=cast.patient.id)


async def test_the_list_of_a_consult(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    async with transaction(sessions) as session:
        for who in (cast.rural, cast.specialist):
            (card,) = await studies_of_consult(session, who, consult)
            assert (card.series, card.instances) == (1, 3)
            assert card.cover is not None
            assert card.cover.number == 2, "the middle one"
        assert await studies_of_consult(session, cast.coordinator, consult) == []


async def test_a_name_not_confirmed_is_shown_to_both_and_not_filed(
    cast: Cast, sessions: Sessions, tmp_path: Path
) -> None:
    submitted = await consult_steps.submitted(cast, sessions)
    async with door(sessions, tmp_path) as opened:
        await opened.bring(cast.rural, submitted.id, dicom_bytes(PatientName="Lavoie^Luc", StudyInstanceUID=UID))
    async with transaction(sessions) as session:
        assert len(await studies_of_consult(session, cast.rural, submitted)) == 1
        assert len(await studies_of_consult(session, cast.specialist, submitted)) == 1
        seen = await study_for(session, cast.specialist, UID)
        assert (seen.identity_differs, seen.reconciled_at) == (True, None)
        assert not await session.scalar(select(RecordEntry.id).where(RecordEntry.source_id == seen.id))
