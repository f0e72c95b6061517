"""What we keep of a DICOM header: the identifiers, what a list shows, whether there is something to see."""

from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Self

from teleconsult.imaging.elements import text_of


@dataclass(frozen=True, slots=True)
class Description:
    """A header ready to be told (PS3.18 Annex F), and where its pixels lie in the file."""

    dicom_json: bytes = b""
    """All of it, compressed by zlib."""
    frame_index: bytes = b""
    """Of encapsulated pixels (`frame_index.py`)."""
    study: dict[str, Any] = field(default_factory=dict)
    """What of it is about the patient and the study; `series` about the series."""
    series: dict[str, Any] = field(default_factory=dict)
    pixels_at: int = 0
    pixels_length: int = 0
    frame_bits: int = 0
    """Of one native frame that can be cut out of the file; else 0."""


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """One SOP instance (PS3.3 A.1). Absent text is "", an absent number 0."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    patient_name: str
    patient_id: str
    patient_issuer: str
    """Whose number that is (0010,0021), where the file says it."""
    patient_birth_date: str
    """ISO 8601, or "" where it is not given as a whole date."""
    started: str
    """ISO 8601, with an offset where the file gives one (0008,0201); else local time of where it was made."""
    accession_number: str
    study_description: str
    series_number: int
    series_description: str
    modality: str
    body_part: str
    instance_number: int
    rows: int
    columns: int
    frames: int
    """0 where there is nothing to display."""
    window_center: float | None
    window_width: float | None
    not_displayable_because: str
    """A `Refusal` code, or ""."""
    description: Description = field(default_factory=Description)

    @property
    def birth_date(self) -> date | None:
        """The patient's, where the file gives it."""
        return date.fromisoformat(self.patient_birth_date) if self.patient_birth_date else None

    @property
    def sex(self) -> str:
        """The patient's (0010,0040): M or F; "" where the file says neither."""
        said = text_of(self.description.study, "00100040")
        return said if said in ("M", "F") else ""

    def packed(self, like: Self | None = None) -> tuple[dict[str, Any], bytes]:
        """For the worker's answer: JSON, in which stands how long each of the two blobs is that follow it. Only what
        differs from `like`, where the other side has that.
        """
        told, head = self.description, _differences(self, like)
        head["description"] = _differences(told, like.description if like is not None else None)
        head["description"] |= {"dicom_json": len(told.dicom_json), "frame_index": len(told.frame_index)}
        return head, told.dicom_json + told.frame_index

    @classmethod
    def unpacked(cls, head: dict[str, Any], body: bytes, like: Self | None = None) -> Self:
        """The header of a worker's answer, who told what differs from `like`."""
        end = head["description"]["dicom_json"]
        told = head["description"] | {"dicom_json": body[:end], "frame_index": body[end:]}
        if like is None:
            return cls(**head | {"description": Description(**told)})
        return replace(like, **head | {"description": replace(like.description, **told)})


def _differences(one: Description | InstanceHeader, other: Description | InstanceHeader | None) -> dict[str, Any]:
    """Fields with their values, of those that differ."""
    names = (field.name for field in fields(one))
    own = ((name, getattr(one, name)) for name in names)
    return {name: value for name, value in own if other is None or value != getattr(other, name)}
