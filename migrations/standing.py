"""The walls and the bindings as they stand after the last migration: what the tests hold the database to."""

from typing import Final

from migrations import (
    agenda_walls,
    arrival_walls,
    bindings,
    call_walls,
    client_walls,
    co_signing_walls,
    commitment_walls,
    consent_walls,
    coordination_walls,
    delivery_walls,
    description_walls,
    door_walls,
    editable_walls,
    emergency_walls,
    evidence_walls,
    excerpt_walls,
    exchange_walls,
    file_walls,
    identity_walls,
    link_walls,
    mailbox_walls,
    meeting_walls,
    notice_walls,
    pacs_walls,
    peer_walls,
    recording_walls,
    rendition_walls,
    session_log_walls,
    signer_walls,
    version_walls,
    walls,
    writing_walls,
)

WALLS: Final = (
    walls.FIRST
    | file_walls.WALLS
    | identity_walls.WALLS
    | door_walls.WALLS
    | consent_walls.WALLS
    | client_walls.WALLS
    | excerpt_walls.WALLS
    | arrival_walls.WALLS
    | description_walls.WALLS
    | peer_walls.WALLS
    | pacs_walls.WALLS
    | rendition_walls.WALLS
    | commitment_walls.WALLS
    | link_walls.WALLS
    | recording_walls.WALLS
    | call_walls.WALLS
    | session_log_walls.WALLS
    | exchange_walls.WALLS
    | emergency_walls.WALLS
    | notice_walls.WALLS
    | agenda_walls.WALLS
    | coordination_walls.WALLS
    | version_walls.WALLS
    | writing_walls.WALLS
    | evidence_walls.WALLS
    | delivery_walls.WALLS
    | mailbox_walls.WALLS
    | meeting_walls.WALLS
    | signer_walls.WALLS
    | co_signing_walls.WALLS
)
"""Each table's wall. A migration that changes one lowers it and raises its own (`walls.lowered`, `walls.raised`)."""

WRITTEN_ONCE: Final = (
    bindings.FIRST
    | identity_walls.WRITTEN_ONCE
    | door_walls.WRITTEN_ONCE
    | consent_walls.WRITTEN_ONCE
    | client_walls.WRITTEN_ONCE
    | peer_walls.WRITTEN_ONCE
    | pacs_walls.WRITTEN_ONCE
    | rendition_walls.WRITTEN_ONCE
    | commitment_walls.WRITTEN_ONCE
    | editable_walls.WRITTEN_ONCE
    | recording_walls.WRITTEN_ONCE
    | call_walls.WRITTEN_ONCE
    | exchange_walls.WRITTEN_ONCE
    | notice_walls.WRITTEN_ONCE
    | emergency_walls.WRITTEN_ONCE
    | agenda_walls.WRITTEN_ONCE
    | evidence_walls.WRITTEN_ONCE
    | writing_walls.WRITTEN_ONCE
    | delivery_walls.WRITTEN_ONCE
    | mailbox_walls.WRITTEN_ONCE
    | meeting_walls.WRITTEN_ONCE
    | signer_walls.WRITTEN_ONCE
    | co_signing_walls.WRITTEN_ONCE
)
"""Each table's columns that no statement changes."""

OPEN: Final[dict[str, str]] = {}
"""Tables without a wall, and why."""
