"""The wall round checks of the link: who sees the session sees them, a guest their own; each adds their own."""

from typing import Final

from migrations.acting import all_of, any_of
from migrations.walls import ANYBODY, Wall, shown

_OWN: Final = "is_own_seat(participant_id)"

WALLS: Final = {
    "link_check": Wall(
        read=any_of(_OWN, all_of(ANYBODY, shown("encounter_participant", "seat", by="link_check.participant_id"))),
        add=_OWN,
    ),
}
