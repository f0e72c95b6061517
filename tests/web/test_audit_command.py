"""`teleconsult audit verify` and `audit checkpoint`, as a shell sees them."""

import os
import subprocess
import sys

import pytest

from teleconsult import audit
from teleconsult.audit.checkpoints import days_in, folder_of
from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.settings import Settings
from tests.people import SECRET, Cast
from tests.teleconsult.audit.log import past_the_walls


def teleconsult(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Status and output of one command."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TELECONSULT_")},
        "TELECONSULT_DATABASE_URL": settings.database_url or "",
        "TELECONSULT_DATA": str(settings.data),
        "TELECONSULT_SECRET_KEY": SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-m", "web", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
async def acts(sessions: Sessions, cast: Cast) -> None:
    for _ in range(3):
        async with transaction(sessions) as session:
            audit.record(session, cast.rural, "tested")


@pytest.mark.usefixtures("acts")
def test_a_whole_log_is_good(settings: Settings) -> None:
    assert teleconsult(settings, "audit", "verify") == (
        0,
        "good: 3 events in 1 chains, none changed, none missing; no checkpoint yet\n",
    )


@pytest.mark.usefixtures("acts")
def test_a_checkpoint_is_made_once(settings: Settings) -> None:
    assert teleconsult(settings, "audit", "checkpoint") == (0, "checkpoint 1: 3 events\n")
    assert teleconsult(settings, "audit", "checkpoint") == (0, "nothing happened since the last checkpoint\n")
    status, said = teleconsult(settings, "audit", "verify")
    assert status == 0
    assert "1 checkpoints, the last of" in said


@pytest.mark.usefixtures("acts")
def test_a_broken_one_says_where(settings: Settings, cast: Cast, superuser_url: str, database: DatabaseUrls) -> None:
    with past_the_walls(superuser_url, database) as superuser:
        superuser.execute(
            "update audit_event set action = 'x' where id = (select id from audit_chain where position = 2)"
        )
    assert teleconsult(settings, "audit", "verify") == (
        1,
        f"broken: chain {cast.rural.organization_id}, lane 0, position 2: An entry was changed.\n",
    )


@pytest.mark.usefixtures("acts")
def test_a_removed_checkpoint_breaks_it(settings: Settings) -> None:
    teleconsult(settings, "audit", "checkpoint")
    for day in days_in(folder_of(settings)):
        day.unlink()
    assert teleconsult(settings, "audit", "verify") == (
        1,
        "broken: checkpoint 1: A signed checkpoint was removed.\n",
    )
