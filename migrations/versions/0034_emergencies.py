"""Emergencies: who is paged for one and when, what is decided, and transfers.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from migrations import bindings, emergency_walls, rules, walls

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def _moment(name: str, *, is_known: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not is_known)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.add_column("healthcare_service", sa.Column("page_seconds", sa.Integer(), server_default="30", nullable=False))
    _emergencies()
    _pages()
    _transfers()
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for statement in emergency_walls.STATEMENTS:
        op.execute(statement)
    for table, wall in emergency_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in emergency_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(list(emergency_walls.WALLS)):
        op.execute(statement)


def _emergencies() -> None:
    table = "emergency"
    op.create_table(
        table,
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        _moment("pressed_at", is_known=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        _moment("next_at"),
        _moment("answered_at"),
        sa.Column("answered_by_id", sa.UUID(), nullable=True),
        _moment("images_at"),
        _moment("ended_at"),
        sa.Column("decision", _codes("decision", "treat-here", "transfer", "team-sent", "other"), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        _moment("decided_at"),
        sa.Column("decided_by_id", sa.UUID(), nullable=True),
        sa.Column("necessity", sa.Text(), nullable=False),
        _moment("necessity_noted_at"),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("(decided_at is null) = (decision is null)", name=op.f("ck_emergency_decision_whole")),
        sa.CheckConstraint(
            "(necessity_noted_at is null) = (necessity = '')", name=op.f("ck_emergency_necessity_whole")
        ),
        _to(table, "service_request_id", "service_request"),
        _to(table, "answered_by_id", "practitioner_role"),
        _to(table, "decided_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency")),
        sa.UniqueConstraint("service_request_id", name=op.f("uq_emergency_service_request_id")),
    )
    op.create_index("ix_emergency_running", table, ["pressed_at"], postgresql_where=sa.text("ended_at is null"))


def _pages() -> None:
    table = "emergency_page"
    op.create_table(
        table,
        sa.Column("emergency_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("service_id", sa.UUID(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        _moment("paged_at", is_known=True),
        _moment("rung_at"),
        _moment("answered_at"),
        _moment("declined_at"),
        _moment("ended_at"),
        sa.Column("id", sa.UUID(), nullable=False),
        _to(table, "emergency_id", "emergency"),
        _to(table, "practitioner_role_id", "practitioner_role"),
        _to(table, "service_id", "healthcare_service"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_page")),
        sa.UniqueConstraint(
            *("emergency_id", "practitioner_role_id", "round"),
            name=op.f("uq_emergency_page_emergency_id_practitioner_role_id_round"),
        ),
    )
    op.create_index(op.f("ix_emergency_page_emergency_id"), table, ["emergency_id"])
    op.create_index(
        "ix_emergency_page_ringing", table, ["practitioner_role_id"], postgresql_where=sa.text("ended_at is null")
    )


def _transfers() -> None:
    table = "transfer"
    op.create_table(
        table,
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("destination_id", sa.UUID(), nullable=False),
        sa.Column("transport", _codes("transport", "ambulance", "helicopter", "plane", "other"), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column(
            "status",
            _codes("transferstatus", "requested", "accepted", "refused", "departed", "arrived", "cancelled"),
            nullable=False,
        ),
        _moment("requested_at", is_known=True),
        sa.Column("requested_by_id", sa.UUID(), nullable=False),
        _moment("answered_at"),
        sa.Column("answered_by", sa.Text(), nullable=False),
        _moment("departed_at"),
        _moment("arrived_at"),
        _moment("cancelled_at"),
        sa.Column("id", sa.UUID(), nullable=False),
        _to(table, "service_request_id", "service_request"),
        _to(table, "destination_id", "organization"),
        _to(table, "requested_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
    )
    op.create_index(op.f("ix_transfer_service_request_id_requested_at"), table, ["service_request_id", "requested_at"])
    op.create_index(
        "uq_transfer_open",
        table,
        ["service_request_id"],
        unique=True,
        postgresql_where=sa.text("status in ('requested', 'accepted', 'departed')"),
    )
