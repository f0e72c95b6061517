"""The sex that the images tell, to be compared with the patient's as their name and birth date are.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imaging_study", sa.Column("header_sex", sa.Text(), server_default="", nullable=False))
