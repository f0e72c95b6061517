"""Keys that only their signer's password opens, and why one is used no more.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, rules, signer_walls, walls

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _personal_keys()
    op.add_column("signing_key", sa.Column("sealed_for", sa.UUID(), nullable=True))
    op.add_column("signing_key", sa.Column("revocation_reason", sa.Text(), server_default="", nullable=False))
    given_up = sa.text("state = 'failed'")
    op.create_index("ix_note_evidence_failed", "note_evidence", ["composition_id"], postgresql_where=given_up)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table in signer_walls.RAISED_ANEW:
        for statement in walls.lowered(table):
            op.execute(statement)
    for table, wall in signer_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in signer_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants([table for table in signer_walls.WALLS if table not in signer_walls.RAISED_ANEW]):
        op.execute(statement)


def _personal_keys() -> None:
    op.create_table(
        "personal_key",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_personal_key_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_key")),
        sa.UniqueConstraint("account_id", name=op.f("uq_personal_key_account_id")),
    )
