"""An extract held against our directory, and what people decide of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from teleconsult.accounts import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.importing import compare_extract, read_file
from teleconsult.directory.models import (
    Decision,
    DifferenceKind,
    DirectoryDifference,
    DirectoryImport,
    Practitioner,
    PractitionerRole,
    RoleCode,
)
from teleconsult.directory.names import folded
from teleconsult.directory.reviewing import (
    counts_of,
    decide_differences,
    differences_of,
    import_here,
    imports_here,
)
from teleconsult.directory.rpps import OTHER_NAME
from teleconsult.errors import NotFound, Refused
from teleconsult.patients.names import fold
from tests.people import Cast
from tests.teleconsult.directory.extracts import line, write
from tests.teleconsult.directory.steps import audited, practitioner_of, reload

K = DifferenceKind


async def read(sessions: Sessions, actor: Actor, path: Path, *lines: str) -> DirectoryImport:
    """Read an extract with these lines as that administrator."""
    extract = read_file(write(path / "extract.txt", lines))
    async with transaction(sessions, actor) as session:
        return await compare_extract(session, actor, extract=extract, file_name="extract.txt")


async def differences(sessions: Sessions, kept: DirectoryImport) -> list[DirectoryDifference]:
    async with transaction(sessions) as session:
        found = select(DirectoryDifference).where(DirectoryDifference.import_id == kept.id)
        return list(await session.scalars(found.order_by(DirectoryDifference.registration_number)))


async def decide(sessions: Sessions, actor: Actor, kept: DirectoryImport, decision: Decision) -> int:
    """All of them at once."""
    ids = [one.id for one in await differences(sessions, kept)]
    async with transaction(sessions, actor) as session:
        return await decide_differences(session, actor, import_id=kept.id, difference_ids=ids, decision=decision)


async def renumber(sessions: Sessions, actor: Actor, number: str) -> None:
    """Give somebody of the cast a number as the national register has them."""
    async with transaction(sessions) as session:
        (await session.get_one(Practitioner, actor.practitioner_id)).registration_number = number


async def test_new_changed_and_of_the_same_name(sessions: Sessions, cast: Cast, admin: Actor, tmp_path: Path) -> None:
    await renumber(sessions, cast.oncall, "10100000001")
    await renumber(sessions, cast.specialist, "10100000002")
    await renumber(sessions, cast.stranger, "10100000003")
    await renumber(sessions, cast.coordinator, "10100000004")
    kept = await read(
        sessions,
        admin,
        tmp_path,
        line("10100000001", "GIRARD", "PAUL"),
        line("10100000001", "GIRARD", "PAUL", profession="Médecin"),
        line("10100000002", "TRAN", "Minh", profession="Médecin"),
        line("10100000003", "DUBOIS-NEUF", "Jean"),
        line("10100000004", "ROY", "Aline", title="", profession=""),
        line("10100000005", "Roy", "ALINE"),
        line("10100000006", "SAVARD", "Éric", profession="Infirmier"),
        line("10100000006", "AUTRE", "Nom"),
        "nonsense",
    )
    assert (kept.lines, kept.refused[0]["reason"]) == (9, OTHER_NAME)
    assert [one["line"] for one in kept.refused] == [9, 10]
    found = {one.registration_number: one for one in await differences(sessions, kept)}
    assert {number: one.kind for number, one in found.items()} == {
        "10100000001": K.CHANGED,  # the profession, that we did not know
        "10100000002": K.CHANGED,
        "10100000005": K.DUPLICATE,
        "10100000006": K.NEW,
    }, "capitals are no change, silence is none, and people of other establishments are theirs to look after"
    assert found["10100000001"].after == {**found["10100000001"].before, "profession": "Médecin"}
    assert found["10100000002"].after["family"] == "Tran"
    assert found["10100000005"].before["registration_number"] == "10100000004"
    (event,) = await audited(sessions, "directory-read")
    assert (event.detail["differences"], event.detail["refused"]) == (4, 2)
    async with transaction(sessions, admin) as session:
        assert await counts_of(session, kept) == {
            (K.NEW, Decision.PENDING): 1,
            (K.CHANGED, Decision.PENDING): 2,
            (K.DUPLICATE, Decision.PENDING): 1,
        }


async def test_what_is_accepted_applies_and_nobody_is_merged(
    sessions: Sessions, cast: Cast, admin: Actor, tmp_path: Path
) -> None:
    await renumber(sessions, cast.oncall, "10100000001")
    lines = (
        line("10100000001", "GIRARD-ROY", "Paul"),
        line("10100000005", "MINH", "Nguyen Thi"),
        line("10100000006", "SAVARD", "Éric"),
    )
    kept = await read(sessions, admin, tmp_path, *lines)
    assert await decide(sessions, admin, kept, Decision.ACCEPTED) == 3
    assert await decide(sessions, admin, kept, Decision.ACCEPTED) == 0, "what is decided is decided"
    girard = await practitioner_of(sessions, cast.oncall)
    assert (girard.family, girard.profession) == ("Girard-Roy", "Médecin")
    async with transaction(sessions) as session:
        of_that_name = select(func.count()).where(folded(Practitioner.family) == "minh")
        assert await session.scalar(of_that_name) == 2, "two numbers are two people"
    assert len(await audited(sessions, "difference-accepted")) == 3
    assert len(await audited(sessions, "practitioner-added")) == 2
    again = await read(sessions, admin, tmp_path, *lines)
    assert await differences(sessions, again) == []


async def test_what_is_left_out_changes_nothing(sessions: Sessions, cast: Cast, admin: Actor, tmp_path: Path) -> None:
    await renumber(sessions, cast.oncall, "10100000001")
    kept = await read(sessions, admin, tmp_path, line("10100000001", "AUTRE", "Paul"), line("10100000006", "X", "Y"))
    assert await decide(sessions, admin, kept, Decision.REJECTED) == 2
    assert (await practitioner_of(sessions, cast.oncall)).family == "Girard"
    async with transaction(sessions, admin) as session:
        assert not (await differences_of(session, kept, kind=None)).shown


async def test_who_changed_meanwhile_is_passed_over(
    sessions: Sessions, cast: Cast, admin: Actor, tmp_path: Path
) -> None:
    await renumber(sessions, cast.oncall, "10100000001")
    kept = await read(sessions, admin, tmp_path, line("10100000001", "AUTRE", "Paul"), line("10100000006", "X", "Y"))
    async with transaction(sessions) as session:
        (await session.get_one(Practitioner, cast.oncall.practitioner_id)).prefix = "Pr"
        session.add(Practitioner(family="X", given="Y", registration_number="10100000006"))
    assert await decide(sessions, admin, kept, Decision.ACCEPTED) == 0
    assert (await practitioner_of(sessions, cast.oncall)).family == "Girard"


async def test_who_also_works_elsewhere_is_passed_over(
    sessions: Sessions, cast: Cast, admin: Actor, tmp_path: Path
) -> None:
    """Else whoever gives somebody a role could call them something else in every establishment."""
    await renumber(sessions, cast.oncall, "10100000001")
    kept = await read(sessions, admin, tmp_path, line("10100000001", "AUTRE", "Paul"))
    async with transaction(sessions) as session:
        session.add(
            PractitionerRole(
                practitioner_id=cast.oncall.practitioner_id,
                organization_id=cast.organizations["provincial"].id,
                code=RoleCode.SPECIALIST,
            )
        )
    assert await decide(sessions, admin, kept, Decision.ACCEPTED) == 0
    assert (await practitioner_of(sessions, cast.oncall)).family == "Girard"


async def test_only_the_newest_extract_is_decided_on(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    first = await read(sessions, admin, tmp_path, line("10100000006", "SAVARD", "Éric"))
    await read(sessions, admin, tmp_path, line("10100000006", "SAVARD", "Éric"))
    with pytest.raises(Refused):
        await decide(sessions, admin, first, Decision.ACCEPTED)


async def test_others_imports_are_not_there(
    sessions: Sessions, cast: Cast, admin: Actor, admin_elsewhere: Actor, tmp_path: Path
) -> None:
    kept = await read(sessions, admin, tmp_path, line("10100000006", "SAVARD", "Éric"))
    for actor in (admin_elsewhere, cast.coordinator, cast.operator):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await import_here(session, actor, kept.id)
        with pytest.raises(NotFound):
            await decide(sessions, actor, kept, Decision.ACCEPTED)
    async with transaction(sessions, admin_elsewhere) as session:
        assert not await imports_here(session, admin_elsewhere)
    with pytest.raises(NotFound):
        await read(sessions, replace(cast.rural), tmp_path, line("10100000006", "SAVARD", "Éric"))


async def test_fifty_thousand_lines_come_page_by_page(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    lines = (line(f"101{number:08}", f"NOM {number}", "Prénom") for number in range(50_000))
    kept = await read(sessions, admin, tmp_path, *lines)
    async with transaction(sessions, admin) as session:
        first = await differences_of(session, kept, kind=K.NEW)
        assert first.next_after == "10100000049"
        second = await differences_of(session, kept, kind=K.NEW, after=first.next_after)
    assert [one.registration_number for one in second.shown[:2]] == ["10100000050", "10100000051"]
    assert await reload(sessions, DirectoryImport, kept.id)


@pytest.mark.parametrize(
    "name", ["L’Heureux-Đặng", "  DE  LA   TOUR ", "Søren Łukasz", "Cœur-Æsir", "Nguyễn Thị", "D'Arc", "Œuvrard", "ﬁn"]
)
async def test_the_database_compares_names_as_we_do(sessions: Sessions, name: str) -> None:
    async with transaction(sessions) as session:
        session.add(Practitioner(family=name, given="x", registration_number="1"))
        await session.flush()
        assert await session.scalar(select(folded(Practitioner.family))) == fold(name)
