"""How a request is to be answered: live, in writing, by a team, or at once.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

MODE = sa.Enum(
    "video", "advice", "meeting", "emergency", name="consultmode", native_enum=False, create_constraint=True, length=40
)


def upgrade() -> None:
    op.add_column("service_request", sa.Column("mode", MODE, server_default="video", nullable=False))
