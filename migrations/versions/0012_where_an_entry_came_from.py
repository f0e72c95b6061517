"""Entries that stand for a note or images of a consult say that they came from it; who wrote in a file is looked up.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_record_entry_organization", "record_entry", ["patient_id", "organization_id"])
    op.create_index(
        "ix_identity_case_open",
        "identity_case",
        ["organization_id", "found_at"],
        postgresql_where="decision is null",
    )
    op.execute("update record_entry set origin = 'consult' where origin = 'hand' and source_id is not null")
