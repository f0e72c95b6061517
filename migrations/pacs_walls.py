"""The walls round archives that are asked for images: set by administrators, used by who brings images to a request.

What was fetched is seen by the one who asked for it alone. The worker that fetches is the system.
"""

from typing import Final

from migrations.acting import HOUSE, ME, acts_as, all_of
from migrations.walls import OF_HOUSE, Wall

_MANAGED: Final = all_of(acts_as("administrator"), OF_HOUSE)
_ASKED: Final = f"asks({ME}, pacs_fetch.service_request_id)"

WALLS: Final = {
    "pacs": Wall(
        read=all_of(acts_as("administrator", "doctor"), OF_HOUSE),
        add=all_of(_MANAGED, f"created_by_id = {ME}"),
        change=_MANAGED,
    ),
    "pacs_fetch": Wall(
        read=_ASKED,
        add=all_of(
            _ASKED,
            OF_HOUSE,
            f"requester_role_id = {ME}",
            f"exists (select from pacs where pacs.id = pacs_fetch.pacs_id and pacs.organization_id = {HOUSE})",
        ),
        change=_ASKED,
    ),
}

WRITTEN_ONCE: Final = {
    "pacs": (
        *("organization_id", "kind", "address", "ae_title", "calling_title"),
        *("uses_tls", "authority", "credential_sealed", "dicom_peer_id"),
    ),
    "pacs_fetch": (
        *("organization_id", "pacs_id", "service_request_id", "requester_role_id", "study_instance_uid"),
        *("patient_number", "birth_date"),
    ),
}
