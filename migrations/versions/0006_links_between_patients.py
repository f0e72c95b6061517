"""What is known of a patient's numbers, and the links by which several patients are one person.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import bindings, identity_walls, rules, walls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ["patient_link", "identity_case"]


def upgrade() -> None:
    _widen_identities()
    _make_tables()
    _part_what_was_one_person()
    connection = op.get_bind()
    for statement in (*identity_walls.FUNCTIONS, identity_walls.PATIENTS_CALLED):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    _link_it_again()
    op.execute("drop function same_person(uuid, text, text, date, text)")
    owner = connection.exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for statement in walls.lowered("patient_identifier"):
        op.execute(statement)
    for table, wall in identity_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    op.execute("drop trigger patient_bound on patient")
    for table, columns in identity_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(TABLES):
        op.execute(statement)


def _widen_identities() -> None:
    status = _codes("unverified", "qualified", "withdrawn", name="identifierstatus")
    for table, column in (
        ("patient", sa.Column("used_name", sa.Text(), server_default="", nullable=False)),
        ("patient", sa.Column("used_name_folded", sa.Text(), server_default="", nullable=False)),
        ("patient", sa.Column("birth_place", sa.Text(), server_default="", nullable=False)),
        ("patient", sa.Column("own_person_id", sa.UUID(), nullable=True)),
        ("patient_identifier", sa.Column("type", sa.Text(), server_default="", nullable=False)),
        ("patient_identifier", sa.Column("status", status, server_default="unverified", nullable=False)),
        ("patient_identifier", sa.Column("source", sa.Text(), server_default="", nullable=False)),
        ("patient_identifier", sa.Column("issued_on", sa.Date(), nullable=True)),
    ):
        op.add_column(table, column)
    op.drop_index("ix_patient_name_words", "patient")
    words = "to_tsvector('simple'::regconfig, family_folded || ' ' || given_folded || ' ' || used_name_folded)"
    op.create_index("ix_patient_name_words", "patient", [sa.text(words)], postgresql_using="gin")


def _make_tables() -> None:
    moment, text = sa.DateTime(timezone=True), sa.Text()
    json = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "patient_link",
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("other_id", sa.UUID(), nullable=False),
        sa.Column("basis", _codes("number", "decision", "resolution", "merge", name="linkbasis"), nullable=False),
        sa.Column("evidence", json, server_default="[]", nullable=False),
        sa.Column("reason", text, server_default="", nullable=False),
        sa.Column("identities", json, server_default="{}", nullable=False),
        sa.Column("linked_at", moment, nullable=False),
        sa.Column("linked_by_id", sa.UUID(), nullable=True),
        sa.Column("undone_at", moment, nullable=True),
        sa.Column("undone_by_id", sa.UUID(), nullable=True),
        sa.Column("undo_reason", text, server_default="", nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("patient_id <> other_id", name=op.f("ck_patient_link_two")),
        *_keys(
            "patient_link",
            patient_id="patient",
            other_id="patient",
            linked_by_id="practitioner_role",
            undone_by_id="practitioner_role",
        ),
    )
    standing = sa.text("undone_at is null")
    op.create_index(
        "uq_patient_link_standing",
        "patient_link",
        ["patient_id", "other_id", "basis"],
        unique=True,
        postgresql_where=standing,
    )
    op.create_index(
        "uq_patient_link_merged",
        "patient_link",
        ["patient_id"],
        unique=True,
        postgresql_where=sa.text("undone_at is null and basis = 'merge'"),
    )
    op.create_index(op.f("ix_patient_link_other_id"), "patient_link", ["other_id"])
    op.create_table(
        "identity_case",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("other_id", sa.UUID(), nullable=False),
        sa.Column("kind", _codes("same-number", "same-traits", name="casekind"), nullable=False),
        sa.Column("evidence", json, server_default="[]", nullable=False),
        sa.Column("identities", json, server_default="{}", nullable=False),
        sa.Column("found_at", moment, nullable=False),
        sa.Column("decision", _codes("same-person", "two-people", name="casedecision"), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("decided_by_id", sa.UUID(), nullable=True),
        sa.Column("note", text, server_default="", nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("patient_id <> other_id", name=op.f("ck_identity_case_two")),
        *_keys(
            "identity_case",
            organization_id="organization",
            patient_id="patient",
            other_id="patient",
            decided_by_id="practitioner_role",
        ),
    )
    pair = [sa.text("LEAST(patient_id, other_id)"), sa.text("GREATEST(patient_id, other_id)")]
    op.create_index("uq_identity_case_pair", "identity_case", pair, unique=True)
    op.create_index(op.f("ix_identity_case_other_id"), "identity_case", ["other_id"])
    op.create_index(op.f("ix_identity_case_organization_id_found_at"), "identity_case", ["organization_id", "found_at"])


def _part_what_was_one_person() -> None:
    """Whoever was one person with an older patient is now, by themselves, one of their own."""
    op.execute("""
      with ranked as (
        select patient.id, person.created_at,
          row_number() over (partition by person_id order by patient.created_at, patient.id) as place
        from patient join person on person.id = patient.person_id)
      update patient set own_person_id = case when place = 1 then patient.person_id else gen_random_uuid() end
      from ranked where ranked.id = patient.id
    """)
    # later than the person they were: the oldest one stays theirs
    op.execute("""
      insert into person (id, created_at)
      select own_person_id, greatest(patient.created_at, person.created_at) + interval '1 microsecond'
      from patient join person on person.id = patient.person_id where own_person_id <> person_id
    """)
    op.alter_column("patient", "own_person_id", nullable=False)
    op.create_foreign_key(op.f("fk_patient_own_person_id"), "patient", "person", ["own_person_id"], ["id"])
    op.create_index(op.f("ix_patient_own_person_id"), "patient", ["own_person_id"])


def _link_it_again() -> None:
    """A link that can be undone, and keeps both identities as they are."""
    op.execute("""
      insert into patient_link (id, patient_id, other_id, basis, linked_at)
      select gen_random_uuid(), later.id, first.id, 'number', later.created_at
      from patient later join patient first on first.own_person_id = later.person_id
      where later.own_person_id <> later.person_id
    """)


def _keys(table: str, **named: str) -> list[sa.Constraint]:
    keys: list[sa.Constraint] = [sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))]
    for column, other in named.items():
        keys.append(sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}")))
    return keys


def _codes(*codes: str, name: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)
