"""Systems that come to the FHIR door with keys of their own, and the assertions they have used.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import bindings, client_walls, rules, walls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fhir_client",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("keys", JSONB(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_fhir_client_created_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_fhir_client_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fhir_client")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_fhir_client_organization_id_name")),
    )
    op.create_table(
        "used_assertion",
        sa.Column("fhir_client_id", sa.UUID(), nullable=False),
        sa.Column("jti_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["fhir_client_id"], ["fhir_client.id"], name=op.f("fk_used_assertion_fhir_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_used_assertion")),
        sa.UniqueConstraint("fhir_client_id", "jti_sha256", name=op.f("uq_used_assertion_fhir_client_id_jti_sha256")),
    )
    op.create_index(op.f("ix_used_assertion_expires_at"), "used_assertion", ["expires_at"])
    for statement in (client_walls.WHO_COMES, client_walls.PATIENTS_CALLED):
        op.execute(statement)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table in client_walls.CHANGED:
        for statement in walls.lowered(table):
            op.execute(statement)
    for table, wall in client_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in client_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["fhir_client", "used_assertion"]):
        op.execute(statement)
