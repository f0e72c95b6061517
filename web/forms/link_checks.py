"""What a browser tells of a check, as JSON: figures and devices."""

from collections.abc import Mapping
from typing import Any

from teleconsult.encounters.link_figures import Devices, Figures
from teleconsult.encounters.link_models import Way
from teleconsult.errors import Invalid

FIGURES = ("round_trip", "jitter", "loss", "uplink", "downlink")


def read_check(content: Mapping[str, Any]) -> tuple[Figures, Devices]:
    """Both. Raises Invalid for what no page of ours sends, and for figures that no link has."""
    figures = Figures(
        **{name: _number(content.get(name)) for name in FIGURES},
        ways=_ways(content.get("ways")),
        blocked_ways=_ways(content.get("blocked_ways")),
    )
    speaker = content.get("speaker")
    devices = Devices(
        camera=_answer(content.get("camera")),
        microphone=_answer(content.get("microphone")),
        speaker=None if speaker is None else _answer(speaker),
    )
    return figures, devices


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unreadable()
    return value


def _answer(value: object) -> bool:
    if not isinstance(value, bool):
        raise _unreadable()
    return value


def _ways(value: object) -> tuple[Way, ...]:
    if not isinstance(value, list) or len(value) > len(Way) or not set(map(str, value)) <= set(Way):
        raise _unreadable()
    return tuple(dict.fromkeys(Way(way) for way in value))


def _unreadable() -> Invalid:
    return Invalid({"figures": "The check could not be read. Reload the page and check again."})
