"""The images a specialist chose for a note: with the draft, and frozen with it by the trigger that freezes the note.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("composition", sa.Column("key_images", postgresql.JSONB(), server_default="[]", nullable=False))
