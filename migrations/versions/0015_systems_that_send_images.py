"""Systems that send images by DIMSE.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, peer_walls, rules, walls

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dicom_peer",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("certificate_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint(
            "network is not null or certificate_sha256 is not null",
            name=op.f("ck_dicom_peer_known_by_more_than_its_title"),
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_dicom_peer_created_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_dicom_peer_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dicom_peer")),
        sa.UniqueConstraint(
            "ae_title",
            "network",
            "certificate_sha256",
            name=op.f("uq_dicom_peer_ae_title_network_certificate_sha256"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_dicom_peer_organization_id_name"), "dicom_peer", ["organization_id", "name"])
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in peer_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in peer_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["dicom_peer"]):
        op.execute(statement)
