"""Team meetings: their cases, who sits in them, what is concluded.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import bindings, meeting_walls, rules, walls

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def _moment(name: str, *, is_known: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not is_known)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.alter_column("appointment", "service_request_id", nullable=True)
    op.add_column("encounter_participant", sa.Column("is_member", sa.Boolean(), server_default="false", nullable=False))
    _meetings()
    _members()
    _cases()
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for statement in meeting_walls.STATEMENTS:
        op.execute(statement)
    for table in meeting_walls.RAISED_ANEW:
        for statement in walls.lowered(table):
            op.execute(statement)
    for table, wall in meeting_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in meeting_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants([table for table in meeting_walls.WALLS if table not in meeting_walls.RAISED_ANEW]):
        op.execute(statement)
    op.execute(f"grant delete on meeting_member to {rules.APP_ROLE}")


def _meetings() -> None:
    table = "meeting"
    op.create_table(
        table,
        sa.Column("service_id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("appointment_id", sa.UUID(), nullable=False),
        sa.Column("series_id", sa.UUID(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("chair_role_id", sa.UUID(), nullable=False),
        sa.Column("quorum_members", sa.SmallInteger(), nullable=False),
        sa.Column("quorum_specialties", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=False),
        _moment("created_at", is_known=True),
        _moment("started_at"),
        _moment("ended_at"),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("quorum_members >= 1", name=op.f("ck_meeting_quorum_of_somebody")),
        sa.CheckConstraint("ended_at is null or started_at is not null", name=op.f("ck_meeting_ends_after_start")),
        _to(table, "service_id", "healthcare_service"),
        _to(table, "organization_id", "organization"),
        _to(table, "appointment_id", "appointment"),
        _to(table, "chair_role_id", "practitioner_role"),
        _to(table, "created_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_meeting_appointment_id")),
    )
    op.create_index(op.f("ix_meeting_organization_id_service_id"), table, ["organization_id", "service_id"])
    for column in ("service_id", "series_id", "chair_role_id"):
        op.create_index(op.f(f"ix_meeting_{column}"), table, [column])


def _members() -> None:
    table = "meeting_member"
    op.create_table(
        table,
        sa.Column("meeting_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("is_here", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        _to(table, "meeting_id", "meeting"),
        _to(table, "practitioner_role_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_member")),
        sa.UniqueConstraint(
            "meeting_id", "practitioner_role_id", name=op.f("uq_meeting_member_meeting_id_practitioner_role_id")
        ),
    )
    op.create_index(op.f("ix_meeting_member_practitioner_role_id"), table, ["practitioner_role_id"])


def _cases() -> None:
    table = "meeting_case"
    op.create_table(
        table,
        sa.Column("meeting_id", sa.UUID(), nullable=False),
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("appointment_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("minutes", sa.SmallInteger(), nullable=False),
        sa.Column("presenter_role_id", sa.UUID(), nullable=True),
        sa.Column(
            "status", _codes("casestatus", "listed", "called", "discussed", "postponed", "removed"), nullable=False
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        _moment("called_at"),
        _moment("ended_at"),
        sa.Column("present", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("has_quorum", sa.Boolean(), nullable=True),
        _moment("created_at", is_known=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("minutes between 1 and 240", name=op.f("ck_meeting_case_some_minutes")),
        sa.CheckConstraint(
            "status <> 'discussed' or ended_at is not null", name=op.f("ck_meeting_case_discussed_is_over")
        ),
        _to(table, "meeting_id", "meeting"),
        _to(table, "service_request_id", "service_request"),
        _to(table, "appointment_id", "appointment"),
        _to(table, "presenter_role_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_case")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_meeting_case_appointment_id")),
    )
    op.create_index(op.f("ix_meeting_case_meeting_id_position"), table, ["meeting_id", "position"])
    for column in ("service_request_id", "presenter_role_id"):
        op.create_index(op.f(f"ix_meeting_case_{column}"), table, [column])
    op.create_index(
        "uq_meeting_case_standing",
        table,
        ["service_request_id"],
        unique=True,
        postgresql_where=sa.text("status in ('listed', 'called', 'discussed')"),
    )
    op.create_index(
        "uq_meeting_case_called", table, ["meeting_id"], unique=True, postgresql_where=sa.text("status = 'called'")
    )
