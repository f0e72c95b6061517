"""When a request was made an emergency anew: its times count from there.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen.
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("emergency", sa.Column("pressed_again_at", sa.DateTime(timezone=True), nullable=True))
