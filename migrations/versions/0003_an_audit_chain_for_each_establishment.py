"""An audit chain for each establishment.

The one chain there was becomes the chain of what belongs to no establishment, and goes on: no link and no event that
stands is touched. New columns of old events stay empty, and the check of the log wants them so.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import audit_rules, rules

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NO_ESTABLISHMENT = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    op.add_column("audit_event", sa.Column("address", sa.Text(), nullable=False, server_default=""))
    op.add_column("audit_event", sa.Column("patient_organization_id", sa.UUID(), nullable=True))
    op.create_index(
        op.f("ix_audit_event_patient_organization_id_recorded_at"),
        "audit_event",
        ["patient_organization_id", "recorded_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_event_practitioner_role_id_recorded_at"),
        "audit_event",
        ["practitioner_role_id", "recorded_at"],
        unique=False,
    )
    op.create_index(
        "ix_audit_event_checkpoints",
        "audit_event",
        ["recorded_at"],
        unique=False,
        postgresql_where=sa.text("action = 'audit-checkpointed'"),
    )
    _open_the_chains()
    op.create_table(
        "audit_check",
        sa.Column("asked_by_id", sa.UUID(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by_id"], ["practitioner_role.id"], name=op.f("fk_audit_check_asked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_check")),
    )
    op.create_index(op.f("ix_audit_check_asked_by_id_asked_at"), "audit_check", ["asked_by_id", "asked_at"])
    op.create_index(
        "uq_audit_check_running",
        "audit_check",
        [sa.text("(true)")],
        unique=True,
        postgresql_where=sa.text("finished_at is null and cancelled_at is null"),
    )
    for statement in (
        audit_rules.WHOSE_PATIENT,
        audit_rules.AUDIT_TEXT,
        audit_rules.AUDIT_APPEND,
        *rules.grants(["audit_check"]),
    ):
        op.execute(statement)


def _open_the_chains() -> None:
    """Every link that stands is of the chain of no establishment, lane 0, by the first recipe."""
    op.add_column("audit_chain", sa.Column("chain", sa.UUID(), nullable=False, server_default=NO_ESTABLISHMENT))
    op.add_column("audit_chain", sa.Column("lane", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("audit_chain", sa.Column("recipe", sa.SmallInteger(), nullable=False, server_default="1"))
    for column in ("chain", "lane", "recipe"):
        op.alter_column("audit_chain", column, server_default=None)
    op.drop_constraint(op.f("uq_audit_chain_position"), "audit_chain", type_="unique")
    op.create_unique_constraint(
        op.f("uq_audit_chain_chain_lane_position"), "audit_chain", ["chain", "lane", "position"]
    )
    # A link is its event's: an id of its own was one more thing that somebody could change unseen.
    op.drop_column("audit_chain", "id")
    op.drop_constraint(op.f("uq_audit_chain_audit_event_id"), "audit_chain", type_="unique")
    op.drop_constraint(op.f("fk_audit_chain_audit_event_id"), "audit_chain", type_="foreignkey")
    op.alter_column("audit_chain", "audit_event_id", new_column_name="id")
    op.create_primary_key(op.f("pk_audit_chain"), "audit_chain", ["id"])
    op.create_foreign_key(op.f("fk_audit_chain_id"), "audit_chain", "audit_event", ["id"], ["id"])
