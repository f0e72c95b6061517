"""The walls round what comes by HL7 v2: an administrator sees what their establishment's systems send."""

from typing import Final

from migrations.acting import ME, acts_as, all_of
from migrations.walls import OF_HOUSE, Wall

_MANAGED: Final = all_of(acts_as("administrator"), OF_HOUSE)

WALLS: Final = {
    "hl7_sender": Wall(read=_MANAGED, add=all_of(_MANAGED, f"created_by_id = {ME}"), change=_MANAGED),
    # Only the system takes messages; who watches over it may say that they looked.
    "hl7_message": Wall(read=_MANAGED, change=_MANAGED),
}

WRITTEN_ONCE: Final = {
    "hl7_sender": ("organization_id",),
    "hl7_message": ("organization_id", "sender_id"),
}
