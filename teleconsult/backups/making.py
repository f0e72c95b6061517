"""One run of the backup: what is not held yet, sealed, in an order in which the whole can be brought back.

First the log is closed: that is the moment a restore leads to. Then come the objects (each was written before the
commit that names it), the checkpoints (never behind the log they vouch for), the keys, and last the manifest, without
which nothing of the run counts.
"""

import asyncio
import gzip
import hashlib
import io
import re
import shutil
import tempfile
from collections.abc import Collection
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
from teleconsult.backups.manifests import FOLDER, Manifest, hash_of, moment_of_base, read_manifest, stamp_of
from teleconsult.backups.places import Hashed, Place
from teleconsult.backups.segments import SEGMENT
from teleconsult.backups.vault import recipients_in, seal
from teleconsult.clock import now
from teleconsult.settings import Settings

BASE_EVERY: Final = timedelta(days=7)
PIECE: Final = 64 * 1024 * 1024
"""Bytes of a base backup in one file."""
IN_MEMORY: Final = 8 * 1024 * 1024
AUDIT: Final = re.compile(r"audit/(?P<chain>[^/]+)/(?P<day>[^/]+)/(?P<start>\d+)-(?P<end>\d+)\.age")


@dataclass(frozen=True, slots=True)
class Task:
    """What is copied, where to, and what stands there already. `url` is the role's that may copy the database."""

    settings: Settings
    store: ObjectStore
    url: str
    place: Place
    held: Collection[str]
    wants_base: bool = False


@dataclass(slots=True)
class _Run:
    task: Task
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, name: str, content: IO[bytes]) -> None:
        """Seal it, and hand it over."""
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(_folder(self.task.settings, "tmp"))) as sealed:
            seal(content, sealed, recipients_in(self.task.settings.backup_recipients))
            size = sealed.tell()
            sealed.seek(0)
            hashed = Hashed(sealed)
            buffered = io.BufferedReader(hashed, 1024 * 1024)  # type: ignore[type-var]  # it needs no name of its own
            self.task.place.put(name, buffered, size)
            assert hashed.size == size
            self.files[name] = (size, hashed.digest.hexdigest())


def make_backup(task: Task) -> Manifest:
    """Add what is new. Raises `database.DatabaseRefused`, psycopg.Error, OSError; nothing counts then."""
    run, settings, moment = _Run(task), task.settings, now()
    kept = _folder(settings, FOLDER)
    earlier = [one for one in map(read_manifest, sorted(kept.glob("*.json"))) if one.name in task.held]
    last = earlier[-1] if earlier else None
    chain = last.chain if last else stamp_of(moment)
    base, until = _add_database(run, last.base if last else "", moment)
    objects, erased = asyncio.run(_add_objects(run))
    ends = _checkpoints_held(task.held, chain)
    for day, start, content in checkpoint_pieces(settings, ends):
        run.add(f"audit/{chain}/{day}/{start:012}-{start + len(content):012}.age", io.BytesIO(content))
    keys = keys_of(settings)
    keys_name = f"keys/{hashlib.sha256(keys).hexdigest()[:24]}.tar.age"
    if keys_name not in task.held:
        run.add(keys_name, io.BytesIO(keys))
    manifest = Manifest(
        name=f"{FOLDER}/{stamp_of(moment)}.json",
        chain=chain,
        made_at=moment.isoformat(),
        version=version("teleconsult"),
        base=base,
        wal=until,
        keys=keys_name,
        objects=objects,
        previous=hash_of((settings.data / "backup" / last.name).read_bytes()) if last else "",
        erased=sorted(erased - {key for one in earlier for key in one.erased}),
        files=run.files,
    )
    content = manifest.to_bytes()
    (settings.data / "backup" / manifest.name).write_bytes(content)
    task.place.put(manifest.name, io.BytesIO(content), len(content))
    return manifest


def _add_database(run: _Run, base: str, moment: datetime) -> tuple[str, str]:
    """The base backup that counts, and the last segment of the log after it."""
    task, spool = run.task, _folder(run.task.settings, "wal")
    with database.connect(task.url) as connection:
        _let_go(connection, spool, task.held)
        is_due = task.wants_base or not base or moment - moment_of_base(base) > BASE_EVERY
        if not database.has_slot(connection):
            shutil.rmtree(spool)
            database.make_slot(connection)
            is_due = True
        if is_due:
            base = _add_base(run, connection, moment)
        until = database.close_segment(connection)
        for segment in database.fetch_log(task.url, until, spool):
            if f"wal/{segment}.gz.age" not in task.held:
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
    task, seen = run.task, set[str]()
    async for found in obstore.list(task.store, chunk_size=500):
        for meta in found:
            seen.add(meta["path"])
            if f"objects/{meta['path']}.age" not in task.held:
                await _add_object(run, meta["path"])
    held = {name.removeprefix("objects/").removesuffix(".age") for name in task.held if name.startswith("objects/")}
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
