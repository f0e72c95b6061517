"""Who was in a session from when to when, and how well the line held.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, call_walls, rules, walls

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# Of sessions before: the first coming and the last going are all that was kept.
KNOWN_BEFORE = """
insert into attendance (id, encounter_id, participant_id, came_at, seen_at, went_at, how)
select gen_random_uuid(), seat.encounter_id, seat.id, seat.arrived_at, stay.went_at, stay.went_at, 'left'
from encounter_participant seat join encounter session on session.id = seat.encounter_id,
  lateral (
    select greatest(seat.arrived_at, coalesce(seat.left_at, session.ended_at,
      case session.status when 'in-progress' then now() else seat.arrived_at end)) as went_at
  ) stay
where seat.arrived_at is not null
"""


def upgrade() -> None:
    op.create_table(
        "attendance",
        sa.Column("encounter_id", sa.UUID(), nullable=False),
        sa.Column("participant_id", sa.UUID(), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("went_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "how",
            sa.Enum(
                *("left", "lost", "removed"),
                name="departure",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("(went_at is null) = (how is null)", name=op.f("ck_attendance_ended_somehow")),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_attendance_encounter_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["encounter_participant.id"], name=op.f("fk_attendance_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance")),
    )
    op.create_index(op.f("ix_attendance_encounter_id_came_at"), "attendance", ["encounter_id", "came_at"])
    op.create_index(
        "uq_attendance_open",
        "attendance",
        ["participant_id"],
        unique=True,
        postgresql_where="went_at is null",
    )
    op.create_table(
        "call_minute",
        sa.Column("encounter_id", sa.UUID(), nullable=False),
        sa.Column("participant_id", sa.UUID(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_call_minute_encounter_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["encounter_participant.id"], name=op.f("fk_call_minute_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_minute")),
        sa.UniqueConstraint("participant_id", "begins_at", name=op.f("uq_call_minute_participant_id_begins_at")),
    )
    op.create_index(op.f("ix_call_minute_encounter_id_begins_at"), "call_minute", ["encounter_id", "begins_at"])
    op.create_table(
        "call_summary",
        sa.Column("encounter_id", sa.UUID(), nullable=False),
        sa.Column("participant_id", sa.UUID(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("seconds", "video_seconds", "picture_seconds", "sound_seconds", "weak_seconds")
        ),
        sa.Column("interruptions", sa.Integer(), nullable=False),
        sa.Column("interrupted_seconds", sa.Integer(), nullable=False),
        sa.Column("round_trip", sa.Integer(), nullable=True),
        sa.Column("loss", sa.Integer(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_call_summary_encounter_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["encounter_participant.id"], name=op.f("fk_call_summary_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_summary")),
        sa.UniqueConstraint("participant_id", name=op.f("uq_call_summary_participant_id")),
    )
    op.create_index(op.f("ix_call_summary_encounter_id"), "call_summary", ["encounter_id"])
    op.create_index(
        "ix_appointment_awaited",
        "appointment",
        ["ends_at"],
        postgresql_where="status in ('booked', 'arrived')",
    )
    op.create_index(op.f("ix_encounter_ended_at"), "encounter", ["ended_at"])
    op.execute(KNOWN_BEFORE)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in call_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in call_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["attendance", "call_minute", "call_summary"]):
        op.execute(statement)
