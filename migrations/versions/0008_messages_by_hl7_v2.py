"""Systems that send HL7 v2, and what they sent.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, door_walls, rules, walls

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hl7_sender",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("certificate_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_hl7_sender_created_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_hl7_sender_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_sender")),
        sa.UniqueConstraint(
            "certificate_sha256",
            "facility",
            name=op.f("uq_hl7_sender_certificate_sha256_facility"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_hl7_sender_organization_id_name"), "hl7_sender", ["organization_id", "name"])
    acknowledgment = sa.Enum(
        "AA", "AE", "AR", name="acknowledgment", native_enum=False, create_constraint=True, length=40
    )
    op.create_table(
        "hl7_message",
        sa.Column("sender_id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledgment", acknowledgment, nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("fault_at", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("is_id_reused", sa.Boolean(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_hl7_message_organization_id")),
        sa.ForeignKeyConstraint(["sender_id"], ["hl7_sender.id"], name=op.f("fk_hl7_message_sender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_message")),
        sa.UniqueConstraint(
            "sender_id", "control_id", "sha256", name=op.f("uq_hl7_message_sender_id_control_id_sha256")
        ),
    )
    op.create_index(
        op.f("ix_hl7_message_organization_id_received_at"), "hl7_message", ["organization_id", "received_at"]
    )
    op.create_index(
        "ix_hl7_message_to_look_at",
        "hl7_message",
        ["organization_id", "received_at"],
        postgresql_where="seen_at is null",
    )
    op.alter_column("identity_change", "changed_by_id", nullable=True)
    op.add_column("identity_change", sa.Column("source", sa.Text(), server_default="", nullable=False))
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in door_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in door_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["hl7_sender", "hl7_message"]):
        op.execute(statement)
