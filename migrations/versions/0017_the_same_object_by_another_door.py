"""The digest of each instance's data set: the same object has other bytes before it when it comes by another door.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations.object_crossings import HELD_OBJECTS

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imaging_instance", sa.Column("data_set_sha256", sa.LargeBinary(), nullable=True))
    op.execute(HELD_OBJECTS)
