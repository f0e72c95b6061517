"""The models and the migrations say the same, with one head; the app's role owns nothing."""

import psycopg
from alembic import command
from alembic.script import ScriptDirectory

from migrations import alembic_config
from migrations.rules import APP_ROLE
from teleconsult.embedded import DatabaseUrls
from teleconsult.tables import metadata


def test_models_equal_migrations(database: DatabaseUrls) -> None:
    command.check(alembic_config(database.owner))


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config("postgresql://")).get_heads()) == 1


def test_the_apps_role_is_neither_owner_nor_superuser(database: DatabaseUrls) -> None:
    with psycopg.connect(database.app) as connection:
        role = connection.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
        ).fetchone()
        owned = connection.execute("select count(*) from pg_class where relowner = current_user::regrole").fetchone()
        name = connection.execute("select current_user").fetchone()
    assert role == (False, False, False, False)
    assert owned == (0,)
    assert name == (APP_ROLE,)


def test_the_apps_role_can_read_every_table_and_truncate_none(database: DatabaseUrls) -> None:
    with psycopg.connect(database.app) as connection:
        for table in metadata.tables:
            rights = connection.execute(
                "select has_table_privilege(%s, 'select'), has_table_privilege(%s, 'truncate')", (table, table)
            ).fetchone()
            assert rights == (True, False), table


def test_every_foreign_key_that_is_searched_by_has_an_index_or_a_reason(database: DatabaseUrls) -> None:
    """Columns named here are only ever followed forwards (from the row to what it names)."""
    forwards = {
        "author_role_id",
        "created_by_id",
        "recorded_by_id",
        "changed_by_id",
        "reconciled_by_id",
        "decided_by_id",
        "linked_by_id",
        "undone_by_id",
        "withdrawn_by_id",
        "asked_by_id",
        "ended_by_id",
        "deleted_by_id",
        "revoked_by_id",
        "retracted_by_id",
        "imaging_study_id",
        "reviewed_by_id",
        "owner_role_id",
        "assigned_role_id",
        "answered_by_id",
        "destination_id",
        "requested_by_id",
        "sender_role_id",
        "requester_role_id",
        "participant_id",
        "record_entry_id",
        "output_composition_id",
        "encounter_id",
        "patient_id",
        "organization_id",
        "service_id",
        "specialist_role_id",
        "practitioner_role_id",
        "practitioner_id",
        "account_id",
        "audit_event_id",
    }
    missing = []
    for table in metadata.tables.values():
        leading = {next(iter(index.columns)).name for index in table.indexes if index.columns}
        leading |= {
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if type(constraint).__name__ in ("UniqueConstraint", "PrimaryKeyConstraint")
        }
        missing += [
            f"{table.name}.{column.name}"
            for column in table.columns
            if column.foreign_keys and column.name not in leading | forwards
        ]
    assert not missing
