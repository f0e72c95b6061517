"""A file held against our mailboxes: what is new, changed, deleted and missing, and nothing taken by itself."""

from pathlib import Path

import pytest

from teleconsult.accounts import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.mailboxes import importing
from teleconsult.directory.mailboxes.importing import cancel_import, mailbox_import_for, start_import
from teleconsult.directory.mailboxes.jobs import begin_deciding, decide, read_import
from teleconsult.directory.mailboxes.models import (
    ImportStatus,
    MailboxDecision,
    MailboxDifferenceKind,
    MailboxImport,
    MailboxSource,
)
from teleconsult.directory.mailboxes.reviewing import (
    counts_of,
    decide_differences,
    decide_lot,
    last_refresh,
    mailbox_imports,
)
from teleconsult.errors import NotFound, Refused
from teleconsult.objects import Objects, open_store
from tests.people import Cast
from tests.teleconsult.directory.mailboxes.files import (
    FINESS,
    RPPS,
    bundle,
    extract,
    ndjson,
    organization,
    person_line,
    practitioner,
    role,
    telecom,
)
from tests.teleconsult.directory.mailboxes.steps import brought, directory, started, taken, waiting
from tests.teleconsult.directory.steps import audited

K = MailboxDifferenceKind
PEOPLE = [
    practitioner(RPPS, telecom("jm@medecin.mssante.fr")),
    organization(FINESS, telecom("app@chru.mssante.fr", "APP"), telecom("neuro@chru.mssante.fr", "ORG")),
    role(RPPS, FINESS, telecom("jm@chru.mssante.fr")),
]


async def test_nothing_counts_before_somebody_says_so(
    sessions: Sessions, admin: Actor, admin_elsewhere: Actor, tmp_path: Path
) -> None:
    kept = await brought(sessions, admin, tmp_path, bundle(PEOPLE))
    assert (kept.status, kept.listed, kept.bytes_read) == (ImportStatus.READY, 4, kept.size)
    assert not await directory(sessions)
    found = await waiting(sessions, kept)
    assert {kind for kind, _address in found} == {"added"}
    with pytest.raises(NotFound):
        await taken(sessions, admin_elsewhere, kept)
    one = found["added", "jm@chru.mssante.fr"]
    async with transaction(sessions, admin) as session:
        assert (
            await decide_differences(
                session, admin, import_id=kept.id, difference_ids=[one.id], decision=MailboxDecision.ACCEPTED
            )
            == 1
        )
    assert set(await directory(sessions)) == {"jm@chru.mssante.fr"}
    assert await taken(sessions, admin, kept, decision=MailboxDecision.REJECTED) == 3
    ours = (await directory(sessions))["jm@chru.mssante.fr"]
    assert (ours.owner, ours.structure_number, ours.is_secure, ours.source) == (
        *("Dr Jean-Marie Dupont", FINESS, True), MailboxSource.FHIR,
    )  # fmt: skip
    async with transaction(sessions) as session:
        assert await counts_of(session, kept) == {(K.ADDED, MailboxDecision.ACCEPTED): 1,
                                                  (K.ADDED, MailboxDecision.REJECTED): 3}  # fmt: skip
        assert await last_refresh(session, kept.organization_id) == kept.finished_at
    assert [event.detail["number"] for event in await audited(sessions, "mailboxes-decided")] == [1, 3]


async def test_the_second_file_says_only_what_differs(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    await taken(sessions, admin, await brought(sessions, admin, tmp_path, ndjson(PEOPLE)))
    moved = [
        practitioner(RPPS, telecom("jm@medecin.mssante.fr", red=True)),
        organization(FINESS, telecom("app@chru.mssante.fr", "APP")),
        role(RPPS, FINESS, telecom("jm@chru.mssante.fr")),
        organization("690012345", telecom("app@lyon.mssante.fr", "APP")),
    ]
    partial = await brought(sessions, admin, tmp_path, ndjson(moved), whole=False)
    expected = {("added", "app@lyon.mssante.fr"), ("changed", "jm@medecin.mssante.fr")}
    assert set(await waiting(sessions, partial)) == expected
    whole = await brought(sessions, admin, tmp_path, ndjson(moved))
    assert set(await waiting(sessions, whole)) == {*expected, ("disappeared", "neuro@chru.mssante.fr")}
    assert not await waiting(sessions, partial), "what waited of the earlier file is gone"
    with pytest.raises(Refused):
        await taken(sessions, admin, partial)
    await taken(sessions, admin, whole, K.CHANGED)
    assert (await directory(sessions))["jm@medecin.mssante.fr"].is_red_listed
    assert (await directory(sessions))["neuro@chru.mssante.fr"].is_active, "missing is not deleted"
    await taken(sessions, admin, whole, K.DISAPPEARED)
    assert not (await directory(sessions))["neuro@chru.mssante.fr"].is_active
    again = await brought(sessions, admin, tmp_path, ndjson(PEOPLE))
    assert ("changed", "neuro@chru.mssante.fr") in await waiting(sessions, again), "it is back"


async def test_what_the_directory_deleted_is_proposed(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    await taken(sessions, admin, await brought(sessions, admin, tmp_path, bundle(PEOPLE)))
    delta = [{**practitioner(RPPS), "active": False, "telecom": []}]
    kept = await brought(sessions, admin, tmp_path, bundle(delta), whole=False)
    assert set(await waiting(sessions, kept)) == {
        ("deleted", "jm@medecin.mssante.fr"),
        ("deleted", "jm@chru.mssante.fr"),
    }
    await taken(sessions, admin, kept)
    ours = await directory(sessions)
    assert {one.address for one in ours.values() if one.is_active} == {"app@chru.mssante.fr", "neuro@chru.mssante.fr"}


async def test_a_change_found_against_other_details_is_left(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    await taken(sessions, admin, await brought(sessions, admin, tmp_path, extract(person_line("a@b.mssante.fr"))))
    kept = await brought(sessions, admin, tmp_path, extract(person_line("a@b.mssante.fr", family="MARTIN")))
    async with transaction(sessions) as session:
        ours = await session.get_one(type((await directory(sessions))["a@b.mssante.fr"]),
                                     (await directory(sessions))["a@b.mssante.fr"].id)  # fmt: skip
        ours.service = "Changed meanwhile"
    assert await taken(sessions, admin, kept) == 0
    assert (await directory(sessions))["a@b.mssante.fr"].family == "Dupont"


async def test_the_same_twice_is_one_and_said_where_it_differs(
    sessions: Sessions, admin: Actor, tmp_path: Path
) -> None:
    lines = [person_line("a@b.mssante.fr"), person_line("a@b.mssante.fr"), person_line("a@b.mssante.fr", family="X")]
    kept = await brought(sessions, admin, tmp_path, extract(*lines, person_line("nobody")))
    assert (kept.listed, kept.refused_count, len(await waiting(sessions, kept))) == (3, 2, 1)


async def test_a_reading_that_is_stopped_writes_no_more(
    sessions: Sessions, admin: Actor, admin_elsewhere: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle: what was found before is not decided on, and a worker that comes again does nothing."""
    objects = Objects(open_store(None, tmp_path))
    content = extract(*(person_line(f"a{number}@b.mssante.fr") for number in range(2500)))
    kept = await started(sessions, admin, objects, content, whole=True)
    with pytest.raises(Refused):
        await started(sessions, admin, objects, content, whole=True)
    with pytest.raises(NotFound):
        async with transaction(sessions, admin_elsewhere) as session:
            await cancel_import(session, admin_elsewhere, import_id=kept.id)
    lots = 0
    take = importing.take_lot

    async def watched(session: object, *args: object, **more: object) -> bool:
        nonlocal lots
        lots += 1
        if lots == 2:
            async with transaction(sessions, admin) as other:
                await cancel_import(other, admin, import_id=kept.id)
        return await take(session, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("teleconsult.directory.mailboxes.jobs.take_lot", watched)
    await read_import(sessions, objects, kept.id)
    monkeypatch.undo()
    async with transaction(sessions) as session:
        over = await session.get_one(MailboxImport, kept.id)
        assert (over.status, over.listed) == (ImportStatus.CANCELLED, 1000)
    with pytest.raises(Refused):
        await taken(sessions, admin, kept)
    await read_import(sessions, objects, kept.id)
    with pytest.raises(Refused):
        async with transaction(sessions, admin) as session:
            await cancel_import(session, admin, import_id=kept.id)
    assert len(await audited(sessions, "mailboxes-read-cancelled")) == 1


async def test_a_worker_that_died_begins_anew(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    objects = Objects(open_store(None, tmp_path))
    content = extract(*(person_line(f"a{number}@b.mssante.fr") for number in range(1500)))
    kept = await started(sessions, admin, objects, content, whole=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("teleconsult.directory.mailboxes.jobs.finish", None)
        with pytest.raises(TypeError):
            await read_import(sessions, objects, kept.id)
    await read_import(sessions, objects, kept.id)
    async with transaction(sessions) as session:
        again = await session.get_one(MailboxImport, kept.id)
        assert (again.status, again.listed) == (ImportStatus.READY, 1500)
        assert await counts_of(session, again) == {(K.ADDED, MailboxDecision.PENDING): 1500}


async def test_all_of_a_kind_is_taken_by_the_worker(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    content = extract(*(person_line(f"a{number}@b.mssante.fr") for number in range(1200)))
    kept = await brought(sessions, admin, tmp_path, content)
    async with transaction(sessions, admin) as session:
        assert (
            await begin_deciding(session, admin, import_id=kept.id, kind=K.ADDED, decision=MailboxDecision.ACCEPTED)
            == 1200
        )
        with pytest.raises(Refused):
            await begin_deciding(
                session, admin, import_id=kept.id, kind=K.DISAPPEARED, decision=MailboxDecision.ACCEPTED
            )
    assert decide.name == "decide_mailboxes"
    assert admin.role_id
    decided: list[int] = []
    while not decided or decided[-1]:
        async with transaction(sessions) as session:
            decided.append(await decide_lot(
                session, import_id=kept.id, kind=K.ADDED, decision=MailboxDecision.ACCEPTED, role_id=admin.role_id
            ))  # fmt: skip
    assert decided == [1000, 200, 0]
    assert len(await directory(sessions)) == 1200


async def test_a_file_that_cannot_be_read_says_so(sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    kept = await brought(sessions, admin, tmp_path, bundle(PEOPLE)[:-20])
    assert kept.status is ImportStatus.FAILED
    assert kept.reason.endswith(".")
    with pytest.raises(Refused):
        await taken(sessions, admin, kept)


async def test_only_administrators_bring_files(cast: Cast, sessions: Sessions, admin: Actor, tmp_path: Path) -> None:
    kept = await brought(sessions, admin, tmp_path, bundle(PEOPLE))
    for actor in (cast.coordinator, cast.specialist, cast.rural):
        async with transaction(sessions, actor) as session:
            with pytest.raises(NotFound):
                await mailbox_imports(session, actor)
            with pytest.raises(NotFound):
                await mailbox_import_for(session, actor, kept.id)
            with pytest.raises(NotFound):
                await start_import(
                    session,
                    actor,
                    file_name="x",
                    source=MailboxSource.FHIR,
                    object_key="x",
                    sha256=b"",
                    size=1,
                    is_whole=True,
                )
