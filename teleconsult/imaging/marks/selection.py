"""Images that were chosen, as a DICOM Key Object Selection document (PS3.3 A.35.4, PS3.16 TID 2010)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from teleconsult.imaging.marks.evidence import MANUFACTURER, Image, Observer, evidence, filed, person

SERIES_NUMBER: Final = 9901
SERIES_DESCRIPTION: Final = "Key images"


@dataclass(frozen=True, slots=True)
class ChosenImage:
    """An image that was chosen; `frames` are those that were (from 1), none where it has only one."""

    image: Image
    frames: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """All that a document is made of: images of one study, and the `reports` about them that belong to the choice.

    `about` is what the images say of patient and study, `description` says what they were chosen for; `at` is local to
    the study.
    """

    uid: str
    series_uid: str
    about: Dataset
    images: Sequence[ChosenImage]
    reports: Sequence[Image]
    description: str
    observer: Observer
    at: datetime


def written(selection: Selection) -> bytes:
    """The document as a file in the DICOM file format. Takes tens of milliseconds: call it in a thread."""
    listed = [
        *(_as_image(evidence(selection.about, one.image)) for one in selection.images),
        *(evidence(selection.about, report) for report in selection.reports),
    ]
    content = KeyObjectSelection(
        document_title=codes.DCM.ForReferringProvider,
        referenced_objects=listed,
        observer_person_context=person(selection.observer),
        description=selection.description,
    )
    _name_frames(content, selection.images)
    document = KeyObjectSelectionDocument(
        evidence=listed,
        content=content,
        series_instance_uid=selection.series_uid,
        series_number=SERIES_NUMBER,
        sop_instance_uid=selection.uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        institution_name=selection.observer.organization or None,
        series_description=SERIES_DESCRIPTION,
    )
    return filed(document, about=selection.about, at=selection.at)


def _as_image(ds: Dataset) -> Dataset:
    """The library refers as to an image to what has rows and columns; it writes neither."""
    ds.Rows = ds.Columns = 1
    return ds


def _name_frames(content: KeyObjectSelection, images: Sequence[ChosenImage]) -> None:
    """The library refers to whole objects (PS3.3 Table 10-3)."""
    frames = {one.image.sop_instance_uid: list(one.frames) for one in images if one.frames}
    for item in content.get_references():
        (reference,) = item.ReferencedSOPSequence
        if numbers := frames.get(reference.ReferencedSOPInstanceUID):
            reference.ReferencedFrameNumber = numbers
