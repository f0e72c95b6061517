"""People invited to a session, the next hospitals of a service, numbers that were confirmed, news of what one sees not.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import coordination_walls, walls

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

GUESTS = ("patient", "family-doctor", "interpreter", "colleague", "other")
SECRETS = (
    *("second-factor", "sign-in-code", "password-reset", "invitation", "passkey-registration", "passkey-sign-in"),
    *("passkey-step-up", "federated", "session-join", "phone-code"),
)


def _moment(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _codes(constraint: str, table: str, column: str, codes: tuple[str, ...]) -> None:
    op.drop_constraint(constraint, table, type_="check")
    named = ", ".join(f"'{code}'" for code in codes)
    op.create_check_constraint(constraint, table, f"{column} in ({named})")


def upgrade() -> None:
    _codes("guestkind", "guest_pass", "kind", GUESTS)
    _codes("secretpurpose", "one_time_secret", "purpose", SECRETS)
    op.add_column("appointment_participant", sa.Column("invited_sequence", sa.Integer(), nullable=True))
    op.add_column(
        "healthcare_service",
        sa.Column("next_services", postgresql.ARRAY(sa.UUID()), server_default="{}", nullable=False),
    )
    op.add_column("notice", sa.Column("number", sa.BigInteger(), nullable=True))
    for name in ("phone_confirmed_at", "phone_taken_at", "phone_refused_at"):
        op.add_column("notice_choice", _moment(name))
    # Where messages arrived so far somebody reads them.
    op.execute("update notice_choice set phone_confirmed_at = updated_at where phone <> '' and phone_failures = 0")
    op.create_index(
        "ix_notice_choice_phone_taken_at",
        "notice_choice",
        ["phone_taken_at"],
        postgresql_where=sa.text("phone_taken_at is not null"),
    )
    op.create_index(
        "ix_service_request_completed_at",
        "service_request",
        ["completed_at"],
        postgresql_where=sa.text("status = 'completed'"),
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in coordination_walls.WALLS.items():
        for statement in (*walls.lowered(table), *walls.raised(table, wall, owner=owner)):
            op.execute(statement)
