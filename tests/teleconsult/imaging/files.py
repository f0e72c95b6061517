"""DICOM files for tests: small true ones, real ones that pydicom carries, and hostile ones."""

import struct
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom.data
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite, write_file_meta_info
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

REAL = Path(pydicom.data.__file__).parent / "test_files"
HEAD = REAL / "J2K_pixelrep_mismatch.dcm"
"""A CT slice of a head, 512 x 512, JPEG 2000."""


def dicom_bytes(syntax: str = ExplicitVRLittleEndian, *, side: int = 16, shade: int = 0, **values: Any) -> bytes:
    """A CT slice `side` pixels wide whose grey rises from left to right; `values` are DICOM keywords."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.PatientID, ds.Modality = "Bélanger^Rose", "X1", "CT"
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyDate, ds.StudyTime, ds.StudyDescription = "20260301", "101500", "Tête sans contraste"
    ds.SeriesNumber, ds.SeriesDescription, ds.InstanceNumber = 1, "Axial", 1
    ds.Rows = ds.Columns = side
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.WindowCenter, ds.WindowWidth = 40, 80
    ramp = np.linspace(964, 1144, side).astype("<i2") + np.int16(shade)
    ds.PixelData = np.tile(ramp, (side, 1)).astype("<i2").tobytes()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return as_file(ds, syntax)


def radiograph(side: int, **values: Any) -> bytes:
    """A picture `side` pixels wide in JPEG 2000, compressed without loss."""
    grey = np.add.outer(np.arange(side), np.arange(side)).astype("<i2")
    coded = imagecodecs.jpeg2k_encode(grey, level=0, reversible=True)
    return dicom_bytes(JPEG2000Lossless, side=side, PixelData=encapsulate([bytes(coded)]), **values)


def as_file(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set in the DICOM file format (PS3.10 §7)."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CTImageStorage)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2")
    out = BytesIO()
    encapsulated = UID(syntax).is_encapsulated
    if encapsulated:
        ds["PixelData"].is_undefined_length = True
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


@cache
def hostile_files() -> dict[str, bytes]:
    """Files made to harm whoever opens them. None is large."""
    jpeg_2000 = b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIIIH", 41, 0, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1)
    jpeg_ls = b"\xff\xd8\xff\xf7" + struct.pack(">HBHHB", 11, 16, 65000, 65000, 1) + b"\x01\x11\x00\xff\xd9"
    return {
        "deflated bomb": _deflated_bomb(),
        "RLE of 10 000 frames": dicom_bytes(
            RLELossless, Rows=4096, Columns=4096, NumberOfFrames=10_000, PixelData=encapsulate([b"\0" * 64])
        ),
        "JPEG 2000 of 60 000 pixels": dicom_bytes(
            JPEG2000Lossless, Rows=60000, Columns=60000, PixelData=encapsulate([jpeg_2000 + b"\0" * 200])
        ),
        "JPEG 2000 that lies": dicom_bytes(JPEG2000Lossless, PixelData=encapsulate([jpeg_2000 + b"\0" * 200])),
        "JPEG-LS that lies": dicom_bytes(JPEGLSLossless, PixelData=encapsulate([jpeg_ls])),
        "nested sequences": _nested(2000),
        "length of 4 GiB": _with_length(0xFFFFFFF0),
        "UID as a path": dicom_bytes().replace(b"1.2.826.0.1.3680043.8.498", b"../../../../etc/cron.d/xx"),
        "frames that are no number": dicom_bytes(NumberOfFrames=1).replace(
            b"IS\x02\x001 \x28\x00\x10", b"IS\x02\x001A\x28\x00\x10"
        ),
        "one byte after the prefix": b"\0" * 128 + b"DICM\x02",
        "offset table beyond the end": dicom_bytes(
            RLELossless, PixelData=b"\xfe\xff\x00\xe0\x04\x00\x00\x00\xf0\xff\xff\x7f" + b"\xfe\xff\xdd\xe0\0\0\0\0"
        ),
        "palette without tables": dicom_bytes(PhotometricInterpretation="PALETTE COLOR"),
        "negative rows": dicom_bytes().replace(
            b"\x28\x00\x10\x00US\x02\x00\x10\x00", b"\x28\x00\x10\x00SS\x02\x00\xf0\xff"
        ),
    }


def _deflated_bomb() -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    out = BytesIO()
    out.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(out, meta)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    out.write(packer.compress(b"\x09\x00\x01\x00OB\x00\x00\xf0\xff\xff\x7f") + packer.flush(zlib.Z_FULL_FLUSH))
    # after a full flush a piece refers to nothing before it: packed once, it can be said again
    out.write((packer.compress(bytes(16 * 1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH)) * 32)
    out.write(packer.flush())
    return out.getvalue()


def _nested(depth: int) -> bytes:
    opening = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    whole = dicom_bytes()
    at = whole.index(b"\x08\x00\x60\x00CS")
    return whole[:at] + opening * depth


def _with_length(length: int) -> bytes:
    whole = dicom_bytes()
    at = whole.index(b"\x08\x00\x60\x00CS")
    return whole[:at] + b"\x09\x00\x01\x00OB\x00\x00" + struct.pack("<I", length) + whole[at:]
