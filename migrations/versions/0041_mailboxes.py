"""Mailboxes: the directory's, what is imported into it, and what is received.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import bindings, mailbox_walls, rules, walls

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organization", sa.Column("structure_number", sa.Text(), server_default="", nullable=False))
    _mailboxes()
    _differences()
    _choices()
    _recipients()
    _received()
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for statement in mailbox_walls.STATEMENTS:
        op.execute(statement)
    for table, wall in mailbox_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in mailbox_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(list(mailbox_walls.WALLS)):
        op.execute(statement)


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def _moment(name: str, *, is_known: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not is_known)


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), server_default="", nullable=False) for name in names]


def _told(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def _id(name: str, *, is_known: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.UUID(), nullable=not is_known)


def _one_of(table: str, columns: Sequence[str], name: str = "") -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{name or '_'.join(columns)}"))


def _mailboxes() -> None:
    table = "mailbox_import"
    op.create_table(
        table,
        _id("organization_id"),
        *_told("file_name", "object_key"),
        sa.Column("source", _codes("mailboxsource", "fhir", "extract", "typed"), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("status", _codes("importstatus", "reading", "ready", "cancelled", "failed"), nullable=False),
        *_words("reason"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("listed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", JSONB(), nullable=False),
        _id("created_by_id"),
        _moment("created_at", is_known=True),
        _moment("finished_at"),
        _id("id"),
        _to(table, "organization_id", "organization"),
        _to(table, "created_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_mailbox_import_organization_id_created_at"), table, ["organization_id", "created_at"])
    table = "mailbox"
    key = ("organization_id", "address", "registration_number", "structure_number")
    op.create_table(
        table,
        _id("organization_id"),
        *_told("address"),
        sa.Column("type", _codes("mailboxtype", "APP", "ORG", "CAB", "PER"), nullable=True),
        sa.Column("is_secure", sa.Boolean(), nullable=False),
        *_words("registration_number", "structure_number", "family", "given", "prefix", "profession"),
        *_words("structure", "service", "place", "words"),
        sa.Column("is_red_listed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("source", _codes("mailboxsource", "fhir", "extract", "typed"), nullable=False),
        _moment("seen_at", is_known=True),
        _moment("refreshed_at", is_known=True),
        _id("id"),
        _to(table, "organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
        _one_of(table, key, "correspondent"),
    )
    op.create_index("ix_mailbox_person", table, ["organization_id", "registration_number"])
    op.create_index("ix_mailbox_structure", table, ["organization_id", "structure_number"])
    op.create_index(
        "ix_mailbox_names", table, ["organization_id", "words"], postgresql_ops={"words": "text_pattern_ops"}
    )
    op.create_index(
        "ix_mailbox_words", table, [sa.text("to_tsvector('simple'::regconfig, words)")], postgresql_using="gin"
    )


def _differences() -> None:
    table = "mailbox_difference"
    op.create_table(
        table,
        _id("import_id"),
        sa.Column(
            "kind", _codes("mailboxdifferencekind", "added", "changed", "deleted", "disappeared"), nullable=False
        ),
        *_told("address", "registration_number", "structure_number"),
        sa.Column("before", JSONB(), nullable=False),
        sa.Column("after", JSONB(), nullable=False),
        sa.Column(
            "decision",
            _codes("mailboxdecision", "pending", "accepted", "rejected"),
            server_default="pending",
            nullable=False,
        ),
        _id("decided_by_id", is_known=False),
        _moment("decided_at"),
        _id("id"),
        _to(table, "import_id", "mailbox_import"),
        _to(table, "decided_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _one_of(table, ("import_id", "address", "registration_number", "structure_number"), "once"),
    )
    op.create_index(op.f("ix_mailbox_difference_import_id_decision_kind"), table, ["import_id", "decision", "kind"])


def _choices() -> None:
    table = "mailbox_choice"
    op.create_table(
        table,
        _id("organization_id"),
        sa.Column("kind", _codes("choicekind", "same-address", "several-boxes", "near-names"), nullable=False),
        *_told("subject"),
        *_words("address"),
        _id("decided_by_id"),
        _moment("decided_at", is_known=True),
        _id("id"),
        _to(table, "organization_id", "organization"),
        _to(table, "decided_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _one_of(table, ("organization_id", "kind", "subject")),
    )


def _recipients() -> None:
    table = "consult_correspondent"
    op.create_table(
        table,
        _id("service_request_id"),
        *_told("name"),
        *_words("registration_number", "structure_number", "address"),
        _id("recorded_by_id"),
        _moment("recorded_at", is_known=True),
        _moment("removed_at"),
        _id("id"),
        _to(table, "service_request_id", "service_request"),
        _to(table, "recorded_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_consult_correspondent_service_request_id"), table, ["service_request_id"])
    op.create_index(
        "uq_consult_correspondent_standing",
        table,
        ["service_request_id", "registration_number", "structure_number"],
        unique=True,
        postgresql_where=sa.text("removed_at is null"),
    )
    table = "general_practitioner"
    op.create_table(
        table,
        _id("patient_id"),
        *_told("name", "registration_number"),
        _id("recorded_by_id"),
        _moment("recorded_at", is_known=True),
        _moment("ended_at"),
        _id("id"),
        _to(table, "patient_id", "patient"),
        _to(table, "recorded_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_general_practitioner_patient_id"), table, ["patient_id"])
    op.create_index(
        "uq_general_practitioner_standing",
        table,
        ["patient_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    table = "opposition"
    op.create_table(
        table,
        _id("patient_id"),
        sa.Column("opposed_to", _codes("opposedto", "patient", "professionals"), nullable=False),
        _id("recorded_by_id"),
        _moment("recorded_at", is_known=True),
        _moment("withdrawn_at"),
        _id("withdrawn_by_id", is_known=False),
        _id("id"),
        _to(table, "patient_id", "patient"),
        _to(table, "recorded_by_id", "practitioner_role"),
        _to(table, "withdrawn_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_opposition_patient_id"), table, ["patient_id"])
    op.create_index(
        "uq_opposition_standing",
        table,
        ["patient_id", "opposed_to"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )


def _received() -> None:
    table = "received_message"
    op.create_table(
        table,
        _id("organization_id"),
        *_told("message_id"),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        *_told("sender", "subject", "object_key"),
        sa.Column("told", JSONB(), nullable=False),
        sa.Column("documents", JSONB(), nullable=False),
        sa.Column("status", _codes("receivedstatus", "waiting", "filed", "rejected", "unreadable"), nullable=False),
        *_words("reason"),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        _moment("received_at", is_known=True),
        *_words("answer_to"),
        _moment("answered_at"),
        _id("patient_id", is_known=False),
        _id("decided_by_id", is_known=False),
        _moment("decided_at"),
        _id("id"),
        _to(table, "organization_id", "organization"),
        _to(table, "patient_id", "patient"),
        _to(table, "decided_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _one_of(table, ("organization_id", "sha256")),
    )
    op.create_index(
        op.f("ix_received_message_organization_id_status_received_at"),
        table,
        ["organization_id", "status", "received_at"],
    )
    op.create_index(op.f("ix_received_message_patient_id"), table, ["patient_id"])
