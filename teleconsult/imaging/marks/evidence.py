"""What every document says that we write about images: of whom and of which study they are, and who speaks."""

import re
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

MANUFACTURER: Final = "Teleconsult"
_NAMES: Final = ("PatientName", "ReferringPhysicianName")
"""Not given to the library, which would quote an odd one in a warning: names reach no log."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Who measured."""

    family: str
    given: str
    prefix: str
    organization: str

    @property
    def name(self) -> str:
        """As DICOM writes it (PS3.5 §6.2.1.1)."""
        parts = (self.family, self.given, "", self.prefix)
        return "^".join(re.sub(r"[\\^=]", " ", part) for part in parts)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is referred to; `frames` 0 or 1 for one of a single frame."""

    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    frames: int


def person(observer: Observer) -> sr.ObserverContext:
    """Who speaks, as a document says it (PS3.16 TID 1003)."""
    identity = sr.PersonObserverIdentifyingAttributes(
        name=observer.name, organization_name=observer.organization or None
    )
    return sr.ObserverContext(observer_type=codes.DCM.Person, observer_identifying_attributes=identity)


def evidence(about: Dataset, image: Image) -> Dataset:
    """The header of an image as far as a document repeats it; `about` is what it says of patient and study."""
    ds = Dataset()
    ds.update({element.tag: element for element in about if element.keyword not in _NAMES})
    ds.SeriesInstanceUID, ds.SOPInstanceUID = image.series_instance_uid, image.sop_instance_uid
    ds.SOPClassUID = image.sop_class_uid
    for keyword in _NAMES:
        setattr(ds, keyword, "")
    return ds


def filed(document: Dataset, *, about: Dataset, at: datetime) -> bytes:
    """The document as a file in the DICOM file format.

    With names in any script, what the images say besides of whose study it is, and the time where it was made.
    """
    document.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (*_NAMES, "StudyDescription", "IssuerOfPatientID"):
        if keyword in about:
            document[keyword] = about[keyword]
    day, moment = f"{at:%Y%m%d}", f"{at:%H%M%S}"
    document.ContentDate = document.InstanceCreationDate = document.SeriesDate = day
    document.ContentTime = document.InstanceCreationTime = document.SeriesTime = moment
    file = BytesIO()
    document.save_as(file, enforce_file_format=True)
    return file.getvalue()
