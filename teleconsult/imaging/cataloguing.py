"""What of a header goes into the columns that DICOMweb searches by, and into those it answers from."""

import re
from typing import Any, Final

from teleconsult.imaging.header import InstanceHeader
from teleconsult.patients.names import fold

_LONGEST: Final = 1024


def study_keys(header: InstanceHeader) -> dict[str, Any]:
    """Columns of a new study, from its first instance."""
    told = header.description.study
    names = value_in(told, "00100010") or {}
    referrer = value_in(told, "00080090") or {}
    return {
        "folded_name": fold(names.get("Alphabetic", "")),
        "other_names": "=".join(fold(names.get(form, "")) for form in ("Ideographic", "Phonetic")).strip("="),
        "folded_referrer": fold(referrer.get("Alphabetic", "")),
        "study_date": digits(value_in(told, "00080020")),
        "study_time": digits(value_in(told, "00080030")),
        "study_identifier": str(value_in(told, "00200010") or "")[:_LONGEST],
        "attributes": told,
    }


def instance_keys(header: InstanceHeader) -> dict[str, Any]:
    """Columns of an instance: its whole description, and where its frames lie."""
    told = header.description
    return {
        "dicom_json": told.dicom_json or None,
        "frame_index": told.frame_index or None,
        "pixels_at": told.pixels_at,
        "pixels_length": told.pixels_length,
        "frame_bits": told.frame_bits,
    }


def value_in(told: dict[str, Any], tag: str) -> Any:
    """The first value of an element of the DICOM JSON Model, or None."""
    values = told.get(tag, {}).get("Value")
    return values[0] if values else None


def digits(value: object) -> str:
    """A date or time as it is compared: `2026.03.01` (as before 1993) as `20260301`, a fraction of a second kept."""
    text = str(value or "")[:_LONGEST]
    whole, point, fraction = text.partition(".") if text.count(".") == 1 else (text, "", "")
    return re.sub(r"[^0-9]", "", whole) + (point + re.sub(r"[^0-9]", "", fraction)).rstrip(".")
