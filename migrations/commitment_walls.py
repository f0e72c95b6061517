"""The wall round what systems asked us to commit to: nobody's but the system's, which asks and tells."""

from typing import Final

from migrations.walls import Wall

WALLS: Final = {"storage_commitment": Wall()}

WRITTEN_ONCE: Final = {
    "storage_commitment": ("organization_id", "dicom_peer_id", "transaction_uid", "instances", "asked_at"),
}
