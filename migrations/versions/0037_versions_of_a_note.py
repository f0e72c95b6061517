"""Versions of a note: what appends, what replaces, what was an error; its FHIR document.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import rules, version_walls, walls

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(version_walls.OID_OF_UUID)
    _columns()
    _retractions()
    op.execute(version_walls.VERSIONS_FOLLOW)
    op.execute(version_walls.CONSULT_NOTE)
    op.execute(version_walls.NOTE_STANDING)
    op.execute(version_walls.WITHDRAWN_NOTE)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in version_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for statement in rules.grants(list(version_walls.WALLS)):
        op.execute(statement)


def _columns() -> None:
    """A signed row takes no update: what it is called comes with a rewrite of the table, which fires no trigger."""
    table = "composition"
    op.add_column(table, sa.Column("set_id", sa.UUID(), nullable=True))
    op.add_column(table, sa.Column("document_oid", sa.Text(), nullable=True))
    op.execute("alter table composition alter column set_id type uuid using id")
    op.execute("alter table composition alter column document_oid type text using oid_of_uuid(id)")
    op.alter_column(table, "set_id", nullable=False)
    op.alter_column(table, "document_oid", nullable=False)
    op.add_column(table, sa.Column("version_number", sa.Integer(), server_default="1", nullable=False))
    relation = sa.Enum("", "appends", "replaces", name="relation", native_enum=False, create_constraint=True, length=40)
    op.add_column(table, sa.Column("relation", relation, server_default="", nullable=False))
    op.add_column(table, sa.Column("related_id", sa.UUID(), nullable=True))
    op.add_column(table, sa.Column("verify_code", sa.Text(), nullable=True))
    op.add_column(table, sa.Column("bundle_object_key", sa.Text(), nullable=True))
    op.add_column(table, sa.Column("bundle_sha256", sa.LargeBinary(), nullable=True))
    op.add_column(table, sa.Column("bundle_jws", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_composition_related_id"), table, table, ["related_id"], ["id"])
    op.create_unique_constraint(op.f("uq_composition_document_oid"), table, ["document_oid"])
    op.create_unique_constraint(op.f("uq_composition_verify_code"), table, ["verify_code"])
    op.create_unique_constraint(op.f("uq_composition_set_id_version_number"), table, ["set_id", "version_number"])
    op.create_index(op.f("ix_composition_related_id"), table, ["related_id"])
    op.create_index(op.f("ix_composition_pdf_sha256"), table, ["pdf_sha256"])
    op.create_check_constraint(op.f("ck_composition_related_to_one"), table, "(relation = '') = (related_id is null)")
    op.create_check_constraint(
        op.f("ck_composition_bundle_whole"),
        table,
        "(bundle_object_key is null) = (bundle_sha256 is null) and (bundle_sha256 is null) = (bundle_jws is null)",
    )


def _retractions() -> None:
    table = "note_retraction"
    reason = sa.Enum(
        "wrong-patient", "error", name="retractionreason", native_enum=False, create_constraint=True, length=40
    )
    op.create_table(
        table,
        sa.Column("composition_id", sa.UUID(), nullable=False),
        sa.Column("reason", reason, nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retracted_by_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["composition_id"], ["composition.id"], name=op.f("fk_note_retraction_composition_id")),
        sa.ForeignKeyConstraint(
            ["retracted_by_id"], ["practitioner_role.id"], name=op.f("fk_note_retraction_retracted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_retraction")),
        sa.UniqueConstraint("composition_id", name=op.f("uq_note_retraction_composition_id")),
    )
