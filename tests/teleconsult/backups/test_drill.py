"""The restore drill: an installation of its own is lost and comes back, from what another machine holds of it.

One cluster, one backup, read again and again: what is costly happens once.
"""

import asyncio
import fcntl
import io
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import func, select

from migrations import migrate
from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.checkpointing import make_checkpoint
from teleconsult.audit.checkpoints import folder_of
from teleconsult.audit.models import AuditEvent
from teleconsult.backups.installation import unpack_keys
from teleconsult.backups.making import Task, make_backup
from teleconsult.backups.manifests import FOLDER, Manifest, check
from teleconsult.backups.places import Folder, Stream, names_in
from teleconsult.backups.proving import prove
from teleconsult.backups.pruning import prune
from teleconsult.backups.restoring import SET_ASIDE, UNFINISHED, restore
from teleconsult.backups.vault import BackupRefused, make_identity, read_identities
from teleconsult.clock import now
from teleconsult.db import make_engine, make_sessions, transaction
from teleconsult.documents.press import Press
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from teleconsult.notes.checking import check_paths
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, new_key, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import note_steps
from tests.people import SECRET, make_cast


@dataclass
class Lost:
    """What there was, and what is left: a folder on the other machine and a key in a drawer."""

    settings: Settings
    root: Path
    key: Path
    first: Manifest
    second: Manifest
    between: datetime
    notes: dict[str, bytes]
    pdf: bytes
    erased: str
    kept: str
    events: int
    stream: list[str]


class BreaksOff(Folder):
    """Takes everything but what says that it is there."""

    def put(self, name: str, content: IO[bytes], size: int) -> None:
        """Until the end."""
        if name.startswith(FOLDER):
            raise OSError("the line broke")
        super().put(name, content, size)


def backed_up(
    settings: Settings, urls: DatabaseUrls, root: Path, *, to: type[Folder] = Folder, wants_base: bool = False
) -> Manifest:
    store = open_store(None, settings.data)
    held = frozenset(names_in(root))
    return make_backup(Task(settings, store, urls.backup, to(root), held, wants_base))


@pytest.fixture(scope="module")
def apart() -> Iterator[Path]:
    """A folder that the server's own user can reach, whatever other test runs do to theirs meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="teleconsult-drill-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
async def lost(apart: Path) -> AsyncIterator[Lost]:
    """Two signed notes, the second after the first run of the backup; an object that was erased meanwhile. Of a run
    between them that was broken off much is there, cut or whole: nobody knows.
    """
    key, root = apart / "offline.key", apart / "backup"
    settings = Settings(data=apart / "data", secret_key=SECRET, backup_recipients=make_identity(key))
    with embedded_postgresql(settings.data) as urls:
        await asyncio.to_thread(migrate, urls.owner)
        engine, press = make_engine(urls.app), Press()
        sessions = make_sessions(engine, acting="system")
        objects = Objects(open_store(None, settings.data))
        signing = Signing(sessions, settings, objects, Sealer(SECRET), press)
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        await note_steps.enrol(sessions, settings, cast.specialist)
        erased, kept = new_key("tried"), new_key("tried")
        await objects.put(erased, b"to be erased")
        await objects.put(kept, b"to be kept")
        await note_steps.signed(cast, signing)
        await make_checkpoint(sessions, folder_of(settings))
        first = await asyncio.to_thread(backed_up, settings, urls, root)
        between = now()
        await objects.delete(erased)
        last = await note_steps.signed(cast, signing)
        await make_checkpoint(sessions, folder_of(settings))
        with pytest.raises(OSError, match="the line broke"):
            await asyncio.to_thread(backed_up, settings, urls, root, to=BreaksOff)
        named = {first.name, *first.files}
        for path in [root / name for name in names_in(root) if name not in named]:
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-10])
        second = await asyncio.to_thread(backed_up, settings, urls, root)
        out = io.BytesIO()
        stream = Stream(out)
        held = frozenset({*second.files, second.name})
        task = Task(settings, open_store(None, settings.data), urls.backup, stream, held)
        await asyncio.to_thread(make_backup, task)
        stream.close()
        out.seek(0)
        shutil.copytree(root, apart / "older")
        await asyncio.to_thread(backed_up, settings, urls, apart / "older", wants_base=True)
        async with transaction(sessions) as session:
            audit.record(session, SYSTEM, "tested")
        signed = select(Composition).where(Composition.status == CompositionStatus.FINAL)
        async with transaction(sessions) as session:
            rows = (await session.scalars(signed)).all()
            events = await session.scalar(select(func.count()).select_from(AuditEvent)) or 0
        notes = {row.pdf_object_key: row.pdf_sha256 for row in rows if row.pdf_object_key and row.pdf_sha256}
        pdf = await objects.get(str(last.note.pdf_object_key))
        await engine.dispose()
        press.close()
    with tarfile.open(fileobj=out) as sent:
        names = sent.getnames()
    yield Lost(settings, root, key, first, second, between, notes, pdf, erased, kept, events, names)


def test_a_second_run_adds_what_is_new_and_touches_nothing(lost: Lost) -> None:
    assert [name for name in lost.first.files if name.startswith("base/")]
    assert not [name for name in lost.second.files if name.startswith("base/")]
    assert f"objects/{lost.kept}.age" in lost.first.files
    assert not lost.first.files.keys() & lost.second.files.keys()
    assert lost.second.base == lost.first.base
    assert lost.second.erased == [lost.erased]
    again = [name for name in lost.second.files if "~" in name]
    assert again and all((lost.root / name.split("~")[0]).exists() for name in again), "what was cut is sent again"
    assert all((lost.root / name).stat().st_mode & 0o777 == 0o440 for name in lost.first.files)


def test_a_stream_holds_what_the_other_end_said_it_lacks(lost: Lost) -> None:
    assert [name for name in lost.stream if name.startswith("manifests/")]
    assert f"objects/{lost.kept}.age" in lost.stream, "the first run's files were not named as held"
    assert not set(lost.stream) & lost.second.files.keys()


def test_it_is_checked_without_a_key_and_says_what_is_wrong(lost: Lost, tmp_path: Path) -> None:
    found = check(lost.root)
    assert (found.faults, len(found.manifests)) == ([], 2)
    left = set(names_in(lost.root)) - found.files.keys() - {lost.first.name, lost.second.name}
    assert {name.split("/")[0] for name in left} == {"audit", "objects", "wal"}, "of a run that was broken off"
    assert found.unnamed == len(left)
    shutil.copytree(lost.root, tmp_path / "copy")
    changed, missing = tmp_path / "copy" / f"objects/{lost.kept}.age", tmp_path / "copy" / lost.second.keys
    changed.chmod(0o600)
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    missing.unlink()
    assert sorted(check(tmp_path / "copy").faults) == [
        f"{lost.second.keys}: missing",
        f"objects/{lost.kept}.age: changed",
    ]
    (tmp_path / "copy" / lost.first.name).unlink()
    assert f"{lost.second.name}: the one before it is missing or was changed" in check(tmp_path / "copy").faults


def test_nothing_of_it_can_be_read_on_the_way(lost: Lost) -> None:
    for name in names_in(lost.root):
        content = (lost.root / name).read_bytes()
        assert b"to be kept" not in content and SECRET.encode() not in content and b"%PDF-1." not in content
        if not name.startswith("manifests/"):
            assert content.startswith(b"age-encryption.org/v1\n")


def test_another_key_and_a_folder_in_use_are_refused(lost: Lost, tmp_path: Path) -> None:
    make_identity(tmp_path / "another")
    settings = Settings(data=tmp_path / "data", secret_key=SECRET)
    with pytest.raises(BackupRefused):
        restore(settings, lost.root, read_identities(tmp_path / "another"))
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    used = Settings(data=tmp_path / "used", secret_key=SECRET)
    with pytest.raises(BackupRefused):
        restore(used, lost.root, read_identities(lost.key))
    (tmp_path / "store" / "in").mkdir(parents=True)
    (tmp_path / "store" / "in" / "use").touch()
    stored = settings.model_copy(update={"objects_url": f"file://{tmp_path / 'store'}"})
    with pytest.raises(BackupRefused, match="store is not empty"):
        restore(stored, lost.root, read_identities(lost.key))
    with pytest.raises(BackupRefused):
        read_identities(lost.root / lost.first.name)
    with pytest.raises(FileExistsError):
        make_identity(lost.key)


def test_two_runs_never_go_at_the_same_time(lost: Lost) -> None:
    with (lost.settings.data / "backup" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BackupRefused, match="under way"):
            make_backup(Task(lost.settings, open_store(None, lost.settings.data), "", Folder(lost.root), ()))


@pytest.mark.parametrize("name", ["../secret-key", "/tmp/secret-key", "audit/.."])
def test_keys_go_nowhere_else(name: str, tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(BackupRefused):
        unpack_keys(out.getvalue(), tmp_path / "data", tmp_path / "audit")
    assert not list(tmp_path.iterdir())


async def test_it_comes_back_whole(lost: Lost, apart: Path, tmp_path: Path) -> None:
    settings = Settings(data=apart / "new", secret_key=SECRET)
    shutil.copytree(lost.root, apart / "rotten")
    rotten = apart / "rotten" / f"objects/{lost.kept}.age"
    rotten.chmod(0o600)
    content = rotten.read_bytes()
    rotten.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BackupRefused):
        await asyncio.to_thread(restore, settings, apart / "rotten", read_identities(lost.key))
    assert [path.name for path in settings.data.iterdir()] == [UNFINISHED], "half of it is no installation"
    came = await asyncio.to_thread(restore, settings, lost.root, read_identities(lost.key))
    objects = Objects(open_store(None, settings.data))
    assert (settings.data / "secret-key").read_text() == SECRET
    assert (settings.data / "secret-key").stat().st_mode & 0o777 == 0o600
    with embedded_postgresql(settings.data) as urls:
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        proof = await prove(sessions, settings, objects, erased=came.erased)
        assert proof.is_good, (proof.log.findings, proof.stored.found)
        assert (proof.notes, proof.erased, proof.set_aside) == (2, 1, 0)
        assert proof.stored.objects == 6, "each note: its PDF, the first of its revisions, its FHIR document"
        assert 0 < proof.log.events <= lost.events
        assert proof.log.checkpoints == 2
        async with transaction(sessions) as session:
            signed = select(Composition).where(Composition.status == CompositionStatus.FINAL)
            rows = (await session.scalars(signed)).all()
        assert {row.pdf_object_key: row.pdf_sha256 for row in rows} == lost.notes
        await engine.dispose()
    assert await objects.size_of(lost.erased) is None
    assert await objects.get(lost.kept) == b"to be kept"
    (tmp_path / "note.pdf").write_bytes(lost.pdf)
    assert lost.pdf in [await objects.get(key) for key in lost.notes]
    verdict = await asyncio.to_thread(check_paths, [tmp_path / "note.pdf"], settings.trust_folder)
    assert verdict.is_good
    with pytest.raises(BackupRefused):
        restore(settings, lost.root, read_identities(lost.key))


async def test_it_comes_back_from_what_was_pruned_and_no_further(lost: Lost, apart: Path) -> None:
    """The second base is a moment old, and leads to all that the week before it did."""
    settings, root = Settings(data=apart / "pruned", secret_key=SECRET), apart / "older"
    done = prune(root, keep=timedelta(days=1), moment=now() + timedelta(days=2))
    assert (done.bases, done.segments > 0) == (1, True)
    assert check(root).faults == []
    with pytest.raises(BackupRefused, match="No base backup is that old"):
        restore(settings, root, read_identities(lost.key), until=lost.between)
    came = await asyncio.to_thread(restore, settings, root, read_identities(lost.key))
    objects = Objects(open_store(None, settings.data))
    with embedded_postgresql(settings.data) as urls:
        engine = make_engine(urls.app)
        proof = await prove(make_sessions(engine, acting="system"), settings, objects, erased=came.erased)
        await engine.dispose()
    assert proof.is_good, (proof.log.findings, proof.stored.found)
    assert (proof.notes, await objects.get(lost.kept)) == (2, b"to be kept")


async def test_it_comes_back_as_it_was_at_a_moment(lost: Lost, apart: Path) -> None:
    settings = Settings(data=apart / "earlier", secret_key=SECRET)
    came = await asyncio.to_thread(restore, settings, lost.root, read_identities(lost.key), until=lost.between)
    with embedded_postgresql(settings.data) as urls:
        engine = make_engine(urls.app)
        proof = await prove(
            make_sessions(engine, acting="system"),
            settings,
            Objects(open_store(None, settings.data)),
            erased=came.erased,
        )
        await engine.dispose()
    assert proof.is_good, (proof.log.findings, proof.stored.found)
    assert (proof.notes, proof.set_aside) == (1, 1)
    assert (folder_of(settings) / SET_ASIDE).exists()
    with pytest.raises(BackupRefused):
        restore(
            Settings(data=apart / "none", secret_key=SECRET),
            lost.root,
            read_identities(lost.key),
            until=datetime.fromisoformat("2020-01-01T00:00:00+00:00"),
        )
