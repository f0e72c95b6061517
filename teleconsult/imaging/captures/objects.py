"""The DICOM objects that are written here: PS3.3 A.32.4 (VL Photographic), A.8.1 (Secondary Capture), A.45.1
(Encapsulated PDF), A.32.7 (Video Photographic).

Written with pydicom alone: highdicom has a class for one of the four, and encodes pixels that are coded already.
"""

from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate_buffer
from pydicom.tag import Tag

from teleconsult.imaging.captures.heading import Heading
from teleconsult.imaging.captures.kinds import FORMS, Kind
from teleconsult.imaging.dimse.negotiating import IMPLEMENTATION_CLASS, IMPLEMENTATION_VERSION

_LONGEST = 64
"""Letters of an LO, and of each part of a PN."""
_SAMPLES = 3
_FRAME_TIME = Tag("FrameTime")


@dataclass(frozen=True, slots=True)
class Capture:
    """What the sandbox made of a file: coded, without any word of its own; `told` is what it says of it."""

    kind: Kind
    content: bytes
    digest: bytes
    """SHA-256 of the file that came."""
    made: datetime
    number: int
    title: str = ""
    study_title: str = ""
    series_title: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    operator: str = ""
    """Who took it (0008,1070), where that is known."""
    comment: str = ""
    """How it came about (0020,4000)."""


def write_object(path: Path, heading: Heading, capture: Capture) -> None:
    """Write the object as a PS3.10 file."""
    form = FORMS[capture.kind]
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = form.sop_class, heading.instance_uid(capture.digest)
    ds.TimezoneOffsetFromUTC = heading.begun.strftime("%z")
    _set_patient(ds, heading)
    _set_study(ds, heading, capture)
    _set_series(ds, heading, capture)
    ds.InstanceNumber = capture.number
    ds.ContentDate, ds.ContentTime = _date(capture.made), _time(capture.made)
    if capture.operator:
        ds.OperatorsName = _person(capture.operator, "")
    if capture.comment:
        ds.ImageComments = capture.comment
    if form.conversion:
        ds.ConversionType = form.conversion
    if capture.kind is Kind.DOCUMENT:
        _set_document(ds, capture)
    else:
        _set_image(ds, capture)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = form.syntax
    ds.file_meta.ImplementationClassUID = IMPLEMENTATION_CLASS
    ds.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    dcmwrite(path, ds, enforce_file_format=True)


def _set_patient(ds: Dataset, heading: Heading) -> None:
    ds.PatientName = _person(*heading.patient)
    ds.PatientID, ds.IssuerOfPatientID = _plain(heading.patient_number), _plain(heading.institution)
    ds.PatientBirthDate, ds.PatientSex = heading.birth_date, heading.sex


def _set_study(ds: Dataset, heading: Heading, capture: Capture) -> None:
    ds.StudyInstanceUID, ds.StudyID, ds.AccessionNumber = heading.study_uid, heading.number, heading.number
    ds.StudyDate, ds.StudyTime = _date(heading.begun), _time(heading.begun)
    ds.ReferringPhysicianName = _person(*heading.referrer)
    ds.StudyDescription = _plain(capture.study_title)


def _set_series(ds: Dataset, heading: Heading, capture: Capture) -> None:
    form = FORMS[capture.kind]
    ds.Modality, ds.SeriesNumber = form.modality, form.series_number
    ds.SeriesInstanceUID = heading.series_uid(capture.kind)
    ds.SeriesDescription = _plain(capture.series_title)
    ds.InstitutionName = _plain(heading.institution)
    ds.Manufacturer = "Teleconsult"
    request = Dataset()
    request.AccessionNumber = request.RequestedProcedureID = request.ScheduledProcedureStepID = heading.number
    request.StudyInstanceUID = heading.study_uid
    ds.RequestAttributesSequence = [request]


def _set_document(ds: Dataset, capture: Capture) -> None:
    """PS3.3 C.24.2. A document names its patient on its pages."""
    ds.AcquisitionDateTime = ""
    ds.BurnedInAnnotation = "YES"
    ds.DocumentTitle = capture.title[:_LONGEST]
    ds.ConceptNameCodeSequence = []
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocumentLength = len(capture.content)
    ds.EncapsulatedDocument = capture.content + b"\0" * (len(capture.content) % 2)


def _set_image(ds: Dataset, capture: Capture) -> None:
    """PS3.3 C.7.6.3, C.8.12.1, C.8.6.2, C.7.6.5."""
    told, is_video = capture.told, capture.kind is Kind.VIDEO
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PatientOrientation = ""
    if capture.kind in (Kind.PHOTOGRAPH, Kind.VIDEO):
        ds.AcquisitionDateTime = capture.made.strftime("%Y%m%d%H%M%S")
        ds.AcquisitionContextSequence = []  # and no word on words: nobody has looked for a wristband
    else:
        ds.DateOfSecondaryCapture, ds.TimeOfSecondaryCapture = _date(capture.made), _time(capture.made)
        ds.BurnedInAnnotation = "YES"  # films and papers bear names
    ds.Rows, ds.Columns, ds.SamplesPerPixel = told["rows"], told["columns"], _SAMPLES
    ds.PhotometricInterpretation = "YBR_PARTIAL_420" if is_video else "YBR_FULL_422"
    ds.PlanarConfiguration, ds.PixelRepresentation = 0, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    if is_video:
        ds.NumberOfFrames = told["frames"]
        ds.FrameIncrementPointer = _FRAME_TIME
        ds.FrameTime, ds.CineRate = round(1000 / told["rate"], 4), max(round(told["rate"]), 1)
        ds.RecommendedDisplayFrameRate = ds.CineRate
        ds.AnatomicRegionSequence = [_whole_body()]  # demanded of every video; nobody said which part it shows
    else:
        ds.Laterality = ""  # unknown, since the part of the body is
    ds.LossyImageCompression = "01"
    whole = told["rows"] * told["columns"] * _SAMPLES * told.get("frames", 1)
    ds.LossyImageCompressionRatio = round(whole / len(capture.content), 2)
    ds.LossyImageCompressionMethod = "ISO_14496_10" if is_video else "ISO_10918_1"
    pixels = DataElement(Tag("PixelData"), "OB", encapsulate_buffer([BytesIO(capture.content)], has_bot=False))
    pixels.is_undefined_length = True
    ds.add(pixels)


def _whole_body() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "38266002", "SCT", "Entire body"
    return code


def _person(family: str, given: str) -> str:
    """A name as PS3.5 §6.2.1 writes it: what means something there is none of its letters."""
    parts = (part.translate(_MARKS).strip()[: _LONGEST // 2 - 1] for part in (family, given))
    return "^".join(parts).rstrip("^")


def _plain(text: str) -> str:
    """A text that fits an LO."""
    return text.translate(_MARKS).strip()[:_LONGEST]


_MARKS = str.maketrans({"^": " ", "=": " ", "\\": " "} | dict.fromkeys(map(chr, range(32)), " "))


def _date(moment: datetime) -> str:
    return moment.strftime("%Y%m%d")


def _time(moment: datetime) -> str:
    return moment.strftime("%H%M%S")
