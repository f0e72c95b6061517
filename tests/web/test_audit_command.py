"""`teleconsult audit verify` and `audit checkpoint`, as a shell sees them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from teleconsult import audit
from teleconsult.audit.checkpoints import days_in, folder_of
from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.settings import Settings
from tests.people import Cast
from tests.teleconsult.audit.log import past_the_walls
from web.__main__ import main

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def teleconsult(command_environment: None, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Status and output of one command, run in this very process: one of its own takes seconds to begin."""
    mask = os.umask(0o077)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = main(list(arguments))
        return status, "".join(capsys.readouterr())

    yield run
    os.umask(mask)


@pytest.fixture
async def acts(sessions: Sessions, cast: Cast) -> None:
    for _ in range(3):
        async with transaction(sessions) as session:
            audit.record(session, cast.rural, "tested")


@pytest.mark.usefixtures("acts", "command_environment")
def test_a_whole_log_is_good() -> None:
    """As a shell sees it."""
    command = [sys.executable, "-m", "web", "audit", "verify"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout + done.stderr == ("good: 3 events in 1 chains, none changed, none missing; no checkpoint yet\n")


@pytest.mark.usefixtures("acts")
def test_a_checkpoint_is_made_once(teleconsult: Command) -> None:
    assert teleconsult("audit", "checkpoint") == (0, "checkpoint 1: 3 events\n")
    assert teleconsult("audit", "checkpoint") == (0, "nothing happened since the last checkpoint\n")
    status, said = teleconsult("audit", "verify")
    assert status == 0
    assert "1 checkpoints, the last of" in said


@pytest.mark.usefixtures("acts")
def test_a_broken_one_says_where(teleconsult: Command, cast: Cast, superuser_url: str, database: DatabaseUrls) -> None:
    with past_the_walls(superuser_url, database) as superuser:
        superuser.execute(
            "update audit_event set action = 'x' where id = (select id from audit_chain where position = 2)"
        )
    assert teleconsult("audit", "verify") == (
        1,
        f"broken: chain {cast.rural.organization_id}, lane 0, position 2: An entry was changed.\n",
    )


@pytest.mark.usefixtures("acts")
def test_a_removed_checkpoint_breaks_it(teleconsult: Command, settings: Settings) -> None:
    teleconsult("audit", "checkpoint")
    for day in days_in(folder_of(settings)):
        day.unlink()
    assert teleconsult("audit", "verify") == (
        1,
        "broken: checkpoint 1: A signed checkpoint was removed.\n",
    )
