"""Evidence of a signature: time-stamps, revocation answers, and when they must be renewed.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, evidence_walls, rules, walls

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    _evidence()
    _keys()
    op.execute(evidence_walls.WHOLE_ONES_STAND)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in evidence_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in evidence_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(list(evidence_walls.WALLS)):
        op.execute(statement)


def _keys() -> None:
    stores = _codes("keystore", "soft", "pkcs11", "remote")
    op.add_column("signing_key", sa.Column("store", stores, server_default="soft", nullable=False))
    op.add_column("signing_key", sa.Column("reference", sa.Text(), server_default="", nullable=False))


def _evidence() -> None:
    table = "note_evidence"
    op.create_table(
        table,
        sa.Column("composition_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("level", _codes("level", "b-b", "b-t", "b-lt", "b-lta"), nullable=False),
        sa.Column("state", _codes("evidencestate", "pending", "complete", "failed"), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("renew_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint(
            "state <> 'complete' or (object_key is not null and sha256 is not null and size is not null)",
            name=op.f("ck_note_evidence_complete_is_whole"),
        ),
        sa.ForeignKeyConstraint(["composition_id"], ["composition.id"], name=op.f("fk_note_evidence_composition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_evidence")),
        sa.UniqueConstraint("composition_id", "number", name=op.f("uq_note_evidence_composition_id_number")),
    )
    pending = sa.text("state = 'pending'")
    op.create_index("uq_note_evidence_pending", table, ["composition_id"], unique=True, postgresql_where=pending)
    op.create_index("ix_note_evidence_due", table, ["next_try_at"], postgresql_where=pending)
    op.create_index(
        "ix_note_evidence_renewal", table, ["renew_before"], postgresql_where=sa.text("renew_before is not null")
    )
