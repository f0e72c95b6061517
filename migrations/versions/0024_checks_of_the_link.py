"""Checks of devices and link before a session.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import link_walls, rules, walls

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "link_check",
        sa.Column("participant_id", sa.UUID(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                *("video", "pictures", "sound", "write"),
                name="linkverdict",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("round_trip", sa.Integer(), nullable=True),
        sa.Column("jitter", sa.Integer(), nullable=True),
        sa.Column("loss", sa.Float(), nullable=True),
        sa.Column("uplink", sa.Integer(), nullable=True),
        sa.Column("downlink", sa.Integer(), nullable=True),
        sa.Column("ways", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("blocked_ways", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("has_camera", sa.Boolean(), nullable=False),
        sa.Column("has_microphone", sa.Boolean(), nullable=False),
        sa.Column("has_speaker", sa.Boolean(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("loss between 0 and 1", name=op.f("ck_link_check_loss")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["encounter_participant.id"], name=op.f("fk_link_check_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_check")),
    )
    op.create_index(op.f("ix_link_check_participant_id_checked_at"), "link_check", ["participant_id", "checked_at"])
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in link_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for statement in rules.grants(["link_check"]):
        op.execute(statement)
