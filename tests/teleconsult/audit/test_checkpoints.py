"""Signed heads outside the database: made when something happened, and missed or doubted when touched."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from teleconsult import audit, jobs
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit import checkpointing
from teleconsult.audit.checkpointing import make_checkpoint
from teleconsult.audit.checkpoints import alone, days_in, folder_of, lines_in, read_line
from teleconsult.audit.findings import Fault
from teleconsult.audit.jobs import checkpoint
from teleconsult.audit.models import NO_ESTABLISHMENT, AuditEvent
from teleconsult.audit.signing import PRIVATE, SUFFIX, known_keys
from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.settings import Settings
from tests.people import Cast
from tests.teleconsult.audit.log import past_the_walls, verdict_of


async def act(sessions: Sessions, actor: Actor = SYSTEM) -> None:
    async with transaction(sessions) as session:
        audit.record(session, actor, "tested")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
async def signed(sessions: Sessions, cast: Cast, folder: Path) -> Path:
    """A folder with five checkpoints of a log that goes on."""
    for _ in range(5):
        await act(sessions, cast.rural)
        assert await make_checkpoint(sessions, folder)
    return folder


async def faults(sessions: Sessions, folder: Path) -> set[tuple[Fault, int]]:
    return {(finding.fault, finding.position) for finding in (await verdict_of(sessions, folder)).findings}


def rewrite(folder: Path, change: "slice | int", by: list[str]) -> None:
    """Replace lines of the only day."""
    (day,) = days_in(folder)
    lines = list(lines_in([day]))
    if isinstance(change, slice):
        lines[change] = by
    else:
        lines[change] = by[0]
    day.write_text("".join(f"{line}\n" for line in lines))


async def test_a_checkpoint_holds_every_head(sessions: Sessions, cast: Cast, folder: Path) -> None:
    await act(sessions, cast.rural)
    await act(sessions, cast.rural)
    await act(sessions)
    made = await make_checkpoint(sessions, folder)
    assert made is not None
    assert (made.number, made.previous, made.events) == (1, "", 3)
    assert {(head.chain, head.position) for head in made.heads} == {
        (cast.rural.organization_id, 2),
        (NO_ESTABLISHMENT, 1),
    }
    (line,) = lines_in(days_in(folder))
    assert read_line(line, known_keys(folder)) == made
    verdict = await verdict_of(sessions, folder)
    assert (verdict.is_good, verdict.checkpoints, verdict.last_checkpoint) == (True, 1, made.at)


async def test_the_key_is_its_owners_alone(signed: Path) -> None:
    assert (signed / PRIVATE).stat().st_mode & 0o777 == 0o600
    assert len(list(signed.glob(f"*{SUFFIX}"))) == 1


async def test_nothing_new_is_not_signed_again(sessions: Sessions, signed: Path) -> None:
    assert await make_checkpoint(sessions, signed) is None, "its own entry in the log causes no other"
    assert await make_checkpoint(sessions, signed) is None
    assert len(list(lines_in(days_in(signed)))) == 5


async def test_a_later_one_names_only_what_went_on(sessions: Sessions, cast: Cast, signed: Path) -> None:
    await act(sessions, cast.specialist)
    made = await make_checkpoint(sessions, signed)
    assert made is not None
    assert made.number == 6
    assert {head.chain for head in made.heads} == {cast.specialist.organization_id, NO_ESTABLISHMENT}


async def test_each_days_first_names_all(
    sessions: Sessions, cast: Cast, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await act(sessions, cast.specialist)
    monkeypatch.setattr(checkpointing, "now", lambda: datetime(2999, 1, 1, tzinfo=UTC))
    made = await make_checkpoint(sessions, signed)
    assert made is not None
    assert {head.chain for head in made.heads} == {
        cast.rural.organization_id,
        cast.specialist.organization_id,
        NO_ESTABLISHMENT,
    }
    assert len(days_in(signed)) == 2
    assert (await verdict_of(sessions, signed)).is_good


async def test_the_log_says_that_it_was_signed(sessions: Sessions, signed: Path) -> None:
    async with sessions() as session:
        told = select(func.count()).where(AuditEvent.action == "audit-checkpointed")
        assert await session.scalar(told) == 5


async def test_two_at_once_make_one(sessions: Sessions, cast: Cast, folder: Path) -> None:
    await act(sessions, cast.rural)
    made = await asyncio.gather(*(make_checkpoint(sessions, folder) for _ in range(4)))
    assert sum(one is not None for one in made) == 1
    with alone(folder) as is_free, alone(folder) as is_free_too:
        assert (is_free, is_free_too) == (True, False)


@pytest.mark.parametrize("number", [1, 3, 4])
async def test_a_removed_one_is_missed(sessions: Sessions, signed: Path, number: int) -> None:
    rewrite(signed, slice(number - 1, number), [])
    assert (Fault.CHECKPOINT_MISSING, number) in await faults(sessions, signed)


async def test_the_last_one_is_missed_too(sessions: Sessions, signed: Path) -> None:
    rewrite(signed, slice(4, 5), [])
    assert await faults(sessions, signed) == {(Fault.CHECKPOINT_MISSING, 5)}


async def test_so_is_the_whole_folder(sessions: Sessions, signed: Path, tmp_path: Path) -> None:
    assert await faults(sessions, tmp_path / "empty") == {(Fault.CHECKPOINT_MISSING, 1)}


async def test_in_an_empty_folder_the_numbers_go_on(
    sessions: Sessions, cast: Cast, signed: Path, tmp_path: Path
) -> None:
    """So what was lost can be put back, and all holds again."""
    await act(sessions, cast.rural)
    made = await make_checkpoint(sessions, tmp_path / "other")
    assert made is not None
    assert made.number == 6
    assert await faults(sessions, tmp_path / "other") == {(Fault.CHECKPOINT_MISSING, 1)}


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
async def test_a_changed_one_is_doubted(sessions: Sessions, signed: Path, number: int) -> None:
    lines = list(lines_in(days_in(signed)))
    header, payload, signature = lines[number - 1].split(".")
    for forged in (
        f"{header}.{payload[:-2]}{'A' if payload[-2] != 'A' else 'B'}{payload[-1]}.{signature}",
        f"{header}.{payload}.{signature[:9]}{'A' if signature[9] != 'A' else 'B'}{signature[10:]}",
        f"{header}.{payload}.",
        "nothing of the kind",
    ):
        rewrite(signed, number - 1, [forged])
        assert (Fault.CHECKPOINT_FORGED, number) in await faults(sessions, signed)
    rewrite(signed, number - 1, [lines[number - 1]])
    assert (await verdict_of(sessions, signed)).is_good


async def test_one_signed_with_another_key_is_doubted(
    sessions: Sessions, cast: Cast, signed: Path, tmp_path: Path
) -> None:
    await act(sessions, cast.rural)
    await make_checkpoint(sessions, tmp_path / "forger")
    (line,) = lines_in(days_in(tmp_path / "forger"))
    rewrite(signed, slice(5, 6), [line])
    assert (Fault.CHECKPOINT_FORGED, 6) in await faults(sessions, signed)


async def test_two_that_changed_places_are_found(sessions: Sessions, signed: Path) -> None:
    lines = list(lines_in(days_in(signed)))
    rewrite(signed, slice(1, 3), [lines[2], lines[1]])
    assert await faults(sessions, signed)


async def test_a_line_that_a_crash_cut_short_counts_for_nothing(sessions: Sessions, cast: Cast, signed: Path) -> None:
    (day,) = days_in(signed)
    with day.open("a") as file:
        file.write("eyJhbGciOi")
    assert (await verdict_of(sessions, signed)).is_good
    await act(sessions, cast.rural)
    assert await make_checkpoint(sessions, signed)
    assert (await verdict_of(sessions, signed)).is_good


async def test_a_cut_tail_is_found_at_every_length(
    sessions: Sessions, cast: Cast, signed: Path, superuser_url: str, database: DatabaseUrls
) -> None:
    chain = {"chain": cast.rural.organization_id}
    with past_the_walls(superuser_url, database) as superuser:
        for position in (5, 4, 3, 2, 1):
            cut = "chain = %(chain)s and position >= %(position)s"
            values = {**chain, "position": position}
            superuser.execute(f"delete from audit_event where id in (select id from audit_chain where {cut})", values)
            superuser.execute(f"delete from audit_chain where {cut}", values)
            assert (Fault.TAIL_MISSING, position) in await faults(sessions, signed)


async def test_the_worker_signs(sessions: Sessions, cast: Cast, settings: Settings) -> None:
    await act(sessions, cast.rural)
    async with jobs.connected(settings.database_url or "") as app:
        await checkpoint.defer_async(timestamp=0)
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions, "settings": settings},
        )
    assert len(list(lines_in(days_in(folder_of(settings))))) == 1
