"""Co-signatures of a team meeting's conclusion; documents that were followed before say so.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, co_signing_walls, rules, walls

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_FOLLOWED = """
update record_entry entry set version = entry.version + 1, recorded_at = now(),
  resource = entry.resource || '{"docStatus": "amended"}'::jsonb
where entry.resource_type = 'DocumentReference' and entry.status = 'current'
  and coalesce(entry.resource ->> 'docStatus', 'final') = 'final'
  and entry.source_id in (
    select later.related_id from composition later where later.related_id is not null and later.status <> 'preliminary')
"""
"""The migration before told it of the Composition alone."""


def upgrade() -> None:
    table = "note_co_signature"
    op.create_table(
        table,
        sa.Column("composition_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("meeting_title", sa.Text(), nullable=False),
        sa.Column("asked_by_id", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jws", sa.Text(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("(signed_at is null) = (jws is null)", name=op.f("ck_note_co_signature_signed_is_whole")),
        sa.ForeignKeyConstraint(
            ["composition_id"], ["composition.id"], name=op.f("fk_note_co_signature_composition_id")
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_note_co_signature_practitioner_role_id")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["practitioner_role.id"], name=op.f("fk_note_co_signature_asked_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_co_signature")),
        sa.UniqueConstraint(
            *("composition_id", "practitioner_role_id"),
            name=op.f("uq_note_co_signature_composition_id_practitioner_role_id"),
        ),
    )
    op.create_index(op.f("ix_note_co_signature_asked_by_id"), table, ["asked_by_id"])
    op.create_index(op.f("ix_note_co_signature_practitioner_role_id"), table, ["practitioner_role_id"])
    op.execute(co_signing_walls.CO_SIGNS)
    op.execute(co_signing_walls.GIVEN_ONES_STAND)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for raised_anew in co_signing_walls.RAISED_ANEW:
        for statement in walls.lowered(raised_anew):
            op.execute(statement)
    for name, wall in co_signing_walls.WALLS.items():
        for statement in walls.raised(name, wall, owner=owner):
            op.execute(statement)
    for name, columns in co_signing_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(name, columns))
    for statement in rules.grants([table]):
        op.execute(statement)
    op.execute(_FOLLOWED)
