"""Telephone numbers of establishments and of their services, for when nothing else works.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("organization", "healthcare_service"):
        op.add_column(table, sa.Column("phone", sa.Text(), server_default="", nullable=False))
