"""The wall round the systems that send images: an administrator sees those of their establishment."""

from typing import Final

from migrations.acting import ME, acts_as, all_of
from migrations.walls import OF_HOUSE, Wall

_MANAGED: Final = all_of(acts_as("administrator"), OF_HOUSE)

WALLS: Final = {
    "dicom_peer": Wall(read=_MANAGED, add=all_of(_MANAGED, f"created_by_id = {ME}"), change=_MANAGED),
}

WRITTEN_ONCE: Final = {
    "dicom_peer": ("organization_id", "ae_title", "network", "certificate_sha256"),
}
