"""Every table that speaks of a person has a wall, and no wall has a door for nobody."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from migrations.rules import APP_ROLE
from migrations.standing import OPEN, WALLS
from teleconsult.embedded import OWNER, DatabaseUrls
from teleconsult.tables import metadata

TABLES = {name for name, table in metadata.tables.items() if not table.info.get("is_view")}


@pytest.fixture
def owner(database: DatabaseUrls) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(database.owner, row_factory=dict_row) as connection:
        yield connection


def test_every_table_has_a_wall_or_a_reason() -> None:
    assert WALLS.keys() | OPEN.keys() == TABLES
    assert all(reason.strip() for reason in OPEN.values())


def test_every_wall_stands_and_holds_for_its_owner_too(owner: psycopg.Connection[dict[str, Any]]) -> None:
    found = owner.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relrowsecurity and relforcerowsecurity"
    ).fetchall()
    assert {row["relname"] for row in found} == set(WALLS)


def test_the_apps_role_is_let_in_by_who_acts_alone(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """By the system's name, by a function that asks who acts, or by what another wall shows; by nothing else."""
    asking = [
        row["proname"]
        for row in owner.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'"
            " and pg_get_functiondef(oid) like '%acting%'"
        )
    ]
    policies = owner.execute("select * from pg_policies where schemaname = 'public'").fetchall()
    assert {policy["tablename"] for policy in policies} == set(WALLS)
    for policy in policies:
        where = f"{policy['policyname']} on {policy['tablename']}"
        if policy["policyname"] == "owner":
            assert policy["roles"] == [OWNER], where
            continue
        assert policy["roles"] == [APP_ROLE], where
        for condition in filter(None, (policy["qual"], policy["with_check"])):
            system, _, rest = condition.partition("( SELECT acts_as_system() AS acts_as_system)")
            assert system in ("", "("), where
            is_asked = any(f"{name}(" in rest for name in asking)
            is_walled = any(re.search(rf"FROM {table}\b", rest) for table in WALLS)
            assert rest in ("", ")") or is_asked or is_walled, where


def test_no_other_relation_shows_rows_past_the_walls(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """The app's role reads tables, and one view that asks who acts by itself."""
    views = owner.execute(
        "select relname, reloptions, pg_get_viewdef(oid) as definition from pg_class"
        " where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace"
        " and has_table_privilege(%s, oid, 'select')",
        (APP_ROLE,),
    ).fetchall()
    assert [view["relname"] for view in views] == ["consult_note"]
    assert views[0]["reloptions"] == ["security_barrier=true"]
    assert "sees_consult" in views[0]["definition"]


def test_what_works_with_the_owners_rights_cannot_be_led_astray(owner: psycopg.Connection[dict[str, Any]]) -> None:
    """Parsed when it was made, or with a search path of its own: no table of somebody else's is looked into."""
    functions = owner.execute(
        "select proname, prosqlbody is not null as is_parsed, coalesce(proconfig::text, '') as config,"
        " pg_get_userbyid(proowner) as owner from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"
    ).fetchall()
    assert functions
    for function in functions:
        assert function["owner"] == OWNER, function
        assert function["is_parsed"] or "search_path=pg_catalog, public, pg_temp" in function["config"], function


def test_the_apps_role_cannot_put_the_walls_aside(database: DatabaseUrls) -> None:
    with psycopg.connect(database.app, autocommit=True) as connection:
        connection.execute("set row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("select from patient")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("alter table patient disable row level security")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"set role {OWNER}")
