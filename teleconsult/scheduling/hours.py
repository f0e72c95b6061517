"""From rules on the clock of a wall to moments: when somebody or something can be had. Pure functions.

A zone's offset is constant between its changes. Within such a stretch the clock on the wall runs as time does, so each
rule is cut with each stretch: an hour that comes twice in autumn is open twice, and one that never comes in spring is
not open at all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import holidays as public_holidays
from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday

from teleconsult.encounters.attendance import Span, merged, together
from teleconsult.scheduling.hours_models import Repeat

DAY: Final = timedelta(days=1)
LOOK: Final = timedelta(hours=2)
"""No zone changes its offset twice within so short a time."""
_OF_MONTH: Final = {Repeat.FIRST: 1, Repeat.SECOND: 2, Repeat.THIRD: 3, Repeat.FOURTH: 4, Repeat.LAST: -1}


@dataclass(frozen=True, slots=True)
class Rule:
    """On these weekdays (ISO, Monday is 1) from one minute of the day to another, which may lie in the next day."""

    weekdays: frozenset[int]
    from_minute: int
    until_minute: int
    first_day: date
    last_day: date | None = None
    repeat: Repeat = Repeat.WEEKLY
    slot_minutes: int | None = None

    def days(self, first: date, last: date) -> Iterator[date]:
        """The days the rule begins on, from `first` to `last` (RFC 5545 §3.3.10)."""
        since = max(first, self.first_day)
        until = min(last, self.last_day or last)
        if since > until:
            return
        nth = _OF_MONTH.get(self.repeat)
        found = rrule(
            WEEKLY if nth is None else MONTHLY,
            interval=2 if self.repeat is Repeat.FORTNIGHTLY else 1,
            byweekday=[weekday(day - 1, nth) if nth else weekday(day - 1) for day in sorted(self.weekdays)],
            dtstart=datetime.combine(self._anchor(since), time()),  # days have no zone
            until=datetime.combine(until, time()),
        )
        for day in found:
            if day.date() >= since:
                yield day.date()

    def _anchor(self, since: date) -> date:
        """A day from which the weeks are counted, not far before `since`: two weeks at a time after the first one."""
        if self.repeat in _OF_MONTH:
            return since.replace(day=1)
        monday = self.first_day - timedelta(days=self.first_day.weekday())
        return monday + (since - monday) // timedelta(days=14) * timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Hours:
    """All that is said of when somebody or something can be had. Without rules: always, but for what is `away`."""

    zone: ZoneInfo
    rules: tuple[Rule, ...] = ()
    holidays: str = ""
    away: tuple[Span, ...] = ()
    extra: tuple[Span, ...] = ()
    buffer: timedelta = timedelta()


ALWAYS: Final = Hours(ZoneInfo("UTC"))


def open_spans(hours: Hours, window: Span) -> list[Span]:
    """When it is open within the window, in order, in UTC. What is away is closed, even where it is extra."""
    if not hours.rules:
        return without([window], hours.away)
    kept = without(_ruled(hours, window, hours.rules), _holidays(hours, window))
    extra = [Span(max(one.start, window.start), min(one.end, window.end)) for one in hours.extra]
    return without(merged([*kept, *(span for span in extra if span.start < span.end)]), hours.away)


def slots(hours: Hours, window: Span) -> list[Span]:
    """The sessions of a clinic: each rule with a slot length cut into slots of it, from its opening on."""
    found = set[Span]()
    for rule in hours.rules:
        if rule.slot_minutes is None:
            continue
        length = timedelta(minutes=rule.slot_minutes)
        # From whole openings: a window that begins in the midst of one must not shift its slots.
        wide = Span(window.start - 2 * DAY, window.end + 2 * DAY)
        for span in _ruled(hours, wide, (rule,)):
            count = span.length // length
            found.update(Span(span.start + n * length, span.start + (n + 1) * length) for n in range(count))
    return sorted(
        slot
        for slot in found
        if slot.start >= window.start and slot.end <= window.end and is_within(slot, open_spans(hours, slot))
    )


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of the spans."""
    left = list(spans)
    for cut in taken:
        left = [
            part
            for span in left
            for part in (Span(span.start, min(span.end, cut.start)), Span(max(span.start, cut.end), span.end))
            if part.start < part.end
        ]
    return left


def is_within(span: Span, spans: Iterable[Span]) -> bool:
    """Whether one of them holds all of it."""
    return any(one.start <= span.start and span.end <= one.end for one in spans)


def _ruled(hours: Hours, window: Span, rules: Iterable[Rule]) -> list[Span]:
    found: list[Span] = []
    for stretch, offset in _stretches(hours.zone, window):
        wall = Span(stretch.start + offset, stretch.end + offset)
        first, last = wall.start.date() - DAY, wall.end.date()
        for rule in rules:
            on_wall = [_on_wall(day, rule.from_minute, rule.until_minute) for day in rule.days(first, last)]
            found += [Span(one.start - offset, one.end - offset) for one in together(on_wall, [wall])]
    return merged(found)


def _holidays(hours: Hours, window: Span) -> list[Span]:
    if not hours.holidays:
        return []
    found: list[Span] = []
    for stretch, offset in _stretches(hours.zone, window):
        wall = Span(stretch.start + offset, stretch.end + offset)
        days = (wall.start.date() + timedelta(days=n) for n in range((wall.end.date() - wall.start.date()).days + 1))
        free = [_on_wall(day, 0, 1440) for day in days if is_holiday(hours.holidays, day)]
        found += [Span(one.start - offset, one.end - offset) for one in together(free, [wall])]
    return found


def is_holiday(code: str, day: date) -> bool:
    """Whether the day is a public holiday in a country ("FR") or a part of one ("CA-QC")."""
    return day in _holidays_of(code, day.year)


@lru_cache(maxsize=256)
def _holidays_of(code: str, year: int) -> frozenset[date]:
    country, _, part = code.partition("-")
    return frozenset(public_holidays.country_holidays(country, subdiv=part or None, years=year))


def _on_wall(day: date, from_minute: int, until_minute: int) -> Span:
    """Both ends as if the wall were in UTC."""
    midnight = datetime.combine(day, time(), UTC)
    return Span(midnight + timedelta(minutes=from_minute), midnight + timedelta(minutes=until_minute))


def _stretches(zone: ZoneInfo, window: Span) -> list[tuple[Span, timedelta]]:
    """The window in parts, each with the offset that holds through it."""
    window = Span(window.start.astimezone(UTC), window.end.astimezone(UTC))
    looks = [window.start + n * LOOK for n in range(int(window.length / LOOK) + 1)]
    changes = [_change(zone, a, b) for a, b in pairwise([*looks, window.end]) if _offset(zone, a) != _offset(zone, b)]
    edges = [window.start, *changes, window.end]
    return [(Span(a, b), _offset(zone, a)) for a, b in pairwise(edges) if a < b]


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the offset of `before` no longer holds."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if _offset(zone, middle) == _offset(zone, before):
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None, "an aware moment has one"
    return offset
