"""QIDO-RS: the rows a search found, in the DICOM JSON Model (PS3.18 §10.6.3.3)."""

import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy.engine import Row

from teleconsult.imaging.asking import Wanted
from teleconsult.imaging.keys import ALWAYS, Level

Element = dict[str, Any]
Tags = frozenset[str] | None
"""Those that are wanted; None: all."""
_HELD: Final = 2000
_LONGEST_HELD: Final = 4096
"""Studies whose line of an answer is held to be told again, and the characters such a one may have in its row."""


class _Study(NamedTuple):
    """All that is told of a study, as it stands in the row."""

    uid: str
    attributes: str
    modalities: tuple[str, ...]
    series: int
    instances: int

    def elements(self, studies: str) -> dict[str, Element]:
        told: dict[str, Element] = orjson.loads(self.attributes)
        return told | {
            "00080056": _element("CS", "ONLINE"),
            "00080061": _element("CS", *self.modalities),
            "00081190": _element("UR", f"{studies}/{self.uid}"),
            "0020000D": _element("UI", self.uid),
            "00201206": _element("IS", self.series),
            "00201208": _element("IS", self.instances),
        }


def tell(found: Sequence[Row[Any]], wanted: Wanted, *, studies: str) -> bytes:
    """The rows as one array; addresses begin with `studies`. One of a UID: the copy that came last."""
    latest: dict[str, Row[Any]] = {}
    for row in found:
        latest.setdefault(row[0], row)
    if wanted.level is Level.STUDY:
        lines = _lines(latest.values(), studies, _tags(wanted, Level.STUDY))
    else:
        lines = [orjson.dumps(_told(row, wanted, studies)) for row in latest.values()]
    return b"[" + b",".join(lines) + b"]"


def _lines(rows: Iterable[Sequence[Any]], studies: str, tags: Tags) -> list[bytes]:
    """Of studies. Their columns are taken by place: by name it takes three times as long as all else."""
    return [
        _line(_Study(uid, attributes, tuple(modalities), series, instances), studies, tags)
        for uid, _patient_id, attributes, modalities, series, instances in rows
    ]


def _study_in(row: Row[Any]) -> _Study:
    return _Study(
        *(row.study_instance_uid, row.study_attributes, tuple(row.modalities)),
        *(row.number_of_series, row.number_of_instances),
    )


def _line(study: _Study, studies: str, tags: Tags) -> bytes:
    """A list is asked for again and again, and by others. Each line is made of nothing but the row it stands for."""
    return (_held_line if len(study.attributes) <= _LONGEST_HELD else _new_line)(study, studies, tags)


def _new_line(study: _Study, studies: str, tags: Tags) -> bytes:
    return orjson.dumps(_only(study.elements(studies), tags))


_held_line: Final = lru_cache(maxsize=_HELD)(_new_line)


def _told(row: Row[Any], wanted: Wanted, studies: str) -> dict[str, Element]:
    """Of a series or an instance."""
    of_study = _study_in(row).elements(studies)
    told = {} if "0020000D" in wanted.under else _chosen(of_study, wanted, Level.STUDY)
    address = f"{studies}/{row.study_instance_uid}/series/{row.series_instance_uid}"
    of_series = orjson.loads(row.series_attributes) | {
        "00080060": _element("CS", row.modality),
        "00081190": _element("UR", address),
        "0020000D": _element("UI", row.study_instance_uid),
        "0020000E": _element("UI", row.series_instance_uid),
        "00201209": _element("IS", row.in_series),
    }
    told |= {"0020000D": of_series["0020000D"]}
    if wanted.level is Level.SERIES:
        return dict(sorted((told | _chosen(of_series, wanted, Level.SERIES)).items()))
    if "0020000E" not in wanted.under:
        told |= _chosen(of_series, wanted, Level.SERIES)
    of_instance = (orjson.loads(zlib.decompress(row.dicom_json)) if row.dicom_json else {}) | {
        "00080016": _element("UI", row.sop_class_uid),
        "00080018": _element("UI", row.sop_instance_uid),
        "00080056": _element("CS", "ONLINE"),
        "00081190": _element("UR", f"{address}/instances/{row.sop_instance_uid}"),
    }
    told |= {"0020000E": of_series["0020000E"]} | _chosen(of_instance, wanted, Level.INSTANCE)
    return dict(sorted(told.items()))


def _chosen(elements: dict[str, Element], wanted: Wanted, level: Level) -> dict[str, Element]:
    return _only(elements, _tags(wanted, level))


def _tags(wanted: Wanted, level: Level) -> Tags:
    return None if wanted.is_all else ALWAYS[level] | wanted.include


def _only(elements: dict[str, Element], tags: Tags) -> dict[str, Element]:
    if tags is None:
        return elements
    return {tag: element for tag, element in sorted(elements.items()) if tag in tags}


def _element(vr: str, *values: object) -> Element:
    return {"vr": vr, "Value": list(values)}
