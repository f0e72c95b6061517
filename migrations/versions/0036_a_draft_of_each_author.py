"""A draft note of each author, not one of a consult: who takes a consult over writes their own.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "uq_composition_draft_of_author",
        "composition",
        ["service_request_id", "author_role_id"],
        unique=True,
        postgresql_where=sa.text("status = 'preliminary'"),
    )
    op.drop_index("uq_composition_draft", "composition")
