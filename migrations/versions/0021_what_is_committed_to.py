"""Requests for storage commitment, and where their reports go.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import bindings, commitment_walls, rules, walls

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dicom_peer", sa.Column("report_address", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "storage_commitment",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("dicom_peer_id", sa.UUID(), nullable=False),
        sa.Column("transaction_uid", sa.Text(), nullable=False),
        sa.Column("instances", JSONB(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["dicom_peer_id"], ["dicom_peer.id"], name=op.f("fk_storage_commitment_dicom_peer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_storage_commitment_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_commitment")),
        sa.UniqueConstraint(
            "dicom_peer_id", "transaction_uid", name=op.f("uq_storage_commitment_dicom_peer_id_transaction_uid")
        ),
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in commitment_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in commitment_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["storage_commitment"]):
        op.execute(statement)
