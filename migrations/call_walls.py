"""The walls round who was there and how the line held: those who see the session see it, each comes and goes alone.

What browsers measured is written by the system, for many at once; the sums over all sessions are nobody's to read.
"""

from typing import Final

from migrations.acting import all_of, any_of
from migrations.walls import ANYBODY, Wall, shown

_OWN: Final = "is_own_seat(participant_id)"

WALLS: Final = {
    "attendance": Wall(
        read=any_of(_OWN, all_of(ANYBODY, shown("encounter", "session", by="attendance.encounter_id"))),
        add=_OWN,
        change=_OWN,
    ),
    "call_minute": Wall(read=all_of(ANYBODY, shown("encounter", "session", by="call_minute.encounter_id"))),
    "call_summary": Wall(),
}

WRITTEN_ONCE: Final = {
    "attendance": ("encounter_id", "participant_id", "came_at"),
    "call_minute": ("encounter_id", "participant_id", "begins_at"),
    "call_summary": ("encounter_id", "participant_id"),
}
