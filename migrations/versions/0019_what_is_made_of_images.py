"""What is made of images beforehand, for thin links.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, rendition_walls, rules, walls

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imaging_rendition",
        sa.Column("imaging_instance_id", sa.UUID(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                *("preview", "thumbnail", "codestream", "cine"),
                name="renditionkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("(object_key = '') <> (refusal = '')", name=op.f("ck_imaging_rendition_made_or_refused")),
        sa.ForeignKeyConstraint(
            ["imaging_instance_id"], ["imaging_instance.id"], name=op.f("fk_imaging_rendition_imaging_instance_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imaging_rendition")),
        sa.UniqueConstraint("imaging_instance_id", "kind", name=op.f("uq_imaging_rendition_imaging_instance_id_kind")),
    )
    op.add_column("imaging_instance", sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_imaging_instance_unprepared",
        "imaging_instance",
        ["created_at"],
        postgresql_where=sa.text("prepared_at is null"),
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in rendition_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in rendition_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["imaging_rendition"]):
        op.execute(statement)
