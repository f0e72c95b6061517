"""What an installation that others reach is refused for, each with one sentence; and what it is not."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from teleconsult import production
from teleconsult.embedded import DatabaseUrls
from teleconsult.production import faults, is_production
from teleconsult.settings import Settings
from tests.waiting import eventually

GOOD = "q8Zr2LwVbT5nYc9KxH3mPfJ7sDgA4uEe6RiQ1tWo"


@pytest.fixture
def safe(tmp_path: Path, database: DatabaseUrls) -> Settings:
    """As it should be."""
    return Settings(
        data=tmp_path, secret_key=GOOD, public_url="https://tele.example", database_url=database.app, turn_secret=GOOD
    )


def test_what_is_production() -> None:
    assert is_production(Settings(public_url="https://tele.example"))
    assert is_production(Settings(host="192.0.2.7"))
    assert not is_production(Settings())
    assert not is_production(Settings(public_url="http://localhost:8080"))


@pytest.fixture
def durable(superuser_url: str, safe: Settings) -> Settings:
    """The tests' own databases forget what was just committed; this role does not."""
    name = psycopg.conninfo.conninfo_to_dict(safe.database_url or "")["dbname"]
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f'alter role teleconsult_app in database "{name}" set synchronous_commit = on')
    return safe


def test_a_good_one_starts(durable: Settings) -> None:
    assert faults(durable) == []


@pytest.mark.parametrize(
    "secret", ["secret " * 6, "a" * 40, "changeme" * 5, "teleconsult-secret-change-me-teleconsult", "0123456789" * 4]
)
def test_a_secret_that_can_be_guessed(safe: Settings, secret: str) -> None:
    (fault,) = faults(safe.model_copy(update={"secret_key": secret, "database_url": None}))
    assert fault.startswith("TELECONSULT_SECRET_KEY can be guessed")
    assert "openssl rand" in fault


def test_a_shared_secret_that_is_short(safe: Settings) -> None:
    (fault,) = faults(safe.model_copy(update={"turn_secret": "short", "database_url": None}))
    assert fault.startswith("TELECONSULT_TURN_SECRET is short")
    (fault,) = faults(safe.model_copy(update={"janus_secret": "janus" * 8, "database_url": None}))
    assert fault.startswith("TELECONSULT_JANUS_SECRET")


def test_debugging(safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (fault,) = faults(safe.model_copy(update={"log_level": "debug", "database_url": None}))
    assert "LOG_LEVEL is DEBUG" in fault
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    (fault,) = faults(safe.model_copy(update={"database_url": None}))
    assert "development mode" in fault


def test_files_that_everybody_reads(safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told = safe.data / "smtp"
    alone = safe.model_copy(update={"database_url": None, "tls_key": safe.data / "key.pem"})
    monkeypatch.setenv("TELECONSULT_SMTP_URL_FILE", str(told))
    (safe.data / "audit").mkdir()
    for path in (safe.data / "key.pem", safe.data / "secret-key", safe.data / "audit" / "signing-key.pem", told):
        path.touch()
        path.chmod(0o640)
        assert faults(alone) == []
        path.chmod(0o644)
        (fault,) = faults(alone)
        assert fault == f"Everybody on this machine can read {path}, which is secret: `chmod 600 {path}`."
        path.chmod(0o600)
    (safe.data / "key.pem").chmod(0o644)
    monkeypatch.setattr(production, "CONTAINERS", safe.data)
    assert faults(alone) == [], "what a container was handed, the key of its certificate too"


def test_roles_that_may_too_much(durable: Settings, database: DatabaseUrls, superuser_url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database.app)["dbname"]
    owner = faults(durable.model_copy(update={"database_url": database.owner}))
    assert any("names the owner of the tables" in fault for fault in owner)
    url = psycopg.conninfo.make_conninfo(superuser_url, dbname=name)
    boss = faults(durable.model_copy(update={"database_url": url}))
    assert any("names a superuser" in fault for fault in boss)


async def test_a_database_that_forgets(durable: Settings, superuser_url: str) -> None:
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        try:
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
            assert await eventually(lambda: any("fsync=off" in fault for fault in faults(durable)))
        finally:
            connection.execute("alter system reset fsync")
            connection.execute("select pg_reload_conf()")
    assert await eventually(lambda: faults(durable) == [])
    options = f"{durable.database_url}&options=-csynchronous_commit%3Doff"
    (fault,) = faults(durable.model_copy(update={"database_url": options}))
    assert "synchronous_commit=off" in fault


def test_a_database_that_is_away(safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(production, "PATIENCE", 0)
    url = "postgresql://nobody@127.0.0.1:1/none"
    (fault,) = faults(safe.model_copy(update={"database_url": url}))
    assert "did not answer" in fault


def test_the_command_says_so_and_ends(safe: Settings, tmp_path: Path) -> None:
    """`teleconsult serve`, with a secret somebody copied."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TELECONSULT_")},
        "TELECONSULT_DATABASE_URL": safe.database_url or "",
        "TELECONSULT_DATA": str(tmp_path),
        "TELECONSULT_SECRET_KEY": "changeme" * 5,
        "TELECONSULT_PUBLIC_URL": "https://tele.example",
    }
    done = subprocess.run(
        [sys.executable, "-m", "web", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert "TELECONSULT_SECRET_KEY can be guessed" in done.stderr
    assert "Traceback" not in done.stderr
