"""Read what we keep of a DICOM header. Runs only inside a sandbox worker."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pydicom.dataset import Dataset, FileDataset

from teleconsult.imaging.describing import describe, told_elements
from teleconsult.imaging.geometry import Geometry, geometry_of
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.plain_elements import plain_element, tag_of
from teleconsult.imaging.reading import Opened, check_ending, open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.uids import derived_uid, is_uid

_LARGEST_NUMBER = 2**31 - 1
_LONGEST_TEXT = 1024
_YEARS = range(1895, 2200)
"""Since there are X-rays; what lies near the ends of the calendar could not be told in another zone."""
_FARTHEST = timedelta(hours=14)
"""No clock on earth is farther from UTC."""


def read_header(path: Path) -> InstanceHeader:
    """Read one file. Raises Unreadable where it must not be stored at all."""
    with open_whole(path) as opened:
        return header_of(opened, told_elements(opened))


@contextmanager
def open_whole(path: Path) -> Iterator[Opened]:
    """A file with the identifiers it needs. Raises Unreadable where it must not be stored at all."""
    opened = open_instance(path)
    with opened.file:
        check_ending(opened)
        _name_all(opened.dataset)
        yield opened


def header_of(opened: Opened, elements: dict[str, bytes]) -> InstanceHeader:
    """What is kept of a file, its elements told by `told_elements`. Raises Unreadable as `open_whole`."""
    ds = opened.dataset
    description = describe(opened, elements)
    geometry, reason = _shown(opened)
    center, width = window_of(ds)
    return InstanceHeader(
        study_instance_uid=_uid(ds, "StudyInstanceUID"),
        series_instance_uid=_uid(ds, "SeriesInstanceUID"),
        sop_instance_uid=_uid(ds, "SOPInstanceUID"),
        sop_class_uid=_uid(ds, "SOPClassUID"),
        transfer_syntax_uid=str(opened.stored_syntax),
        patient_name=text(ds, "PatientName"),
        patient_id=text(ds, "PatientID"),
        patient_issuer=text(ds, "IssuerOfPatientID"),
        patient_birth_date=_birth_date(ds),
        started=_started(ds),
        accession_number=text(ds, "AccessionNumber"),
        study_description=text(ds, "StudyDescription"),
        series_number=number(ds, "SeriesNumber"),
        series_description=text(ds, "SeriesDescription"),
        modality=text(ds, "Modality")[:16] or "OT",
        body_part=text(ds, "BodyPartExamined"),
        instance_number=number(ds, "InstanceNumber"),
        rows=geometry.rows if geometry else 0,
        columns=geometry.columns if geometry else 0,
        frames=geometry.frames if geometry else 0,
        window_center=center,
        window_width=width,
        not_displayable_because=reason,
        description=description,
    )


def _shown(opened: Opened) -> tuple[Geometry | None, str]:
    """The geometry, or why there is none to show. A file that lies about its size is not stored."""
    try:
        return geometry_of(opened), ""
    except Unreadable as error:
        return None, error.refusal.value


def window_of(ds: Dataset) -> tuple[float | None, float | None]:
    """The first window of the header, centre and width (PS3.3 C.11.2.1.2); None where it has none that is usable."""
    center, width = _first_float(ds, "WindowCenter"), _first_float(ds, "WindowWidth")
    return (center, width) if center is not None and width is not None and width > 0 else (None, None)


def text(ds: Dataset, keyword: str) -> str:
    """A value as clean text: no NUL, no lone surrogate, bounded; "" where it cannot be read."""
    try:
        held = plain_element(ds, tag_of(keyword))
        value = held.text if held else ds.get(keyword)
        plain = "" if value is None else str(value)
    except Exception:  # pydicom raises whatever a broken value makes Python raise; the rest of the header stands
        return ""
    return clean(plain)


def clean(plain: str) -> str:
    """As `text` has it."""
    return plain.replace("\0", "").encode("utf-8", "replace").decode().strip()[:_LONGEST_TEXT]


def number(ds: Dataset, keyword: str) -> int:
    """An integer string that fits 32 bits, else 0."""
    return whole_number(text(ds, keyword))


def whole_number(said: str) -> int:
    """As `number` has it."""
    try:
        value = int(said or 0)
    except ValueError:
        return 0
    return value if abs(value) <= _LARGEST_NUMBER else 0


def _first_float(ds: Dataset, keyword: str) -> float | None:
    try:
        value = ds.get(keyword)
        first = value[0] if isinstance(value, list) or hasattr(value, "__getitem__") else value
        result = float(str(first)) if first is not None else math.nan
    except Exception:  # as in `text`
        return None
    return result if math.isfinite(result) else None


def _name_all(ds: FileDataset) -> None:
    """Fill in the identifiers that the data set leaves out, so that the object can be addressed; its bytes stay.

    Its own stand in the file meta information once more (PS3.10 §7.1). What is of no study (a colour palette) or
    names none is one by itself. Raises Unreadable where the object has no identifier at all.
    """
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not text(ds, keyword):
            setattr(ds, keyword, text(ds.file_meta, f"MediaStorage{keyword}"))
    own = _uid(ds, "SOPInstanceUID")
    for level in ("Study", "Series"):
        if not text(ds, f"{level}InstanceUID"):
            setattr(ds, f"{level}InstanceUID", derived_uid(level, own))


def _uid(ds: Dataset, keyword: str) -> str:
    value = text(ds, keyword)
    if not is_uid(value):
        raise Unreadable(Refusal.BAD_IDENTIFIER)
    return value


def _birth_date(ds: Dataset) -> str:
    try:
        born = datetime.strptime(text(ds, "PatientBirthDate").replace(".", ""), "%Y%m%d")  # noqa: DTZ007  # a day has no zone
    except ValueError:
        return ""
    return born.date().isoformat()


def _started(ds: Dataset) -> str:
    day, time = text(ds, "StudyDate").replace(".", ""), re.sub(r"[^0-9]", "", text(ds, "StudyTime").split(".")[0])
    offset = text(ds, "TimezoneOffsetFromUTC")
    for digits, form in ((f"{day}{time:0<6}{offset}", "%Y%m%d%H%M%S%z"), (f"{day}{time:0<6}", "%Y%m%d%H%M%S")):
        try:
            moment = datetime.strptime(digits, form)  # noqa: DTZ007  # the zone is the sender's to know
        except ValueError:
            continue
        if moment.year in _YEARS and abs(moment.utcoffset() or _FARTHEST) <= _FARTHEST:
            return moment.isoformat()
    return ""
