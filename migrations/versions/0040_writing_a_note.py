"""Writing a note: its templates, its phrases, its earlier words; where dictation is allowed.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import bindings, rules, walls, writing_walls

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _draft_versions()
    _templates()
    _phrases()
    op.add_column("composition", sa.Column("shown_object_key", sa.Text(), nullable=True))
    op.add_column("organization", sa.Column("allows_dictation", sa.Boolean(), server_default="false", nullable=False))
    for statement in writing_walls.STATEMENTS:
        op.execute(statement)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in writing_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in writing_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["note_draft_version", "note_template", "note_phrase"]):
        op.execute(statement)


def _draft_versions() -> None:
    op.create_table(
        "note_draft_version",
        sa.Column("composition_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sections", postgresql.JSONB(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["composition_id"], ["composition.id"], name=op.f("fk_note_draft_version_composition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_draft_version")),
        sa.UniqueConstraint("composition_id", "version", name=op.f("uq_note_draft_version_composition_id_version")),
    )


def _templates() -> None:
    op.create_table(
        "note_template",
        *_whose("note_template"),
        sa.Column(
            "specialty",
            sa.Enum(
                *("neurology", "trauma", "cardiology", "dermatology", "paediatrics", "general"),
                name="specialty",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sections", postgresql.JSONB(), nullable=False),
    )
    _found_by_whose("note_template")


def _phrases() -> None:
    op.create_table(
        "note_phrase",
        *_whose("note_phrase"),
        sa.Column("shortcut", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )
    _found_by_whose("note_phrase")
    op.create_index(
        "uq_note_phrase_shortcut",
        "note_phrase",
        ["organization_id", "practitioner_role_id", "shortcut"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def _whose(table: str) -> tuple[sa.Column[Any] | sa.Constraint, ...]:
    return (
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f(f"fk_{table}_practitioner_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _found_by_whose(table: str) -> None:
    op.create_index(op.f(f"ix_{table}_organization_id"), table, ["organization_id"])
    op.create_index(op.f(f"ix_{table}_practitioner_role_id"), table, ["practitioner_role_id"])
