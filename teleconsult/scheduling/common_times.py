"""Times that suit everybody and everything a session needs. Pure functions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from typing import Final

from teleconsult.encounters.attendance import Span, merged, together
from teleconsult.scheduling.hours import Hours, is_within, open_spans, slots, without
from teleconsult.scheduling.local_times import QUARTER, next_quarter

AHEAD: Final = timedelta(days=14)
"""How much is looked through at once."""


@dataclass(frozen=True, slots=True)
class Diary:
    """The hours of one person, service, room or device, and when they are taken (with the time kept free after it)."""

    name: str
    hours: Hours
    busy: tuple[Span, ...] = ()

    def free(self, window: Span) -> list[Span]:
        """When a session may be held: open, not taken, and with the time between two sessions kept."""
        taken = [Span(one.start - self.hours.buffer, one.end) for one in self.busy]
        return without(open_spans(self.hours, window), taken)

    def is_open(self, session: Span) -> bool:
        """Whether the session lies within the hours."""
        return is_within(session, open_spans(self.hours, session))


def common_times(diaries: Sequence[Diary], window: Span, length: timedelta) -> Iterator[Span]:
    """Every time of that length in the window that suits all of them, in order.

    At full quarters of an hour, one after the other; where somebody holds a clinic, at the clinic's own times and of
    its own length instead.
    """
    free = reduce(together, (diary.free(window) for diary in diaries), [window])
    clinics = [set(slots(diary.hours, window)) for diary in diaries if is_clinic(diary.hours)]
    if clinics:
        yield from (slot for slot in sorted(set.intersection(*clinics)) if is_within(slot, free))
        return
    for span in merged(free):
        start = next_quarter(span.start)
        while start + length <= span.end:
            yield Span(start, start + length)
            start += max(length, QUARTER)
            start = next_quarter(start)


def is_clinic(hours: Hours) -> bool:
    """Whether all its hours are those of clinics, whose sessions begin when one says."""
    return bool(hours.rules) and all(rule.slot_minutes is not None for rule in hours.rules)


def closed_for(diaries: Sequence[Diary], session: Span) -> list[str]:
    """The names of those whose hours do not hold all of the session."""
    return [diary.name for diary in diaries if not diary.is_open(session)]
