"""What we keep of a DICOM header: the identifiers, what a list shows, whether there is something to see."""

from dataclasses import asdict, dataclass
from typing import Any


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

    def as_json(self) -> dict[str, Any]:
        """For the worker's answer."""
        return asdict(self)
