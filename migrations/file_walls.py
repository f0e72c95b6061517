"""The walls round what the patient file keeps besides its entries: their versions, and other systems' numbers."""

from typing import Final

from migrations.acting import HOUSE, all_of
from migrations.walls import Wall, shown

WALLS: Final = {
    # Only the database's own trigger writes it.
    "record_version": Wall(read=shown("record_entry", "entry", by="record_version.record_entry_id")),
    "record_identifier": Wall(
        read=shown("record_entry", "entry", by="record_identifier.record_entry_id"),
        add=all_of(
            f"organization_id = {HOUSE}", shown("record_entry", "entry", by="record_identifier.record_entry_id")
        ),
    ),
}
"""An entry's own wall says who sees what hangs on it."""
