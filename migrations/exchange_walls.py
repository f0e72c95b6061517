"""The walls round what the two sides of a consult write to each other, and round what became of the patient.

Who coordinates asks for more and reads the answer, and reads nothing of what doctor and specialist discuss, nor how the
patient is. A coordinator who sends a request on asks the other service anew.
"""

from typing import Final

from migrations import walls
from migrations.acting import CODE, ME, acts_as, all_of, any_of
from migrations.walls import COORDINATES, Wall, shown


def _seen(table: str) -> str:
    return shown("service_request", "asked", by=f"{table}.service_request_id")


_TREATS: Final = f"{CODE} not in ('coordinator', 'secretary')"
_TASKS: Final = walls.FIRST["task"]

WALLS: Final = {
    "communication": Wall(
        read=all_of(f"{CODE} <> 'secretary'", any_of("category <> 'message'", _TREATS), _seen("communication")),
        add=all_of(f"sender_role_id = {ME}", acts_as("doctor", "specialist", "coordinator"), _seen("communication")),
    ),
    "follow_up": Wall(
        read=all_of(_TREATS, _seen("follow_up")),
        add=all_of(f"recorded_by_id = {ME}", acts_as("doctor"), _seen("follow_up")),
    ),
    "task": Wall(
        read=_TASKS.read,
        add=any_of(_TASKS.add or "", all_of("owner_role_id is null", COORDINATES, _seen("task"))),
        change=_TASKS.change,
    ),
}

WRITTEN_ONCE: Final = {
    "communication": ("service_request_id", "sender_role_id", "category", "text", "sent_at"),
    "follow_up": (
        *("service_request_id", "recorded_by_id", "recorded_at"),
        *("plan_followed", "journey_avoided", "patient_course"),
    ),
}
