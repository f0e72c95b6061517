"""Where a backup goes, file by file: a folder, or a stream (tar, POSIX.1-2001) that another machine takes.

Nothing that stands there is ever written again or taken away: a file has one content for good, and what is already
held is not sent. So the place can be one whose owner lets nobody overwrite or delete.
"""

import contextlib
import hashlib
import io
import os
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol

PART: Final = ".part"
"""Begins the name of a file that is not whole."""


class Place(Protocol):
    """Takes whole files, each once."""

    def put(self, name: str, content: IO[bytes], size: int) -> None:
        """Keep `size` bytes under a name that is not taken."""


class Folder:
    """A folder on a disk."""

    def __init__(self, root: Path) -> None:
        _make(root)
        self._root = root

    def put(self, name: str, content: IO[bytes], size: int) -> None:
        """On the disk when this returns. Raises FileExistsError."""
        path = self._root / name
        _make(path.parent)
        part = path.with_name(f"{PART}-{secrets.token_hex(8)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o440)
                shutil.copyfileobj(content, file, 1024 * 1024)
                file.flush()
                os.fsync(file.fileno())
                if file.tell() != size:
                    raise OSError(f"{name}: {size} bytes were promised, {file.tell()} came")
            os.link(part, path)  # unlike a renaming, never over what is there
        finally:
            part.unlink(missing_ok=True)
        _settle(path.parent)


class Stream:
    """A tar stream: what is read at its other end with `tar -x --keep-old-files`."""

    def __init__(self, out: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115  (ends in `close`)

    def put(self, name: str, content: IO[bytes], size: int) -> None:
        """Send it."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o440
        self._tar.addfile(member, content)

    def close(self) -> None:
        """Say that this was all: a stream that broke has no such end."""
        self._tar.close()


def names_in(root: Path) -> Iterator[str]:
    """The names of all whole files of a folder."""
    for folder, _folders, files in os.walk(root):
        within = PurePosixPath(Path(folder).relative_to(root).as_posix())
        yield from (str(within / name) for name in files if not name.startswith(PART))


def digest_of(path: Path) -> tuple[int, str]:
    """Size in bytes, and SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


class Hashed(io.RawIOBase):
    """Reads from another file, and knows the SHA-256 and the number of bytes that went by."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """As of any raw file."""
        piece = self._inner.read(len(buffer))
        buffer[: len(piece)] = piece
        self.digest.update(piece)
        self.size += len(piece)
        return len(piece)


def _make(folder: Path) -> None:
    """Who pulls backups is of this folder's group, and has to read them whatever our own mask is."""
    if folder.is_dir():
        return
    _make(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        folder.chmod(0o750)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
