"""What people are told: notices on screen, how each wishes to be reached, and devices that take a push.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, notice_walls, rules, walls

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _notice()
    _choices()
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in notice_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in notice_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["notice", "notice_choice", "push_device"]):
        op.execute(statement)


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.UUID(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_notice_practitioner_role_id")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_notice_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "practitioner_role_id", "occurrence", name=op.f("uq_notice_practitioner_role_id_occurrence")
        ),
    )
    op.create_index(
        op.f("ix_notice_practitioner_role_id_happened_at"), "notice", ["practitioner_role_id", "happened_at"]
    )
    op.create_index(
        "ix_notice_unread",
        "notice",
        ["practitioner_role_id", "service_request_id"],
        postgresql_where=sa.text("read_at is null"),
    )
    op.create_index("ix_notice_unsent", "notice", ["practitioner_role_id"], postgresql_where=sa.text("sent_at is null"))
    op.create_index(op.f("ix_notice_happened_at"), "notice", ["happened_at"])
    op.create_index(op.f("ix_notice_service_request_id"), "notice", ["service_request_id"])


def _choices() -> None:
    op.create_table(
        "notice_choice",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("channels", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("topics", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("reminders", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("phone_failures", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notice_choice_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_choice")),
        sa.UniqueConstraint("account_id", name=op.f("uq_notice_choice_account_id")),
    )
    op.create_table(
        "push_device",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.LargeBinary(), nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_reached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_push_device_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_device")),
        sa.UniqueConstraint("account_id", "endpoint", name=op.f("uq_push_device_account_id_endpoint")),
    )
    op.create_index(op.f("ix_push_device_endpoint"), "push_device", ["endpoint"])
