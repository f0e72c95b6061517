"""A key image as the viewer sends it."""

import math
import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from teleconsult.errors import Invalid
from teleconsult.imaging.marks.queries import MOST_REPORTS
from teleconsult.imaging.uids import is_uid
from web.bodies import read_json

_LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class SeenImage:
    """Which image was seen, under which window (centre, width), and in which reports stands what was drawn on it."""

    study_uid: str
    study_id: uuid.UUID
    sop_uid: str
    frame: int
    window: tuple[float, float] | None
    is_inverted: bool
    reports: tuple[str, ...]


async def read_key_image(request: web.Request) -> SeenImage:
    """What was seen. Raises Invalid."""
    content = await read_json(request)
    try:
        level = content["level"]
        return SeenImage(
            study_uid=_uid(content["study"]),
            study_id=uuid.UUID(content["id"]),
            sop_uid=_uid(content["sop"]),
            frame=_count(content["frame"]),
            window=None if level is None else (_number(level["center"]), max(_number(level["width"]), 1.0)),
            is_inverted=bool(content["inverted"]),
            reports=tuple(map(_uid, _list(content["reports"])[:MOST_REPORTS])),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Invalid({"": "This image cannot be put into the note."}) from error


def _uid(text: Any) -> str:
    if not isinstance(text, str) or not is_uid(text):
        raise ValueError("not a UID")
    return text


def _list(listed: Any) -> list[Any]:
    if not isinstance(listed, list):
        raise TypeError("not a list")
    return listed


def _count(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError("not a count")
    return number


def _number(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError("not a number")
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise ValueError("not a window")
    return float(number)
