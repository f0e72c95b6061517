"""An installation from its backup: into an empty data folder, by whoever holds the secret key.

Every file is held against its manifest while it is opened. Nothing is taken on trust: `proving` reads it all.
"""

import asyncio
import base64
import gzip
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import obstore

from teleconsult.audit.checkpoints import days_in, folder_of, lines_in
from teleconsult.backups.installation import unpack_keys
from teleconsult.backups.making import AUDIT, IN_MEMORY, RESTORED
from teleconsult.backups.manifests import Checked, Manifest, check, is_base_whole, moment_of_base, plain
from teleconsult.backups.places import Hashed
from teleconsult.backups.recovering import LOG, recover
from teleconsult.backups.segments import missing_between
from teleconsult.backups.vault import BackupRefused, Unopened, unseal
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

SUFFIX_OF_LOG: Final = ".gz.age"
UNFINISHED: Final = ".restoring"
"""Folder within the data folder, while it is not whole: the same file system, also where that is one of its own."""
SET_ASIDE: Final = "beyond-restore.txt"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back: the last commit's moment, segments of log, objects, bytes of the backup.

    `erased`: keys of objects that were gone when the backup was last made; those that no row names go again.
    """

    made_at: str
    reached: str
    segments: int
    objects: int
    size: int
    erased: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Source:
    root: Path
    files: dict[str, tuple[int, str]]
    identities: Sequence[Any]

    def open_into(self, name: str, plain: Any) -> None:
        """Raises BackupRefused where the file is not the one that was put there, or opens not with this key."""
        with (self.root / name).open("rb") as file:
            hashed = Hashed(file)
            try:
                buffered = io.BufferedReader(hashed, 1024 * 1024)  # type: ignore[type-var]  # as in `making`
                unseal(buffered, plain, self.identities)
            except Unopened as error:
                raise BackupRefused(f"{name} does not open with this key.") from error
            while hashed.read(1024 * 1024):
                pass
        if (hashed.size, hashed.digest.hexdigest()) != self.files[name]:
            raise BackupRefused(f"{name} was changed since it was put there.")

    def content(self, name: str) -> bytes:
        """Of a small one."""
        out = io.BytesIO()
        self.open_into(name, out)
        return out.getvalue()


def restore(settings: Settings, root: Path, identities: Sequence[Any], *, until: datetime | None = None) -> Restored:
    """Bring the newest state back, or that of a moment, where a base backup before it is there.

    Raises BackupRefused for a data folder or a store that is not empty, and for a backup that is not whole or opens
    not. What a failed one leaves is no installation: nothing stands where one would look for it.
    """
    shutil.rmtree(settings.data / UNFINISHED, ignore_errors=True)
    require_empty(settings)
    checked = check(root, reads=False)
    if checked.faults:
        raise BackupRefused(checked.faults[0])
    base, manifest = _state_of(checked, until)
    source = _Source(root, checked.files, identities)
    whole, settings = settings.data, settings.model_copy(update={"data": settings.data / UNFINISHED})
    settings.data.mkdir(parents=True, mode=0o700)
    unpack_keys(source.content(manifest.keys), settings.data, folder_of(settings))
    cluster = settings.data / "postgresql"
    _unpack_base(source, base, cluster)
    segments = _unpack_log(source, base, manifest, cluster / LOG)
    _unpack_checkpoints(source, manifest.chain, folder_of(settings))
    objects = asyncio.run(_unpack_objects(source, settings))
    with tempfile.TemporaryDirectory() as sockets:  # PostgreSQL takes no path of more than 107 bytes
        reached = recover(cluster, Path(sockets), until=until.isoformat() if until else "")
    shutil.rmtree(cluster / LOG)
    _keep_manifests(checked, root, settings.data / "backup" / RESTORED)
    _move_up(settings.data, whole)
    erased = frozenset(key for one in checked.manifests for key in one.erased)
    return Restored(manifest.made_at, reached, segments, objects, checked.size, erased)


def _keep_manifests(checked: Checked, root: Path, folder: Path) -> None:
    """What is held there already need not be sent again."""
    folder.mkdir(parents=True, mode=0o700)
    for manifest in checked.manifests:
        shutil.copyfile(root / manifest.name, folder / Path(manifest.name).name)


def require_empty(settings: Settings) -> None:
    """Nothing is ever put over something. Raises BackupRefused."""
    data = settings.data
    if data.exists() and any(data.iterdir()):
        raise BackupRefused(f"{data} is not empty: restore into a new data folder (TELECONSULT_DATA).")
    if settings.objects_url and any(obstore.list(open_store(settings.objects_url, data), chunk_size=1)):
        raise BackupRefused("The store is not empty: restore into a new one (TELECONSULT_OBJECTS_URL).")


def _move_up(unfinished: Path, data: Path) -> None:
    """All of it to its place; the database last, without which it is no installation."""
    for path in sorted(unfinished.iterdir(), key=lambda path: path.name == "postgresql"):
        path.rename(data / path.name)
    unfinished.rmdir()


def set_aside_later_checkpoints(folder: Path, last: int) -> int:
    """Take away checkpoints that are newer than the log that was restored, and keep them beside; how many.

    They vouch for acts that are not there any more: kept among the others, the log would rightly look cut.
    """
    moved = 0
    for path in days_in(folder):
        lines = list(lines_in([path]))
        kept = [line for line in lines if _number_of(line) <= last]
        later = lines[len(kept) :]
        if not later:
            continue
        with (folder / SET_ASIDE).open("a", encoding="utf-8") as aside:
            aside.writelines(f"{line}\n" for line in later)
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        if not kept:
            path.unlink()
        moved += len(later)
    return moved


def _number_of(line: str) -> int:
    """Of a checkpoint; whether it was signed by whom it should is `audit verify`'s to say."""
    payload = line.split(".")[1]
    return int(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["number"])


def _state_of(checked: Checked, until: datetime | None) -> tuple[str, Manifest]:
    """The base to begin with, and the manifest that says how far its log goes."""
    newest = checked.manifests[-1]
    if until is None:
        return newest.base, newest
    bases = {one.base: one for one in checked.manifests if moment_of_base(one.base) < until}
    bases = {base: one for base, one in bases.items() if is_base_whole(checked, base)}
    if not bases:
        raise BackupRefused("No base backup is that old.")
    base = max(bases)
    return base, [one for one in checked.manifests if one.chain == bases[base].chain][-1]


def _unpack_base(source: _Source, base: str, cluster: Path) -> None:
    cluster.mkdir(mode=0o700, parents=True)
    pieces = sorted(name for name in source.files if name.startswith(f"{base}/"))
    with tempfile.TemporaryFile(dir=cluster.parent) as packed:
        for name in pieces:
            source.open_into(name, packed)
        packed.seek(0)
        with tarfile.open(fileobj=packed, mode="r:gz") as tar:
            tar.extractall(cluster, filter="data")
    cluster.chmod(0o700)
    for name in ("postmaster.pid", ".handle_pids.json", "standby.signal"):
        (cluster / name).unlink(missing_ok=True)


def _unpack_log(source: _Source, base: str, manifest: Manifest, folder: Path) -> int:
    first, last = base.rsplit("-", 1)[1], manifest.wal
    names = {plain(name)[4 : -len(SUFFIX_OF_LOG)]: name for name in source.files if name.startswith("wal/")}
    held = {segment: name for segment, name in names.items() if first <= segment <= last and segment[:8] == first[:8]}
    missing = missing_between(first, last, held)
    if missing:
        raise BackupRefused(f"{len(missing)} segments of the log are missing.")
    folder.mkdir(mode=0o700)
    for segment, name in held.items():
        with (folder / segment).open("wb") as out:
            _gunzip(source, name, out)
    return len(held)


def _gunzip(source: _Source, name: str, out: IO[bytes]) -> None:
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as packed:
        source.open_into(name, packed)
        packed.seek(0)
        with gzip.GzipFile(fileobj=packed, mode="rb") as plain:
            shutil.copyfileobj(plain, out, 1024 * 1024)


def _unpack_checkpoints(source: _Source, chain: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in sorted(source.files):
        piece = AUDIT.fullmatch(plain(name))
        if piece is None or piece["chain"] != chain:
            continue
        path = folder / piece["day"]
        if (path.stat().st_size if path.exists() else 0) != int(piece["start"]):
            raise BackupRefused(f"{name} does not go on where the piece before it ended.")
        with path.open("ab") as out:
            out.write(source.content(name))


async def _unpack_objects(source: _Source, settings: Settings) -> int:
    objects = Objects(open_store(settings.objects_url, settings.data))
    names = {plain(name): name for name in source.files if name.startswith("objects/")}
    for key, name in names.items():
        with tempfile.NamedTemporaryFile(dir=settings.data) as opened:
            await asyncio.to_thread(source.open_into, name, opened)
            opened.flush()
            await objects.put(key.removeprefix("objects/").removesuffix(".age"), Path(opened.name))
    return len(names)
