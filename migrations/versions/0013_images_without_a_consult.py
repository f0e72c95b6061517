"""Images that come by a machine, without a consult: filed with the patient they name, or waiting to be matched.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import arrival_walls, walls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ORIGINS = ("hand", "consult", "fhir", "hl7v2", "cda", "import", "dicom")


def upgrade() -> None:
    op.alter_column("imaging_study", "patient_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_imaging_study_consult_has_patient"),
        "imaging_study",
        "patient_id is not null or service_request_id is null",
    )
    for column in (
        sa.Column("header_birth_date", sa.Date(), nullable=True),
        sa.Column("header_issuer", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("imaging_study", column)
    op.create_index(
        "ix_imaging_study_waiting",
        "imaging_study",
        ["organization_id", "created_at", "id"],
        postgresql_where="patient_id is null",
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in arrival_walls.WALLS.items():
        for statement in (*walls.lowered(table), *walls.raised(table, wall, owner=owner)):
            op.execute(statement)
    op.execute("drop trigger imaging_study_bound on imaging_study")
    op.execute(arrival_walls.MATCHED_ONCE)
    allowed = ", ".join(f"'{origin}'" for origin in ORIGINS)
    op.execute("alter table record_entry drop constraint ck_record_entry_origin")
    op.execute(f"alter table record_entry add constraint ck_record_entry_origin check (origin in ({allowed}))")
