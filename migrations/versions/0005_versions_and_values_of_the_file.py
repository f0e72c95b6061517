"""What a file entry said before, where it came from, and the values that are drawn and searched.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import uuid
from dataclasses import asdict

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import file_walls, rules, walls
from teleconsult.records.describing import described

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RESOURCES = (
    *("Encounter", "Condition", "AllergyIntolerance", "MedicationStatement", "Observation", "Immunization"),
    *("Procedure", "DiagnosticReport", "DocumentReference", "ImagingStudy", "Composition", "MedicationRequest"),
    *("MedicationAdministration", "FamilyMemberHistory", "CarePlan", "CareTeam", "Goal", "Device", "Specimen"),
    *("SupplyDelivery", "Provenance", "Claim", "ExplanationOfBenefit"),
)
ORIGINS = ("hand", "consult", "fhir", "hl7v2", "cda", "import")


def upgrade() -> None:
    _widen_the_entry()
    _describe_what_stands()
    _keep_versions()
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    op.execute(file_walls.OPENED_FILES)
    for table, wall in file_walls.WALLS.items():
        lowered = walls.lowered(table) if table in walls.FIRST else []
        for statement in (*lowered, *walls.raised(table, wall, owner=owner)):
            op.execute(statement)
    for statement in rules.grants(["record_version", "record_identifier"]):
        op.execute(statement)


def _widen_the_entry() -> None:
    allowed = ", ".join(f"'{resource}'" for resource in RESOURCES)
    for table in ("record_entry", "excerpt_item"):
        op.execute(f"alter table {table} drop constraint ck_{table}_resourcetype")
        op.execute(f"alter table {table} add constraint ck_{table}_resourcetype check (resource_type in ({allowed}))")
    origin = sa.Enum(*ORIGINS, name="origin", native_enum=False, create_constraint=True, length=40)
    for column in (
        sa.Column("origin", origin, server_default="hand", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("status_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("episode_id", sa.UUID(), nullable=True),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("code_system", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("unit", sa.Text(), server_default="", nullable=False),
        sa.Column("searched", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "words",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('simple'::regconfig, searched)", persisted=True),
            nullable=False,
        ),
    ):
        op.add_column("record_entry", column)
    op.create_foreign_key(op.f("fk_record_entry_episode_id"), "record_entry", "record_entry", ["episode_id"], ["id"])
    op.create_index(
        "ix_record_entry_episode", "record_entry", ["episode_id"], postgresql_where="episode_id is not null"
    )
    op.create_index(
        "ix_record_entry_measures",
        "record_entry",
        ["patient_id", "code", "effective_at"],
        postgresql_where="code <> ''",
    )


def _describe_what_stands() -> None:
    """Entries of before are found and drawn like those to come: read by the program's own rules, 500 at a time."""
    connection = op.get_bind()
    entries = sa.table(
        "record_entry",
        *(sa.column(name) for name in ("id", "title", "category", "code_system", "code", "value", "unit", "searched")),
        sa.column("resource", postgresql.JSONB),
        sa.column("ended_at", sa.DateTime(timezone=True)),
    )
    last = uuid.UUID(int=0)
    while True:
        page = sa.select(entries.c.id, entries.c.title, entries.c.resource).where(entries.c.id > last)
        found = connection.execute(page.order_by(entries.c.id).limit(500)).all()
        if not found:
            return
        for entry_id, title, resource in found:
            read = asdict(described(resource, title=title))
            connection.execute(entries.update().where(entries.c.id == entry_id).values(**read))
        last = found[-1].id


def _keep_versions() -> None:
    op.create_table(
        "record_identifier",
        sa.Column("record_entry_id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_record_identifier_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_entry_id"], ["record_entry.id"], name=op.f("fk_record_identifier_record_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_identifier")),
        sa.UniqueConstraint(
            "record_entry_id", "system", "value", name=op.f("uq_record_identifier_record_entry_id_system_value")
        ),
    )
    op.create_index(
        op.f("ix_record_identifier_organization_id_value_system"),
        "record_identifier",
        ["organization_id", "value", "system"],
    )
    status = sa.Enum(
        "current", "entered-in-error", name="entrystatus", native_enum=False, create_constraint=True, length=40
    )
    op.create_table(
        "record_version",
        sa.Column("record_entry_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", status, nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_role_id", sa.UUID(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("resource", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_role_id"], ["practitioner_role.id"], name=op.f("fk_record_version_author_role_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_entry_id"], ["record_entry.id"], name=op.f("fk_record_version_record_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_version")),
        sa.UniqueConstraint("record_entry_id", "version", name=op.f("uq_record_version_record_entry_id_version")),
    )
    op.execute(rules.NOTHING_IS_OVERWRITTEN)
