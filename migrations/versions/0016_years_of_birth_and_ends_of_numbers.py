"""Patients found by the year of birth where no more is known, and by the digits their file number ends on.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    end = sa.Computed("substring(local_number from '0*([0-9]+)$')", persisted=True)
    op.add_column("patient", sa.Column("local_number_end", sa.Text(), end, nullable=True))
    op.create_index(
        op.f("ix_patient_organization_id_local_number_end"), "patient", ["organization_id", "local_number_end"]
    )
    op.create_index(
        op.f("ix_patient_organization_id_estimated_birth_year"),
        "patient",
        ["organization_id", "estimated_birth_year"],
        postgresql_where=sa.text("estimated_birth_year is not null"),
    )
