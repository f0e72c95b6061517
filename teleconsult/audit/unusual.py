"""Reading that deserves a question: plain rules, each of which says why, none of which accuses.

A rule looks at one act of reading and at what is known around it; `audit.watching` brings that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from teleconsult.audit.models import AuditEvent
from teleconsult.directory.models import DutyShift, PractitionerRole, RoleCode
from teleconsult.patients.models import CareRelation, Patient
from teleconsult.patients.names import fold

MANY: Final = 20
"""Different patients within one hour of the clock."""
NIGHT: Final = (time(22), time(6))
AROUND: Final = timedelta(days=30)
"""So near an act of reading, a consult or an appointment explains it."""
NEW: Final = timedelta(days=1)
"""A care relation younger than this may have been declared only to look."""


PARTICLES: Final = frozenset(
    {"de", "du", "des", "la", "le", "van", "von", "ben", "al", "el", "d", "l", "nguyen", "tran"}
)
"""Parts of names that half a country shares say nothing."""


class Unusual(StrEnum):
    """Why an act of reading is shown."""

    SAME_FAMILY_NAME = "same-family-name"
    COLLEAGUE = "colleague"
    MANY_FILES = "many-files"
    AT_NIGHT = "at-night"
    NO_CONSULT = "no-consult"
    AFTER_CARE = "after-care"


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around one act of reading."""

    event: AuditEvent
    reader: PractitionerRole | None
    """With their name and establishment."""
    patient: Patient | None
    care: Sequence[CareRelation]
    """Every relation between the two."""
    shifts: Sequence[DutyShift]
    """The reader's, at about that time."""
    colleagues: frozenset[tuple[str, str]]
    """Folded names of those who work at the patient's establishment or the reader's."""
    files_that_hour: int
    is_for_consult: bool
    """Whether a consult was what they read."""
    is_seen: bool
    """Whether a consult or an appointment of the patient lies within a month."""


def has_same_family_name(around: Around) -> bool:
    """The reader and the patient share a family name, or a part of a double one."""
    if around.reader is None or around.patient is None:
        return False
    return bool(
        set(fold(around.reader.practitioner.family).split()) & set(around.patient.family_folded.split()) - PARTICLES
    )


def is_of_colleague(around: Around) -> bool:
    """The patient has the name of somebody who works here."""
    patient = around.patient
    return patient is not None and (patient.family_folded, patient.given_folded) in around.colleagues


def is_one_of_many(around: Around) -> bool:
    """The reader opened many files that hour."""
    return around.files_that_hour >= MANY


def is_at_night(around: Around) -> bool:
    """It was night where the reader works, and they were not on duty."""
    if around.reader is None or around.reader.code is RoleCode.PRIVACY_OFFICER:
        return False
    moment = around.event.recorded_at
    clock = moment.astimezone(ZoneInfo(around.reader.organization.time_zone)).time()
    on_duty = any(shift.starts_at <= moment < shift.ends_at for shift in around.shifts)
    return (clock >= NIGHT[0] or clock < NIGHT[1]) and not on_duty


def is_without_consult(around: Around) -> bool:
    """Nobody was treating this patient until that day, and no consult of theirs was asked or booked within a month."""
    if around.event.patient_id is None or around.is_for_consult or around.is_seen:
        return False
    moment = around.event.recorded_at
    return not any(relation.started_at < moment - NEW for relation in around.care)


def is_after_care(around: Around) -> bool:
    """The reader had said that they no longer treat this patient."""
    moment = around.event.recorded_at
    ended = any(relation.ended_at is not None and relation.ended_at < moment for relation in around.care)
    stands = any(
        relation.started_at <= moment and (relation.ended_at is None or moment <= relation.ended_at)
        for relation in around.care
    )
    return ended and not stands


RULES: Final[Mapping[Unusual, Callable[[Around], bool]]] = {
    Unusual.AFTER_CARE: is_after_care,
    Unusual.SAME_FAMILY_NAME: has_same_family_name,
    Unusual.COLLEAGUE: is_of_colleague,
    Unusual.MANY_FILES: is_one_of_many,
    Unusual.AT_NIGHT: is_at_night,
    Unusual.NO_CONSULT: is_without_consult,
}


def reasons(around: Around) -> list[Unusual]:
    """Every rule that speaks, the weightiest first."""
    return [reason for reason, speaks in RULES.items() if speaks(around)]
