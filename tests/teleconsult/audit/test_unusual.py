"""The rules of unusual reading, each by itself: when it speaks, and when it keeps silent."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from teleconsult.audit.models import AuditEvent
from teleconsult.audit.unusual import Around, Unusual, reasons
from teleconsult.directory.models import (
    DutyShift,
    Organization,
    OrganizationKind,
    Practitioner,
    PractitionerRole,
    RoleCode,
)
from teleconsult.patients.models import CareRelation, Patient

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # in Toronto
MIDNIGHT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def reader(family: str = "Tremblay") -> PractitionerRole:
    role = PractitionerRole(code=RoleCode.DOCTOR)
    role.practitioner = Practitioner(family=family, given="Hélène")
    role.organization = Organization(name="X", kind=OrganizationKind.CLINIC, time_zone="America/Toronto")
    return role


def patient(family: str = "belanger", given: str = "rose") -> Patient:
    return Patient(family_folded=family, given_folded=given)


def care(since: datetime, until: datetime | None = None) -> CareRelation:
    return CareRelation(reason="follow-up", started_at=since, ended_at=until)


def around(moment: datetime = NOON, **more: Any) -> Around:
    """An ordinary read: by day, of a patient treated for long, who is being seen."""
    event = AuditEvent(recorded_at=moment, action="file-opened", patient_id=uuid.uuid4())
    return Around(
        **{
            "event": event,
            "reader": reader(),
            "patient": patient(),
            "care": [care(moment - 30 * DAY)],
            "shifts": [],
            "colleagues": frozenset({("girard", "paul")}),
            "files_that_hour": 3,
            "is_for_consult": False,
            "is_seen": True,
            **more,
        }
    )


def test_an_ordinary_read_is_silent() -> None:
    assert reasons(around()) == []


@pytest.mark.parametrize(
    ("name", "patients"), [("Tremblay", "tremblay"), ("Côté-Roy", "roy"), ("L’Heureux", "l heureux")]
)
def test_the_same_family_name(name: str, patients: str) -> None:
    assert reasons(around(reader=reader(name), patient=patient(patients))) == [Unusual.SAME_FAMILY_NAME]


@pytest.mark.parametrize(("name", "patients"), [("Nguyễn", "nguyen"), ("de la Tour", "de la croix"), ("Roy", "leroy")])
def test_a_name_that_many_have_says_nothing(name: str, patients: str) -> None:
    assert reasons(around(reader=reader(name), patient=patient(patients))) == []


def test_a_colleagues_file() -> None:
    assert reasons(around(patient=patient("girard", "paul"))) == [Unusual.COLLEAGUE]
    assert reasons(around(patient=patient("girard", "anne"))) == []


def test_many_files_in_an_hour() -> None:
    assert reasons(around(files_that_hour=19)) == []
    assert reasons(around(files_that_hour=20)) == [Unusual.MANY_FILES]


def test_at_night_unless_on_duty() -> None:
    assert reasons(around(MIDNIGHT)) == [Unusual.AT_NIGHT]
    shift = DutyShift(starts_at=MIDNIGHT - timedelta(hours=2), ends_at=MIDNIGHT + timedelta(hours=6))
    assert reasons(around(MIDNIGHT, shifts=[shift])) == []
    assert reasons(around(MIDNIGHT + timedelta(hours=6, seconds=1))) == [], "six in the morning is day"
    over = DutyShift(starts_at=MIDNIGHT - timedelta(hours=2), ends_at=MIDNIGHT)
    assert reasons(around(MIDNIGHT, shifts=[over])) == [Unusual.AT_NIGHT]


def test_nobody_treated_the_patient_until_that_day() -> None:
    new = [care(NOON - timedelta(minutes=1))]
    assert reasons(around(care=new, is_seen=False)) == [Unusual.NO_CONSULT]
    assert reasons(around(care=[], is_seen=False)) == [Unusual.NO_CONSULT]
    assert reasons(around(care=new, is_seen=True)) == []
    assert reasons(around(care=[], is_for_consult=True, is_seen=False)) == []
    assert reasons(around(is_seen=False)) == [], "who treats somebody for long needs no consult"


def test_after_the_care_relation() -> None:
    ended = care(NOON - 30 * DAY, NOON - DAY)
    assert reasons(around(care=[ended])) == [Unusual.AFTER_CARE]
    assert reasons(around(care=[ended, care(NOON - timedelta(hours=1))])) == [], "they said so again"
    assert reasons(around(care=[care(NOON - 30 * DAY, NOON + DAY)])) == [], "it ended later"


def test_several_reasons_are_all_told_the_weightiest_first() -> None:
    told = reasons(around(MIDNIGHT, patient=patient("tremblay"), care=[care(NOON - 30 * DAY, NOON - 9 * DAY)]))
    assert told == [Unusual.AFTER_CARE, Unusual.SAME_FAMILY_NAME, Unusual.AT_NIGHT]


def test_what_is_not_known_accuses_nobody() -> None:
    assert reasons(around(MIDNIGHT, reader=None, patient=None)) == []
