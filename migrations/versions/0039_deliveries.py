"""Deliveries: each note to each destination, by each way, with what came back.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from migrations import bindings, delivery_walls, walls

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

CODES = {
    "channel": ("patient-file", "secure-mail", "fhir", "hl7v2"),
    "deliverystatus": (
        *("queued", "sending", "sent-unknown", "accepted", "delivered", "read"),
        *("retry-wait", "dead", "cancelled", "superseded"),
    ),
}
OWED = sa.text("status in ('queued', 'sending', 'sent-unknown', 'retry-wait')")


def _moment(name: str, *, default: str | None = None) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=default is None, server_default=default)


def upgrade() -> None:
    _columns()
    _hung_on()
    _codes()
    _indexes()
    _endpoints()
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    op.execute(delivery_walls.OF_ITS_NOTE)
    op.execute(delivery_walls.NOTE_ENDPOINTS)
    op.execute(delivery_walls.OTHER_ENDPOINTS)
    op.execute("drop trigger delivery_bound on delivery")
    for table, wall in delivery_walls.WALLS.items():
        for statement in (*walls.lowered(table), *walls.raised(table, wall, owner=owner)):
            op.execute(statement)
        op.execute(bindings.bound(table, delivery_walls.WRITTEN_ONCE[table]))


def _columns() -> None:
    purpose = sa.Enum("document", "retraction", name="purpose", native_enum=False, create_constraint=True, length=40)
    for column in (
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("purpose", purpose, server_default="document", nullable=False),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=True),
        sa.Column("patient_id", sa.UUID(), nullable=True),
        sa.Column("consult_number", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unknowns", sa.Integer(), server_default="0", nullable=False),
        _moment("next_at", default="now()"),
        _moment("deadline_at"),
        sa.Column("lease", sa.UUID(), nullable=True),
        _moment("leased_until"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("replaces_id", sa.UUID(), nullable=True),
        _moment("updated_at", default="now()"),
        _moment("accepted_at"),
        _moment("read_at"),
    ):
        op.add_column("delivery", column)


def _hung_on() -> None:
    """What is there already learns it from its note; what comes, by the trigger."""
    op.execute("""
        update delivery set organization_id = role.organization_id, patient_id = note.patient_id,
          consult_number = asked.number
        from composition note
          join practitioner_role role on role.id = note.author_role_id
          join service_request asked on asked.id = note.service_request_id
        where note.id = delivery.composition_id
    """)
    for column in ("organization_id", "patient_id", "consult_number"):
        op.alter_column("delivery", column, nullable=False)
    for column, table in (("organization_id", "organization"), ("patient_id", "patient"), ("replaces_id", "delivery")):
        op.create_foreign_key(op.f(f"fk_delivery_{column}"), "delivery", table, [column], ["id"])


def _codes() -> None:
    for name, codes in CODES.items():
        column = "status" if name == "deliverystatus" else name
        op.drop_constraint(name, "delivery", type_="check")
        op.create_check_constraint(name, "delivery", f"{column} in ({', '.join(map(repr, codes))})")


def _indexes() -> None:
    op.drop_constraint(op.f("uq_delivery_composition_id_channel_destination"), "delivery", type_="unique")
    op.create_unique_constraint(
        op.f("uq_delivery_composition_id_channel_destination_purpose"),
        "delivery",
        ["composition_id", "channel", "destination", "purpose"],
    )
    op.create_unique_constraint(op.f("uq_delivery_number"), "delivery", ["number"])
    op.create_index("ix_delivery_due", "delivery", ["next_at"], postgresql_where=OWED)
    op.create_index(
        "ix_delivery_in_order", "delivery", ["patient_id", "channel", "destination", "number"], postgresql_where=OWED
    )
    op.create_index(
        "ix_delivery_busy", "delivery", ["channel", "destination"], postgresql_where=sa.text("status = 'sending'")
    )
    op.create_index(
        op.f("ix_delivery_organization_id_status_updated_at"), "delivery", ["organization_id", "status", "updated_at"]
    )
    op.create_index(
        op.f("ix_delivery_external_id"),
        "delivery",
        ["external_id"],
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_index(op.f("ix_delivery_replaces_id"), "delivery", ["replaces_id"])


def _endpoints() -> None:
    """How a system of another's takes notes."""
    for column in (
        sa.Column("receives_notes", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("uses_tls", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("authority", sa.Text(), server_default="", nullable=False),
        sa.Column("credential_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("message", sa.Text(), server_default="mdm", nullable=False),
        sa.Column("application", sa.Text(), server_default="", nullable=False),
        sa.Column("facility", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("endpoint", column)
