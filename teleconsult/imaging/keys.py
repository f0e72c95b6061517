"""What DICOMweb may search by, and what it answers with unless asked for more (PS3.18 §10.6.1.2, §10.6.3.3)."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

from pydicom.datadict import keyword_dict

from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy


class Level(IntEnum):
    """What is searched for."""

    STUDY = 0
    SERIES = 1
    INSTANCE = 2


class Kind(StrEnum):
    """How a value is compared (PS3.4 §C.2.2.2)."""

    UID = "uid"
    DATE = "date"
    TIME = "time"
    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    CODES = "codes"
    IN_SEQUENCE = "in-sequence"


@dataclass(frozen=True, slots=True)
class Key:
    """An attribute that may be searched by; `column` is where the rows have it."""

    level: Level
    kind: Kind
    column: Any


def _told(row: type[ImagingStudy | ImagingSeries], tag: str) -> Any:
    return row.attributes[tag]["Value"][0].astext


_STUDY, _SERIES, _INSTANCE = ImagingStudy, ImagingSeries, ImagingInstance
KEYS: Final[dict[str, Key]] = {
    "00080020": Key(Level.STUDY, Kind.DATE, _STUDY.study_date),
    "00080030": Key(Level.STUDY, Kind.TIME, _STUDY.study_time),
    "00080050": Key(Level.STUDY, Kind.TEXT, _STUDY.accession_number),
    "00080061": Key(Level.STUDY, Kind.CODES, _STUDY.modalities),
    "00080090": Key(Level.STUDY, Kind.NAME, (_STUDY.folded_referrer,)),
    "00081030": Key(Level.STUDY, Kind.TEXT, _STUDY.description),
    "00100010": Key(Level.STUDY, Kind.NAME, (_STUDY.folded_name, _STUDY.other_names)),
    "00100020": Key(Level.STUDY, Kind.TEXT, _STUDY.header_patient_id),
    "00100030": Key(Level.STUDY, Kind.DATE, _told(_STUDY, "00100030")),
    "00100040": Key(Level.STUDY, Kind.TEXT, _told(_STUDY, "00100040")),
    "0020000D": Key(Level.STUDY, Kind.UID, _STUDY.study_instance_uid),
    "00200010": Key(Level.STUDY, Kind.TEXT, _STUDY.study_identifier),
    "00080060": Key(Level.SERIES, Kind.TEXT, _SERIES.modality),
    "0008103E": Key(Level.SERIES, Kind.TEXT, _SERIES.description),
    "00180015": Key(Level.SERIES, Kind.TEXT, _SERIES.body_part),
    "0020000E": Key(Level.SERIES, Kind.UID, _SERIES.series_instance_uid),
    "00200011": Key(Level.SERIES, Kind.NUMBER, _SERIES.number),
    "00400244": Key(Level.SERIES, Kind.DATE, _told(_SERIES, "00400244")),
    "00400245": Key(Level.SERIES, Kind.TIME, _told(_SERIES, "00400245")),
    "00400275.00400009": Key(Level.SERIES, Kind.IN_SEQUENCE, _SERIES.attributes),
    "00400275.00401001": Key(Level.SERIES, Kind.IN_SEQUENCE, _SERIES.attributes),
    "00080016": Key(Level.INSTANCE, Kind.UID, _INSTANCE.sop_class_uid),
    "00080018": Key(Level.INSTANCE, Kind.UID, _INSTANCE.sop_instance_uid),
    "00200013": Key(Level.INSTANCE, Kind.NUMBER, _INSTANCE.number),
}

ALWAYS: Final = {
    Level.STUDY: frozenset(
        {"00080005", "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00080201", "00081190"}
        | {"00100010", "00100020", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208"}
        | {"00081030"}  # not demanded; every list of studies shows it
    ),
    Level.SERIES: frozenset(
        {"00080005", "00080060", "00080201", "0008103E", "00081190", "0020000E", "00200011", "00201209"}
        | {"00400244", "00400245", "00400275"}
    ),
    Level.INSTANCE: frozenset(
        {"00080005", "00080016", "00080018", "00080056", "00080201", "00081190", "00200013", "00280008", "00280010"}
        | {"00280011", "00280100"}
    ),
}
"""Tables 10.6.3-3 to 10.6.3-5."""

_TAG_LENGTH: Final = 8


def tag_of(name: str) -> str | None:
    """The tag of an attribute as DICOMweb names it: by tag or keyword, within a sequence after a dot."""
    tags = [_one(part) for part in name.split(".")]
    return ".".join(tag for tag in tags if tag) if all(tags) else None


def _one(name: str) -> str | None:
    if len(name) == _TAG_LENGTH and all(digit in "0123456789abcdefABCDEF" for digit in name):
        return name.upper()
    known = keyword_dict.get(name) if name else None
    return None if known is None else f"{known:08X}"
