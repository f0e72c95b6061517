"""A migration and the version before it wait for each other's tables: the database ends one, and it is begun anew."""

import threading
import time

import psycopg
from alembic import command

from migrations import upgrade
from teleconsult.embedded import DatabaseUrls
from tests.proof.migrations_killed import next_version

HELD = "select 1 from pg_locks where relation = 'patient'::regclass and mode = 'AccessExclusiveLock' and granted"


def test_what_the_database_ended_is_begun_anew(database: DatabaseUrls, superuser_url: str) -> None:
    config, failed = next_version(database), []

    def migrate() -> None:
        try:
            upgrade(config)
        except Exception as error:
            failed.append(error)

    name = psycopg.conninfo.conninfo_to_dict(database.app)["dbname"]
    patient = "-c deadlock_timeout=60s"  # so that it is the migration that is ended
    with (
        psycopg.connect(superuser_url, dbname=name, options=patient) as reader,
        psycopg.connect(database.app, autocommit=True) as looking,
    ):
        reader.execute("select count(*) from composition")
        migrating = threading.Thread(target=migrate)
        migrating.start()
        try:
            while migrating.is_alive() and not looking.execute(HELD).fetchone():
                time.sleep(0.02)
            reader.execute("select count(*) from patient")  # each has what the other wants
            reader.rollback()
            migrating.join(60)
            assert not failed
            assert looking.execute("select count(*) from next_thing").fetchone()
        finally:
            reader.rollback()
            migrating.join(60)
            command.downgrade(config, "-1")
