"""Consents that another takes over from, why somebody else agreed, and why one was withdrawn.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, consent_walls, walls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    why = ("minor", "unconscious", "protected")
    for column in (
        sa.Column("confirms_id", sa.UUID(), nullable=True),
        sa.Column(
            "incapacity",
            sa.Enum(*why, name="incapacity", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("withdrawal_reason", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("consent", column)
    op.create_foreign_key(op.f("fk_consent_confirms_id"), "consent", "consent", ["confirms_id"], ["id"])
    op.create_index(op.f("ix_consent_confirms_id"), "consent", ["confirms_id"], unique=True)
    op.create_index(
        "uq_consent_active", "consent", ["service_request_id"], unique=True, postgresql_where="status = 'active'"
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in consent_walls.WALLS.items():
        for statement in (*walls.lowered(table), *walls.raised(table, wall, owner=owner)):
            op.execute(statement)
    for table, columns in consent_walls.WRITTEN_ONCE.items():
        op.execute(f"drop trigger {table}_bound on {table}")
        op.execute(bindings.bound(table, columns))
