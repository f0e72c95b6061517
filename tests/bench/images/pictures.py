"""Images made for the benchmark: shapes and noise, nobody's. One mould is cast under as many UIDs as are wanted."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, Final

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    UltrasoundMultiFrameImageStorage,
)

from teleconsult.patients.models import Patient

SIDE: Final = 512
DISTINCT: Final = 16
"""Slices whose noise differs; a study repeats them."""
_LEVELS: Final = ("Study", "Series", "SOP")
_ROOT: Final = "1.2.826.0.1.3680043.10.1090"
_FIRST: Final = 10**9
_NUMBER: Final = "9731"
_PLACE: Final = "-7531.75"
Pixels = np.ndarray[Any, np.dtype[Any]]


def uid(level: str, number: int) -> str:
    """Of a study, a series or an instance (`SOP`); all are of one length."""
    return f"{_ROOT}.{_LEVELS.index(level) + 1}.{_FIRST + number}"


@dataclass(frozen=True, slots=True)
class Mould:
    """A file in two pieces: the header, in which the identifiers of one object stand, and its pixels."""

    header: bytes
    pixels: bytes

    def cast(self, *, study: int, series: int, instance: int, at: int = 1) -> bytes:
        """The object under these UIDs, the `at`th slice of its series."""
        header = self.header
        for level, number in zip(_LEVELS, (study, series, instance), strict=True):
            header = header.replace(uid(level, 0).encode(), uid(level, number).encode())
        header = header.replace(_NUMBER.encode(), f"{at:04}".encode())
        return header.replace(_PLACE.encode(), f"{-1000 - at * 1.25:08.2f}".encode()) + self.pixels


@cache
def slices(patient: Patient) -> list[Mould]:
    """Of a CT of a head: 512 x 512 in 16 bits, half a megabyte each."""
    drawn = np.random.default_rng(1)
    head = _ellipse(SIDE, 0.42, 0.36) * 1050 + _ellipse(SIDE, 0.38, 0.32) * -90 + _ellipse(SIDE, 0.08, 0.05) * -30
    noisy = ((head - 1000 + drawn.normal(0, 12, head.shape)).astype("<i2") for _ in range(DISTINCT))
    described = {
        "Manufacturer": "Nobody",
        "InstitutionName": "Nowhere",
        "SeriesDescription": "Axial 1.25",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SliceThickness": 1.25,
        "KVP": 120,
        "XRayTubeCurrent": 250,
        "ExposureTime": 900,
        "ConvolutionKernel": "SOFT",
        "PatientPosition": "HFS",
        "FrameOfReferenceUID": f"{_ROOT}.9.1",
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": ["-120.0", "-120.0", _PLACE],
        "SliceLocation": _PLACE,
        "PixelSpacing": [0.46875, 0.46875],
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "WindowCenter": 40,
        "WindowWidth": 80,
        "InstanceNumber": _NUMBER,
    }
    return [_mould(patient, "CT", CTImageStorage, pixels, PixelRepresentation=1, **described) for pixels in noisy]


@cache
def small_slice(patient: Patient) -> Mould:
    """A study of its own each, where only the headers count."""
    pixels = np.zeros((16, 16), "<i2")
    return _mould(patient, "CT", CTImageStorage, pixels, PixelRepresentation=1, StudyDescription="Tête")


@cache
def radiograph(patient: Patient) -> Mould:
    """A chest, 1955 x 1841 in 12 bits, JPEG 2000 without loss: some 4 MB."""
    drawn = np.random.default_rng(2)
    chest = _ellipse(1955, 0.45, 0.40)[:, :1841] * 1800 + _ellipse(1955, 0.3, 0.12)[:, :1841] * -600 + 900
    pixels = (chest + drawn.normal(0, 20, chest.shape)).clip(0, 4095).astype("<u2")
    coded = imagecodecs.jpeg2k_encode(pixels, level=0, bitspersample=12, codecformat="j2k")
    kind = DigitalXRayImageStorageForPresentation
    return _mould(patient, "DX", kind, pixels, coded=coded, BitsStored=12, HighBit=11, PixelRepresentation=0)


def cine(patient: Patient, frames: int) -> Mould:
    """Ultrasound in colour, not compressed: 640 x 480, 300 frames are 276 MB."""
    drawn = np.random.default_rng(3)
    frame = drawn.integers(0, 256, (480, 640, 3), np.uint8)
    pixels = np.concatenate([np.roll(frame, 7 * at, axis=1) for at in range(frames)])
    described = {"NumberOfFrames": frames, "Rows": 480, "Columns": 640, "PixelRepresentation": 0, "FrameTime": 33}
    return _mould(patient, "US", UltrasoundMultiFrameImageStorage, pixels, **described)


def _ellipse(side: int, height: float, width: float) -> Pixels:
    """1 within, 0 without, softly; half-axes as shares of the side."""
    rows, columns = np.mgrid[-0.5 : 0.5 : side * 1j, -0.5 : 0.5 : side * 1j]
    edge: Pixels = (1 - (rows / height) ** 2 - (columns / width) ** 2) * 12
    return edge.clip(0, 1)


def _mould(
    patient: Patient, modality: str, sop_class: str, pixels: Pixels, *, coded: bytes | None = None, **described: Any
) -> Mould:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = sop_class, uid("SOP", 0), modality
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid("Study", 0), uid("Series", 0)
    ds.PatientName, ds.PatientID = f"{patient.family}^{patient.given}", patient.local_number
    ds.PatientBirthDate = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else ""
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260301", "101500", "A1", "1"
    ds.StudyDescription, ds.SeriesNumber, ds.InstanceNumber = "Tête sans contraste", 1, 1
    ds.Rows, ds.Columns = pixels.shape[:2]
    is_color = pixels.ndim == 3
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3, "RGB") if is_color else (1, "MONOCHROME2")
    if is_color:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = pixels.itemsize * 8
    ds.HighBit = ds.BitsStored - 1
    for keyword, value in described.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless if coded else ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = sop_class, ds.SOPInstanceUID
    ds.PixelData = encapsulate([coded]) if coded else pixels.tobytes()
    ds["PixelData"].VR = "OB" if is_color or coded else "OW"
    ds["PixelData"].is_undefined_length = bool(coded)
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    content = out.getvalue()
    begins = len(content) - len(ds.PixelData) - (8 if coded else 0)
    return Mould(content[:begins], content[begins:])
