"""Whose images a report is about, and of which study: as the images say it, though a stranger wrote that."""

import re
from datetime import date
from typing import Final

from pydicom.dataset import Dataset

from teleconsult.imaging.elements import Elements, text_of, values_of
from teleconsult.imaging.models import ImagingStudy

_TEXTS: Final = {
    "00080050": "AccessionNumber",
    "00081030": "StudyDescription",
    "00200010": "StudyID",
    "00100020": "PatientID",
    "00100021": "IssuerOfPatientID",
}
_NAMES: Final = {"00080090": "ReferringPhysicianName", "00100010": "PatientName"}
_DAYS: Final = {"00080020": "StudyDate", "00100030": "PatientBirthDate"}
"""What a report repeats of its images: of the patient and the study (PS3.3 C.7.1.1, C.7.2.1)."""
_DAY: Final = re.compile(r"\d{8}")
_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")


def subject_of(study: ImagingStudy) -> Dataset:
    """What the images say, as far as it can be written again: a stranger wrote it."""
    told, about = study.attributes, Dataset()
    about.StudyInstanceUID = study.study_instance_uid
    for tag, keyword in _TEXTS.items():
        setattr(about, keyword, text_of(told, tag).replace("\\", " "))
    for tag, keyword in _NAMES.items():
        setattr(about, keyword, _name(told, tag))
    for tag, keyword in _DAYS.items():
        day = text_of(told, tag)
        setattr(about, keyword, day if _is_day(day) else "")
    moment, sex = text_of(told, "00080030"), text_of(told, "00100040")
    about.StudyTime = moment if _TIME.fullmatch(moment) else ""
    about.PatientSex = sex if sex in ("M", "F", "O") else ""
    return about


def _name(told: Elements, tag: str) -> str:
    """With its ideographic and phonetic forms (PS3.5 §6.2.1.2)."""
    forms = next((value for value in values_of(told, tag) if isinstance(value, dict)), {})
    groups = (str(forms.get(form) or "") for form in ("Alphabetic", "Ideographic", "Phonetic"))
    return "=".join(group.replace("=", " ").replace("\\", " ") for group in groups).rstrip("=")


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False
