"""What one run of the backup added, and what the whole is then: names, sizes and hashes, no content.

Each names the SHA-256 of the one before it. It is plain text: a backup can be checked by who cannot open it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from teleconsult.backups.places import digest_of, names_in
from teleconsult.backups.segments import SEGMENT, missing_between
from teleconsult.backups.vault import BackupRefused

FORMAT: Final = 1
FOLDER: Final = "manifests"
PRUNED: Final = "pruned"
"""Folder that says which files were taken away on purpose (`pruning`)."""
AGAIN: Final = "~"
"""Stands between a name and what tells the file from one of that name which a run that was broken off left behind."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`base` is the name of the base backup; `wal` the last segment that counts; `keys` the file of keys.

    `files` are those this run added: bytes and SHA-256 (hexadecimal) of each, as it is kept, sealed. `erased` are keys
    of objects that were there before and are no more. A `chain` begins with an installation, and anew after a restore.
    """

    name: str
    chain: str
    made_at: str
    version: str
    base: str
    wal: str
    keys: str
    objects: int
    previous: str
    erased: list[str] = field(default_factory=list)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


def read_manifest(path: Path) -> Manifest:
    """Raises BackupRefused for what is none."""
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        told["files"] = {name: (int(size), str(digest)) for name, (size, digest) in told["files"].items()}
        found = Manifest(**told)
    except (ValueError, TypeError, KeyError) as error:
        raise BackupRefused(f"{path} is no manifest of a backup.") from error
    if found.format != FORMAT:
        raise BackupRefused(f"{path} was written by another version.")
    return found


def stamp_of(moment: datetime) -> str:
    """A moment as names have it: they sort as moments do."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S%fZ}"


def moment_of_base(base: str) -> datetime:
    """When a base backup was begun."""
    return datetime.strptime(base.split("/")[1].partition("-")[0], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)


def plain(name: str) -> str:
    """What a file would be called, had no run been broken off before it was made."""
    return name.partition(AGAIN)[0]


def segment_in(name: str) -> str | None:
    """Of the log, where that is what a file holds."""
    folder, _slash, rest = plain(name).partition("/")
    segment = rest.removesuffix(".gz.age")
    return segment if folder == "wal" and SEGMENT.fullmatch(segment) else None


def hash_of(content: bytes) -> str:
    """What the next one says of it."""
    return hashlib.sha256(content).hexdigest()


@dataclass(slots=True)
class Checked:
    """What stands in a backup, and what is wrong with it. `files` are those that were not `pruned`."""

    manifests: list[Manifest]
    files: dict[str, tuple[int, str]]
    pruned: frozenset[str] = frozenset()
    faults: list[str] = field(default_factory=list)
    unnamed: int = 0
    """Files of runs that were broken off: no harm, and no use."""

    @property
    def size(self) -> int:
        """Bytes, of all files that are named."""
        return sum(size for size, _digest in self.files.values())


def manifests_in(root: Path) -> list[Manifest]:
    """Oldest first. Raises BackupRefused where there is none."""
    paths = sorted((root / FOLDER).glob("*.json"))
    if not paths:
        raise BackupRefused(f"{root} holds no backup.")
    return [read_manifest(path) for path in paths]


def pruned_in(root: Path) -> frozenset[str]:
    """Names of the files that were taken away on purpose, or are about to be. Raises BackupRefused."""
    names = set[str]()
    for path in sorted((root / PRUNED).glob("*.json")):
        try:
            told = json.loads(path.read_bytes())
            if told["format"] != FORMAT:
                raise BackupRefused(f"{path} was written by another version.")
            names |= {str(name) for name in told["files"]}
        except (ValueError, TypeError, KeyError) as error:
            raise BackupRefused(f"{path} does not say what was taken away.") from error
    return frozenset(names)


def is_base_whole(checked: Checked, base: str) -> bool:
    """Whether all pieces of a base backup stand among the files."""
    named = {name for one in checked.manifests for name in one.files if name.startswith(f"{base}/")}
    return bool(named) and named <= checked.files.keys()


def check(root: Path, *, reads: bool = True) -> Checked:
    """Hold every file against what the manifests say of it, and they against each other. Needs no key.

    Without `reads`, sizes alone. Raises BackupRefused where there is no backup.
    """
    manifests, faults, before = manifests_in(root), list[str](), ""
    files: dict[str, tuple[int, str]] = {}
    for manifest in manifests:
        if manifest.previous not in ("", before):
            faults.append(f"{manifest.name}: the one before it is missing or was changed")
        before = hash_of((root / manifest.name).read_bytes())
        for name, told in manifest.files.items():
            if files.setdefault(name, told) != told:
                faults.append(f"{name}: named twice, with other content")
    held, pruned = set(names_in(root)), pruned_in(root)
    for name in pruned:
        files.pop(name, None)
    for name, (size, digest) in files.items():
        if name not in held:
            faults.append(f"{name}: missing")
        elif (root / name).stat().st_size != size or (reads and digest_of(root / name)[1] != digest):
            faults.append(f"{name}: changed")
    told_of = {manifest.name for manifest in manifests} | {name for name in held if name.startswith(f"{PRUNED}/")}
    checked = Checked(manifests, files, pruned, faults, len(held - files.keys() - told_of))
    base, until = manifests[-1].base, manifests[-1].wal
    if not is_base_whole(checked, base):
        faults.append(f"{base}: the newest base backup was taken away")
    first = base.rsplit("-", 1)[1]
    segments = [segment for name in files if (segment := segment_in(name)) and segment[:8] == first[:8]]
    if gap := missing_between(first, until, segments):
        faults.append(f"{len(gap)} segments of the log after {base} are no part of it")
    return checked
