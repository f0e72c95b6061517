"""Whose images these are: confirmed by the requester, or taken out again."""

import uuid
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.requesting import submit_request
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, Forbidden, NotFound, Refused
from teleconsult.excerpts.models import ExcerptStudy
from teleconsult.imaging.actions import reconcile_study, remove_study
from teleconsult.imaging.identity import Difference, differences_in, names_agree
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.imaging.reconciling import reconcile_studies, unsettled
from teleconsult.patients.models import Patient
from teleconsult.records.models import EntryStatus, RecordEntry
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import Door, door


@pytest.fixture
async def bench(sessions: Sessions, tmp_path: Path) -> AsyncIterator[Door]:
    async with door(sessions, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "agrees"),
    [
        ("Bélanger^Rose", True),
        ("BELANGER^ROSE^MARIE^MME", True),
        ("Belanger Rose", True),
        ("ROSE^BELANGER", True),
        ("Bélanger^Luc", False),
        ("Tremblay^Rose", False),
        ("Belangerie^Rose", False),
        ("Anonymous", False),
        ("", False),
    ],
)
def test_names_agree_by_their_words(name: str, agrees: bool) -> None:
    assert names_agree(name, Patient(family="Bélanger", given="Rose")) is agrees


def test_names_in_vietnamese() -> None:
    assert names_agree("NGUYEN THI MINH^DUC", Patient(family="Nguyễn", given="Thị Minh Đức"))


@pytest.mark.parametrize(
    ("said", "differences"),
    [
        ({}, ()),
        ({"PatientBirthDate": "{born:%Y%m%d}", "PatientSex": "F"}, ()),
        ({"PatientBirthDate": "", "PatientSex": "O"}, ()),
        ({"PatientBirthDate": "1901", "PatientID": "EXT-77"}, ()),
        ({"PatientBirthDate": "19010101"}, (Difference.BIRTH_DATE,)),
        ({"PatientSex": "M"}, (Difference.SEX,)),
        (
            {"PatientName": "Roy^Luc", "PatientBirthDate": "19010101", "PatientSex": "M"},
            (Difference.NAME, Difference.BIRTH_DATE, Difference.SEX),
        ),
    ],
)
async def test_another_birth_date_or_sex_is_asked_about_too(
    cast: Cast, sessions: Sessions, bench: Door, said: dict[str, str], differences: tuple[Difference, ...]
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    said = {keyword: value.format(born=cast.patient.birth_date) for keyword, value in said.items()}
    await bench.bring(cast.rural, draft.id, dicom_bytes(**said))
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
        patient = await session.get_one(Patient, draft.patient_id)
        assert study.identity_differs is bool(differences)
        assert differences_in(study, patient) == differences
        assert bool(unsettled([study])) is bool(differences)


async def test_a_birth_date_that_comes_later_asks_again(cast: Cast, sessions: Sessions, bench: Door) -> None:
    study = await a_strange_study(cast, sessions, bench)
    async with transaction(sessions) as session:
        await reconcile_study(session, cast.rural, study_id=study.id)
    assert study.service_request_id
    again = dicom_bytes(
        PatientName="Lavoie^Luc", PatientBirthDate="19010101", StudyInstanceUID=study.study_instance_uid
    )
    await bench.bring(cast.rural, study.service_request_id, again)
    async with transaction(sessions) as session:
        study = await session.get_one(ImagingStudy, study.id)
        assert (study.reconciled_at, study.header_birth_date) == (None, date(1901, 1, 1))


async def a_strange_study(cast: Cast, sessions: Sessions, bench: Door, *, submitted: bool = False) -> ImagingStudy:
    step = consult_steps.submitted if submitted else consult_steps.drafted
    consult = await step(cast, sessions)
    await bench.bring(cast.rural, consult.id, dicom_bytes(PatientName="Lavoie^Luc"))
    async with transaction(sessions) as session:
        return (await session.scalars(select(ImagingStudy))).one()


async def test_a_word_files_and_shares(cast: Cast, sessions: Sessions, bench: Door) -> None:
    study = await a_strange_study(cast, sessions, bench, submitted=True)
    for _twice in range(2):
        async with transaction(sessions) as session:
            await reconcile_study(session, cast.rural, study_id=study.id)
    async with transaction(sessions) as session:
        study = await session.get_one(ImagingStudy, study.id)
        assert study.reconciled_by_id == cast.rural.role_id
        entries = await session.scalars(select(RecordEntry).where(RecordEntry.source_id == study.id))
        assert len(entries.all()) == 1
        assert await session.scalar(select(func.count()).select_from(ExcerptStudy)) == 1
        acts = await session.scalars(select(AuditEvent).where(AuditEvent.action == "study-reconciled"))
        assert len(acts.all()) == 1


async def test_a_further_strange_name_asks_again(cast: Cast, sessions: Sessions, bench: Door) -> None:
    study = await a_strange_study(cast, sessions, bench)
    async with transaction(sessions) as session:
        await reconcile_study(session, cast.rural, study_id=study.id)
    same = {"StudyInstanceUID": study.study_instance_uid}
    assert study.service_request_id
    await bench.bring(cast.rural, study.service_request_id, dicom_bytes(PatientName="Lavoie^Luc", **same))
    async with transaction(sessions) as session:
        assert (await session.get_one(ImagingStudy, study.id)).reconciled_at
    await bench.bring(cast.rural, study.service_request_id, dicom_bytes(PatientName="Roy^Aline", **same))
    async with transaction(sessions) as session:
        assert (await session.get_one(ImagingStudy, study.id)).reconciled_at is None


@pytest.mark.parametrize(("who", "error"), [("colleague", NotFound), ("specialist", NotFound), ("stranger", NotFound)])
async def test_nobody_else_speaks_for_the_requester(
    cast: Cast, sessions: Sessions, bench: Door, who: str, error: type[Exception]
) -> None:
    study = await a_strange_study(cast, sessions, bench, submitted=True)
    for act in (reconcile_study, remove_study):
        async with transaction(sessions) as session:
            with pytest.raises((error, Forbidden)):
                await act(session, getattr(cast, who), study_id=study.id)


async def a_strange_disc(cast: Cast, sessions: Sessions, bench: Door) -> tuple[ServiceRequest, list[ImagingStudy]]:
    """Two studies of Luc Lavoie's, one of Aline Roy's, and one of the patient's own, in one request."""
    draft = await consult_steps.drafted(cast, sessions)
    for name in ("Lavoie^Luc", "Lavoie^Luc", "Roy^Aline", "Bélanger^Rose"):
        await bench.bring(cast.rural, draft.id, dicom_bytes(PatientName=name))
    async with transaction(sessions) as session:
        found = await session.scalars(select(ImagingStudy).order_by(ImagingStudy.created_at))
        return draft, list(found)


async def test_one_word_for_all_that_bear_the_same_identity(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft, studies = await a_strange_disc(cast, sessions, bench)
    (lavoie, two), (roy, one) = unsettled(studies).items()
    assert (lavoie.name, roy.name) == ("Lavoie^Luc", "Roy^Aline")
    assert (two, one) == (studies[:2], studies[2:3])
    for _twice in range(2):
        async with transaction(sessions, cast.rural) as session:
            ids = [study.id for study in two]
            await reconcile_studies(session, cast.rural, consult_id=draft.id, study_ids=ids)
    async with transaction(sessions) as session:
        acts = await session.scalars(select(AuditEvent.entity_id).where(AuditEvent.action == "study-reconciled"))
        assert sorted(acts) == sorted(study.id for study in two)
        assert unsettled(await session.scalars(select(ImagingStudy))).keys() == {roy}
        filed = set(await session.scalars(select(RecordEntry.source_id)))
        assert filed >= {study.id for study in two}
        assert one[0].id not in filed


async def test_one_word_is_for_one_identity_of_one_own_request(cast: Cast, sessions: Sessions, bench: Door) -> None:
    other = await consult_steps.submitted(cast, sessions)
    draft, studies = await a_strange_disc(cast, sessions, bench)
    two, of_both = [study.id for study in studies[:2]], [study.id for study in studies[1:3]]
    for who, consult_id, ids, error in (
        ("rural", draft.id, of_both, Conflict),
        ("rural", draft.id, [*two, uuid.uuid4()], NotFound),
        ("rural", other.id, two, NotFound),
        ("colleague", draft.id, two, NotFound),
        ("stranger", draft.id, two, NotFound),
    ):
        actor = getattr(cast, who)
        with pytest.raises(error):
            async with transaction(sessions, actor) as session:
                await reconcile_studies(session, actor, consult_id=consult_id, study_ids=ids)
    async with transaction(sessions) as session:
        assert sum(map(len, unsettled(await session.scalars(select(ImagingStudy))).values())) == 3


async def test_a_mistake_is_taken_out(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, dicom_bytes())
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
        consult_id, keys = await remove_study(session, cast.rural, study_id=study.id)
    assert (consult_id, len(keys)) == (draft.id, 1)
    async with transaction(sessions) as session:
        assert await session.scalar(select(ImagingInstance)) is None
        assert (await session.scalars(select(RecordEntry))).one().status is EntryStatus.ENTERED_IN_ERROR


async def test_what_was_shared_stays(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, dicom_bytes())
    async with transaction(sessions) as session:
        await submit_request(session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast))
        study = (await session.scalars(select(ImagingStudy))).one()
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await remove_study(session, cast.rural, study_id=study.id)
