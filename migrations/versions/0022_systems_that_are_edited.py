"""Systems that exchange images are edited, reports go by TLS, and what was reported on is removed after a while.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, editable_walls, rules

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dicom_peer", sa.Column("reports_by_tls", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("dicom_peer", sa.Column("report_authority", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "ix_storage_commitment_over", "storage_commitment", [sa.text("coalesce(reported_at, ended_at)")], unique=False
    )
    for table, columns in editable_walls.WRITTEN_ONCE.items():
        op.execute(f"drop trigger {table}_bound on {table}")
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["storage_commitment"]):
        op.execute(statement)
