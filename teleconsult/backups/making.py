"""One run of the backup: what is not held yet, sealed, in an order in which the whole can be brought back.

First the log is closed: that is the moment a restore leads to. Then come the objects (each was written before the
commit that names it), the checkpoints (never behind the log they vouch for), the keys, and last the manifest, without
which nothing of the run counts. What a run that was broken off left there is no use, and not to be relied on: nobody
knows whether it is whole. It is sent again, under a name of its own.
"""

import asyncio
import fcntl
import gzip
import hashlib
import io
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final

import obstore
import psycopg
from obstore.store import ObjectStore

from teleconsult.backups import database
from teleconsult.backups.installation import checkpoint_pieces, keys_of
from teleconsult.backups.manifests import (
    AGAIN,
    FOLDER,
    Manifest,
    hash_of,
    moment_of_base,
    plain,
    read_manifest,
    stamp_of,
)
from teleconsult.backups.places import Hashed, Place
from teleconsult.backups.segments import SEGMENT
from teleconsult.backups.vault import BackupRefused, recipients_in, seal
from teleconsult.clock import now
from teleconsult.settings import Settings

BASE_EVERY: Final = timedelta(days=7)
PIECE: Final = 64 * 1024 * 1024
"""Bytes of a base backup in one file."""
RESTORED: Final = "restored"
"""Folder of the manifests that this installation was restored from."""
IN_MEMORY: Final = 8 * 1024 * 1024
AUDIT: Final = re.compile(r"audit/(?P<chain>[^/]+)/(?P<day>[^/]+)/(?P<start>\d+)-(?P<end>\d+)\.age")


@dataclass(frozen=True, slots=True)
class Task:
    """What is copied, where to, and which names are taken there. `url` is the role's that may copy the database."""

    settings: Settings
    store: ObjectStore
    url: str
    place: Place
    held: Collection[str]
    wants_base: bool = False


@dataclass(slots=True)
class _Run:
    task: Task
    stamp: str
    held: dict[str, str]
    """What need not be handed over again: those files that a manifest names, by their plain names."""
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, name: str, content: IO[bytes]) -> str:
        """Seal it, and hand it over; under which name."""
        name = f"{name}{AGAIN}{self.stamp}" if name in self.task.held else name
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(_folder(self.task.settings, "tmp"))) as sealed:
            seal(content, sealed, recipients_in(self.task.settings.backup_recipients))
            size = sealed.tell()
            sealed.seek(0)
            hashed = Hashed(sealed)
            buffered = io.BufferedReader(hashed, 1024 * 1024)  # type: ignore[type-var]  # it needs no name of its own
            self.task.place.put(name, buffered, size)
            assert hashed.size == size
            self.files[name] = (size, hashed.digest.hexdigest())
        return name


def make_backup(task: Task) -> Manifest:
    """Add what is new. Raises BackupRefused, `DatabaseRefused`, psycopg.Error, OSError; nothing counts then."""
    settings, moment = task.settings, now()
    with _alone(settings):
        earlier = _manifests_held(settings, FOLDER, task.held)
        known = [*_manifests_held(settings, RESTORED, task.held), *earlier]
        held = {plain(name): name for one in known for name in one.files if name in task.held}
        return _make(_Run(task, stamp_of(moment), held), earlier, moment)


def _make(run: _Run, earlier: list[Manifest], moment: datetime) -> Manifest:
    task, settings = run.task, run.task.settings
    last = earlier[-1] if earlier else None
    chain = last.chain if last else run.stamp
    base, until = _add_database(run, last.base if last else "", moment)
    objects, erased = asyncio.run(_add_objects(run))
    ends = _checkpoints_held(run.held, chain)
    for day, start, content in checkpoint_pieces(settings, ends):
        run.add(f"audit/{chain}/{day}/{start:012}-{start + len(content):012}.age", io.BytesIO(content))
    keys = keys_of(settings)
    keys_name = f"keys/{hashlib.sha256(keys).hexdigest()[:24]}.tar.age"
    keys_held = run.held.get(keys_name) or run.add(keys_name, io.BytesIO(keys))
    manifest = Manifest(
        name=f"{FOLDER}/{run.stamp}.json",
        chain=chain,
        made_at=moment.isoformat(),
        version=version("teleconsult"),
        base=base,
        wal=until,
        keys=keys_held,
        objects=objects,
        previous=hash_of((settings.data / "backup" / last.name).read_bytes()) if last else "",
        erased=sorted(erased - {key for one in earlier for key in one.erased}),
        files=run.files,
    )
    content = manifest.to_bytes()
    (settings.data / "backup" / manifest.name).write_bytes(content)
    task.place.put(manifest.name, io.BytesIO(content), len(content))
    return manifest


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One run at a time: the first may take hours, and another begins each five minutes. Raises BackupRefused."""
    with (_folder(settings, "") / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused("Another run of the backup is under way.") from None
        yield


def _manifests_held(settings: Settings, folder: str, held: Collection[str]) -> list[Manifest]:
    """Those whose runs came to their end, oldest first."""
    found = map(read_manifest, sorted(_folder(settings, folder).glob("*.json")))
    return [one for one in found if one.name in held]


def _add_database(run: _Run, base: str, moment: datetime) -> tuple[str, str]:
    """The base backup that counts, and the last segment of the log after it."""
    task, spool = run.task, _folder(run.task.settings, "wal")
    with database.connect(task.url) as connection:
        _let_go(connection, spool, run.held)
        is_due = task.wants_base or not base or moment - moment_of_base(base) > BASE_EVERY
        if not database.has_slot(connection):
            shutil.rmtree(spool)
            database.make_slot(connection)
            is_due = True
        if is_due:
            base = _add_base(run, connection, moment)
        until = database.close_segment(connection)
        if f"wal/{until}.gz.age" in run.held:
            return base, until  # nothing was written since
        for segment in database.fetch_log(task.url, until, spool):
            if f"wal/{segment}.gz.age" not in run.held:
                _add_segment(run, spool / segment)
    return base, until


def _checkpoints_held(held: Collection[str], chain: str) -> dict[str, int]:
    ends: dict[str, int] = {}
    for name in held:
        found = AUDIT.fullmatch(name)
        if found and found["chain"] == chain:
            ends[found["day"]] = max(ends.get(found["day"], 0), int(found["end"]))
    return ends


def _let_go(connection: psycopg.Connection, spool: Path, held: Collection[str]) -> None:
    """What was handed over by an earlier run, and is there, need not be kept here any longer."""
    there = sorted(
        path.name for path in spool.iterdir() if SEGMENT.fullmatch(path.name) and f"wal/{path.name}.gz.age" in held
    )
    for segment in there:
        (spool / segment).unlink()
    if there:
        database.forget_until(connection, there[-1])


def _add_base(run: _Run, connection: psycopg.Connection, moment: datetime) -> str:
    name = f"base/{stamp_of(moment)}-{database.current_segment(connection)}"
    with database.base_backup(run.task.url) as stream:
        number = 0
        while piece := stream.read(PIECE):
            run.add(f"{name}/{number:05}.age", io.BytesIO(piece))
            number += 1
    return name


def _add_segment(run: _Run, path: Path) -> None:
    with path.open("rb") as file, tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as packed:
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as out:
            shutil.copyfileobj(file, out, 1024 * 1024)
        packed.seek(0)
        run.add(f"wal/{path.name}.gz.age", packed)


async def _add_objects(run: _Run) -> tuple[int, set[str]]:
    """How many there are, and which are no more. Those that are erased while we look are no loss: so is their row."""
    seen = set[str]()
    async for found in obstore.list(run.task.store, chunk_size=500):
        for meta in found:
            seen.add(meta["path"])
            if f"objects/{meta['path']}.age" not in run.held:
                await _add_object(run, meta["path"])
    held = {name.removeprefix("objects/").removesuffix(".age") for name in run.held if name.startswith("objects/")}
    return len(seen), held - seen


async def _add_object(run: _Run, key: str) -> None:
    try:
        answer = await obstore.get_async(run.task.store, key)
    except FileNotFoundError:
        return
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(_folder(run.task.settings, "tmp"))) as plain:
        async for piece in answer.stream(min_chunk_size=1024 * 1024):
            plain.write(bytes(piece))
        plain.seek(0)
        await asyncio.to_thread(run.add, f"objects/{key}.age", plain)


def _folder(settings: Settings, name: str) -> Path:
    path = settings.data / "backup" / name
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
