"""A consult's history tells of its emergency and its transfers.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from alembic import op

from migrations.emergency_history import WITH_EMERGENCY, WITHOUT_EMERGENCY

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(WITH_EMERGENCY)


def downgrade() -> None:
    op.execute(WITHOUT_EMERGENCY)
