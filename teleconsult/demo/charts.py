"""A patient's story, as `files/*.json` tell it, made into FHIR R4 resources dated from today.

A chart has visits; a visit has a day (`ago`: `3y 2mo`, `5d`, `40min`), an establishment (`where`), an author (`by`) and
what was found and done then. `trends` repeat a panel of measures at regular distances.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from teleconsult.demo import resources
from teleconsult.demo.resources import Resource

Chart = Mapping[str, Any]
RECENT: Final = timedelta(days=2)
"""What is older was written in office hours."""
_DAYS: Final = {"y": 365.25, "mo": 30.44, "w": 7.0, "d": 1.0, "h": 1 / 24, "min": 1 / 1440}
_PART: Final = re.compile(r"(\d+)(y|mo|w|d|h|min)\b")
_AUTHORS: Final = {
    "rural": "Dr Hélène Tremblay",
    "provincial": "Dr Marc-André Fortin",
    "tertiary": "Dr Sylvie Beaulieu",
    "clinic": "Dr Jean Dubois",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of a chart: what, when, where, by whom."""

    resource: Resource
    title: str
    effective_at: datetime
    where: str
    author: str


@cache
def charts() -> dict[str, Chart]:
    """Every chart by its name."""
    folder = files("teleconsult.demo") / "files"
    return {
        path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".json")
    }


def distance(ago: str) -> timedelta:
    """How far back `3y 2mo`, `5d` or `40min` lies."""
    return timedelta(days=sum(int(number) * _DAYS[unit] for number, unit in _PART.findall(ago)))


def birth_date(chart: Chart, today: date) -> date:
    """The day of birth of somebody who is `chart["age"]` old today."""
    return today - distance(chart["age"])


def told(chart: Chart, *, moment: datetime, zones: Mapping[str, str]) -> Iterator[Told]:
    """The entries of a chart, as seen from `moment`; `zones` are the establishments' time zones."""
    ranges = chart.get("ranges", {})
    for number, visit in enumerate([*chart["visits"], *_repeated(chart)]):
        at = _clock(visit["ago"], number, moment, ZoneInfo(zones[visit["where"]]))
        author = visit.get("by") or _AUTHORS[visit["where"]]
        for minutes, (title, resource) in enumerate(_entries(visit, at, ranges)):
            written = min(at + timedelta(minutes=2 * minutes), moment)
            yield Told(resource, title, written, visit["where"], author)


def _repeated(chart: Chart) -> Iterator[Chart]:
    for trend in chart.get("trends", ()):
        step, first = distance(trend["every"]), distance(trend["ago"])
        for number, values in enumerate(zip(*trend["values"].values(), strict=True)):
            days = (first - number * step).days
            panel = dict(zip(trend["values"], values, strict=True))
            key = "vitals" if "panel" not in trend else "labs"
            content = panel if key == "vitals" else [[trend["panel"], panel]]
            yield {"ago": f"{days}d", "where": trend["where"], "by": trend.get("by"), key: content}


def _clock(ago: str, number: int, moment: datetime, zone: ZoneInfo) -> datetime:
    at = moment - distance(ago)
    if moment - at < RECENT:
        return at
    return at.astimezone(zone).replace(hour=8 + number * 3 % 9, minute=number * 17 % 60, second=0, microsecond=0)


def _entries(visit: Chart, at: datetime, ranges: Mapping[str, list[float | None]]) -> Iterator[tuple[str, Resource]]:
    """Title and resource of everything a visit holds, in the order it was written: the doctor's own words last."""
    for text, *details in visit.get("allergies", ()):
        yield text, resources.allergy(text, at, *details)
    for code, text, *details in visit.get("problems", ()):
        yield text, resources.condition(code, text, at, *details)
    if "vitals" in visit:
        yield "Signes vitaux", resources.vital_signs(visit["vitals"], at, ranges)
    for panel, values, *remark in visit.get("labs", ()):
        yield panel, resources.panel(panel, values, at, ranges, *remark)
    for modality, text, site, report in visit.get("images", ()):
        yield text, resources.imaging(modality, text, site, report, at)
    for text, *details in visit.get("procedures", ()):
        yield text, resources.procedure(text, at, *details)
    for code, text, dosage, *details in visit.get("medicines", ()):
        yield text, resources.medication(code, text, dosage, at, *details)
    for code, text, *details in visit.get("vaccines", ()):
        yield text, resources.immunization(code, text, at, *details)
    for code, text, *lines in visit.get("documents", ()):
        yield text, resources.document(code, text, "\n\n".join(lines), at)
    if "visit" in visit:
        yield visit["visit"], resources.encounter(visit, at)
