"""ZIP archives of strangers: names are only shown, never used as paths; counts, sizes and ratios are bounded."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from teleconsult.imaging.refusals import Refusal, Unreadable

MOST_ENTRIES = 20_000
MOST_INFLATED = 4 * 1024**3
MOST_INFLATED_RATIO = 200
"""Bytes out for one byte in, of the whole archive. Real CT in ZIP gives 2 to 5, blank frames up to 100."""
CHUNK = 256 * 1024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive: where in its list, its shown name, its claimed size in bytes, why it is left out."""

    position: int
    name: str
    size: int
    refusal: Refusal | None


def list_archive(path: Path) -> list[dict[str, Any]]:
    """Every file of the archive, as JSON. Runs in a sandbox worker: the directory of a ZIP can be a bomb itself.

    Raises Unreadable where the archive is damaged or claims more than can be opened safely.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except zipfile.BadZipFile as error:
        raise Unreadable(Refusal.DAMAGED) from error
    claimed = sum(info.file_size for info in infos)
    if len(infos) > MOST_ENTRIES or claimed > min(MOST_INFLATED, MOST_INFLATED_RATIO * path.stat().st_size):
        raise Unreadable(Refusal.ARCHIVE_BOMB)
    return [
        {"position": position, "name": shown_name(info.filename), "size": info.file_size, "refusal": _refusal(info)}
        for position, info in enumerate(infos)
        if not info.is_dir()
    ]


def shown_name(name: str) -> str:
    """The last part of a file's name as a person may see it: no folders, no control characters, bounded."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(letter for letter in last if letter.isprintable())
    return plain.encode("utf-8", "replace").decode()[:200].strip() or "?"


def _refusal(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & _ENCRYPTED:
        return Refusal.ENCRYPTED.value
    if info.compress_type not in _METHODS:
        return Refusal.UNKNOWN_CODING.value
    if info.filename.lower().endswith(".zip"):
        return Refusal.NESTED_ARCHIVE.value
    return None


def extract(archive: zipfile.ZipFile, entry: Entry, target: Path, *, limit: int) -> None:
    """Write one entry to `target`, a piece at a time, and never more than it claimed or than `limit` bytes.

    Raises Unreadable: TOO_LARGE over the limit, ARCHIVE_BOMB where it holds more than it claims, DAMAGED.
    """
    if entry.size > limit:
        raise Unreadable(Refusal.TOO_LARGE)
    written = 0
    with target.open("wb") as out:
        for piece in _pieces(archive, archive.infolist()[entry.position]):
            written += len(piece)
            if written > entry.size:
                raise Unreadable(Refusal.ARCHIVE_BOMB)
            out.write(piece)


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as source:
            while piece := source.read(CHUNK):
                yield piece
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Unreadable(Refusal.DAMAGED) from error
