"""Questions back and forth in a consult, whom a coordinator thought of, what a service promises, what became of it all.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import bindings, exchange_walls, rules, walls

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.add_column("service_request", sa.Column("held_for", sa.Interval(), server_default="0", nullable=False))
    op.create_index(
        op.f("ix_service_request_requester_role_id_completed_at"),
        "service_request",
        ["requester_role_id", "completed_at"],
    )
    op.add_column("task", sa.Column("assigned_role_id", sa.UUID(), nullable=True))
    op.create_foreign_key(op.f("fk_task_assigned_role_id"), "task", "practitioner_role", ["assigned_role_id"], ["id"])
    op.add_column(
        "healthcare_service",
        sa.Column("promises", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("healthcare_service", sa.Column("follow_up_days", sa.Integer(), server_default="14", nullable=False))
    op.create_table(
        "communication",
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("sender_role_id", sa.UUID(), nullable=False),
        sa.Column(
            "category",
            _codes("communicationcategory", "message", "information-wanted", "information-given"),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_communication_service_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["sender_role_id"], ["practitioner_role.id"], name=op.f("fk_communication_sender_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_communication")),
    )
    op.create_index(
        op.f("ix_communication_service_request_id_sent_at"), "communication", ["service_request_id", "sent_at"]
    )
    op.create_table(
        "follow_up",
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("recorded_by_id", sa.UUID(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan_followed", sa.Boolean(), nullable=False),
        sa.Column("journey_avoided", sa.Boolean(), nullable=False),
        sa.Column("patient_course", _codes("patientcourse", "better", "unchanged", "worse", "died"), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_follow_up_service_request_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["practitioner_role.id"], name=op.f("fk_follow_up_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("service_request_id", name=op.f("uq_follow_up_service_request_id")),
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for statement in walls.lowered("task"):
        op.execute(statement)
    for table, wall in exchange_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in exchange_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(list(exchange_walls.WRITTEN_ONCE)):
        op.execute(statement)
