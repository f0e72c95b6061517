"""Hours of people and services, rooms and devices, who and what a session needs, feeds, and a wait list.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import agenda_rules, agenda_walls, bindings, rules, walls

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

REPEATS = ("weekly", "fortnightly", "first", "second", "third", "fourth", "last")


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def key(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.UUID(), nullable=nullable)


def codes(column: str, name: str, *values: str) -> sa.Column[object]:
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
    return sa.Column(column, kind, nullable=False)


def names(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    add_hours()
    add_participants()
    op.create_table(
        "calendar_feed",
        key("account_id"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        moment("created_at"),
        key("id"),
        names("calendar_feed", "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("account_id", name=op.f("uq_calendar_feed_account_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    add_wait_list()
    for column in (
        sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("told_sequence", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    ):
        op.add_column("appointment", column)
    # Nobody is invited now to what was booked before.
    op.execute("update appointment set told_sequence = 0 where booked_at is not null")
    op.create_index(
        "ix_appointment_untold",
        "appointment",
        ["ends_at"],
        postgresql_where="booked_at is not null and told_sequence is distinct from sequence",
    )
    for statement in agenda_rules.STATEMENTS:
        op.execute(statement)
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in agenda_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in agenda_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(list(agenda_walls.WALLS)):
        op.execute(statement)


def add_hours() -> None:
    op.create_table(
        "bookable_resource",
        sa.Column("key", sa.BigInteger(), sa.Identity(), nullable=False),
        key("organization_id"),
        codes("kind", "resourcekind", "room", "device"),
        sa.Column("name", sa.Text(), nullable=False),
        moment("retired_at", nullable=True),
        key("id"),
        names("bookable_resource", "organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookable_resource")),
        sa.UniqueConstraint("key", name=op.f("uq_bookable_resource_key")),
    )
    op.create_index(op.f("ix_bookable_resource_organization_id"), "bookable_resource", ["organization_id"])
    op.create_table(
        "schedule",
        key("organization_id"),
        key("practitioner_role_id", nullable=True),
        key("service_id", nullable=True),
        key("resource_id", nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("holidays", sa.Text(), nullable=False),
        sa.Column("buffer_minutes", sa.SmallInteger(), nullable=False),
        moment("updated_at"),
        key("id"),
        sa.CheckConstraint(
            "num_nonnulls(practitioner_role_id, service_id, resource_id) = 1", name=op.f("ck_schedule_of_one")
        ),
        sa.CheckConstraint("buffer_minutes between 0 and 120", name=op.f("ck_schedule_buffer")),
        names("schedule", "organization_id", "organization"),
        names("schedule", "practitioner_role_id", "practitioner_role"),
        names("schedule", "service_id", "healthcare_service"),
        names("schedule", "resource_id", "bookable_resource"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("practitioner_role_id", name=op.f("uq_schedule_practitioner_role_id")),
        sa.UniqueConstraint("service_id", name=op.f("uq_schedule_service_id")),
        sa.UniqueConstraint("resource_id", name=op.f("uq_schedule_resource_id")),
    )
    op.create_index(op.f("ix_schedule_organization_id"), "schedule", ["organization_id"])
    op.create_table(
        "available_time",
        key("schedule_id"),
        sa.Column("weekdays", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("from_minute", sa.SmallInteger(), nullable=False),
        sa.Column("until_minute", sa.SmallInteger(), nullable=False),
        codes("repeat", "repeat", *REPEATS),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("slot_minutes", sa.SmallInteger(), nullable=True),
        key("id"),
        sa.CheckConstraint("from_minute between 0 and 1439", name=op.f("ck_available_time_from_minute")),
        sa.CheckConstraint(
            "until_minute > from_minute and until_minute <= from_minute + 1440",
            name=op.f("ck_available_time_until_minute"),
        ),
        sa.CheckConstraint(
            "cardinality(weekdays) between 1 and 7 and weekdays <@ '{1,2,3,4,5,6,7}'",
            name=op.f("ck_available_time_weekdays"),
        ),
        sa.CheckConstraint("slot_minutes between 5 and 480", name=op.f("ck_available_time_slot_minutes")),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_available_time_ends_after_start")),
        names("available_time", "schedule_id", "schedule"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_available_time")),
    )
    op.create_index(op.f("ix_available_time_schedule_id"), "available_time", ["schedule_id"])
    op.create_table(
        "schedule_exception",
        key("schedule_id"),
        codes("kind", "exceptionkind", "away", "extra"),
        moment("starts_at"),
        moment("ends_at"),
        key("id"),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_schedule_exception_ends_after_start")),
        names("schedule_exception", "schedule_id", "schedule"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_exception")),
    )
    op.create_index(op.f("ix_schedule_exception_schedule_id_ends_at"), "schedule_exception", ["schedule_id", "ends_at"])


def add_participants() -> None:
    table = "appointment_participant"
    op.create_table(
        table,
        key("appointment_id"),
        key("practitioner_role_id", nullable=True),
        key("resource_id", nullable=True),
        sa.Column("practitioner_key", sa.BigInteger(), nullable=True),
        sa.Column("resource_key", sa.BigInteger(), nullable=True),
        sa.Column("buffer_minutes", sa.SmallInteger(), nullable=False),
        moment("starts_at", nullable=True),
        moment("ends_at", nullable=True),
        sa.Column("is_binding", sa.Boolean(), nullable=False),
        key("id"),
        sa.CheckConstraint("num_nonnulls(practitioner_role_id, resource_id) = 1", name=op.f(f"ck_{table}_of_one")),
        names(table, "appointment_id", "appointment"),
        names(table, "practitioner_role_id", "practitioner_role"),
        names(table, "resource_id", "bookable_resource"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for who in ("practitioner_role_id", "resource_id"):
        op.create_index(op.f(f"ix_{table}_appointment_id_{who}"), table, ["appointment_id", who], unique=True)
        op.create_index(op.f(f"ix_{table}_{who}"), table, [who])


def add_wait_list() -> None:
    table = "wait_list_entry"
    op.create_table(
        table,
        key("service_request_id"),
        sa.Column("minutes", sa.SmallInteger(), nullable=False),
        moment("wanted_before"),
        codes("status", "waitstatus", "waiting", "offered", "taken", "left"),
        key("created_by_id"),
        moment("created_at"),
        moment("offered_at", nullable=True),
        moment("starts_at", nullable=True),
        moment("ends_at", nullable=True),
        key("id"),
        sa.CheckConstraint(
            "(status = 'offered') <= (offered_at is not null and starts_at is not null and ends_at is not null)",
            name=op.f(f"ck_{table}_offer_is_whole"),
        ),
        names(table, "service_request_id", "service_request"),
        names(table, "created_by_id", "practitioner_role"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    open_ones = "status in ('waiting', 'offered')"
    op.create_index(op.f(f"ix_{table}_service_request_id"), table, ["service_request_id"])
    op.create_index("uq_wait_list_entry_open", table, ["service_request_id"], unique=True, postgresql_where=open_ones)
    op.create_index("ix_wait_list_entry_waiting", table, ["created_at"], postgresql_where=open_ones)
