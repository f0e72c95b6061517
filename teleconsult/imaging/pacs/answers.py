"""What an archive says it has: a stranger's words, read field by field and cut to length."""

import heapq
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self

from teleconsult.imaging.identity import Difference, identity_differences
from teleconsult.imaging.uids import is_uid
from teleconsult.patients.models import Patient

SHOWN: Final = 50
MOST_ANSWERS: Final = 1000
"""Answers that are looked at: of those, the newest are shown."""
MOST_IMAGES: Final = 20_000
"""Of one study."""
LONGEST: Final = 200
"""Characters of one value."""

STUDY_KEYS: Final = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "StudyDescription"),
    *("PatientName", "PatientID", "PatientBirthDate", "NumberOfStudyRelatedInstances"),
)
Read = Callable[[str], Sequence[str]]
"""The values of an attribute, by its keyword."""


class Key(StrEnum):
    """What studies are searched by (PS3.4 table C.6-1)."""

    NUMBER = "PatientID"
    ACCESSION = "AccessionNumber"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search for one value, without wildcards."""

    key: Key
    value: str


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study as the archive tells of it. Absent text is ""."""

    uid: str
    day: str
    """As DICOM writes it, `20260301`."""
    time: str
    description: str
    modalities: tuple[str, ...]
    images: int
    """0 where it does not say."""
    accession_number: str
    patient_number: str
    patient_name: str
    born: str

    @classmethod
    def of(cls, read: Read) -> Self | None:
        """None for what names no study."""

        def first(keyword: str) -> str:
            return next(iter(read(keyword)), "").strip(" \0")[:LONGEST]

        uid, images = first("StudyInstanceUID"), first("NumberOfStudyRelatedInstances")
        if not is_uid(uid):
            return None
        return cls(
            uid=uid,
            day=first("StudyDate"),
            time=first("StudyTime"),
            description=first("StudyDescription"),
            modalities=tuple(one.strip()[:16] for one in read("ModalitiesInStudy")[:8] if one.strip()),
            images=int(images) if re.fullmatch(r"[0-9]{1,6}", images) else 0,
            accession_number=first("AccessionNumber"),
            patient_number=first("PatientID"),
            patient_name=first("PatientName"),
            born=first("PatientBirthDate"),
        )

    @property
    def study_date(self) -> date | None:
        """The day it was made."""
        return _day(self.day)

    @property
    def birth_date(self) -> date | None:
        """The patient's."""
        return _day(self.born)

    def answers(self, wanted: Wanted) -> bool:
        """Whether it is what was asked for: an archive that does not know a key answers with everything."""
        said = self.patient_number if wanted.key is Key.NUMBER else self.accession_number
        return said.casefold() == wanted.value.casefold()

    def differences(self, patient: Patient, *, numbers: Iterable[str]) -> tuple[Difference, ...]:
        """In what it is not of this patient, who is known by these numbers."""
        found = [*identity_differences(patient, header_name=self.patient_name, born=self.birth_date)]
        if self.patient_number.casefold() not in {number.casefold() for number in numbers}:
            found.append(Difference.NUMBER)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a search found, the newest first."""

    studies: tuple[FoundStudy, ...]
    has_more: bool = False
    """There is more than is shown, or was looked at."""

    @classmethod
    def newest(cls, found: Iterable[FoundStudy], *, has_more: bool) -> Self:
        """The newest of them, each once."""
        each = {study.uid: study for study in found}
        studies = heapq.nlargest(SHOWN, each.values(), key=lambda study: (study.day, study.time, study.uid))
        return cls(tuple(studies), has_more or len(each) > SHOWN)


@dataclass(frozen=True, order=True, slots=True)
class Listed:
    """An image of a study that an archive has."""

    series_uid: str
    sop_instance_uid: str
    sop_class_uid: str = ""

    @classmethod
    def of(cls, read: Read) -> Self | None:
        """None for what names no image."""
        uids = [
            next(iter(read(keyword)), "").strip(" \0")
            for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
        ]
        if not (is_uid(uids[0]) and is_uid(uids[1])):
            return None
        return cls(uids[0], uids[1], uids[2] if is_uid(uids[2]) else "")


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date() if len(text) == 8 else None  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        return None
