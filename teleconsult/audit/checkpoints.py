"""Checkpoints on the disk: how far each chain was, and its hash, signed and kept outside the database.

A folder holds a file a day, and a file a line for each checkpoint. Each names the SHA-256 of the line before it, so
none can be taken out; a day's first names every chain, the others only those that went on. Whoever can write to both
the database and this folder can take both back to the same moment: keep copies on another machine.
"""

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from teleconsult.audit.links import Lane
from teleconsult.audit.signing import Forged, seal, unseal
from teleconsult.settings import Settings

SUFFIX: Final = ".jws"


@dataclass(frozen=True, slots=True)
class Head:
    """How far a lane of a chain is."""

    chain: uuid.UUID
    lane: int
    position: int
    hash: bytes

    @property
    def key(self) -> Lane:
        """Which lane."""
        return self.chain, self.lane


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed line. `events` counts the whole log; `previous` is the SHA-256 of the line before, in hexadecimal."""

    number: int
    at: datetime
    previous: str
    events: int
    heads: tuple[Head, ...]

    def sealed(self, key: Ed25519PrivateKey) -> str:
        """The line to keep."""
        heads = [[str(head.chain), head.lane, head.position, head.hash.hex()] for head in self.heads]
        return seal(
            {
                "number": self.number,
                "at": self.at.isoformat(),
                "previous": self.previous,
                "events": self.events,
                "heads": heads,
            },
            key,
        )


def read_line(line: str, keys: dict[str, Ed25519PublicKey]) -> Checkpoint:
    """The checkpoint of a line. Raises Forged where none of `keys` signed it, or it says no such thing."""
    payload: dict[str, Any] = unseal(line, keys)
    try:
        return Checkpoint(
            number=int(payload["number"]),
            at=datetime.fromisoformat(payload["at"]),
            previous=str(payload["previous"]),
            events=int(payload["events"]),
            heads=tuple(
                Head(uuid.UUID(chain), int(lane), int(position), bytes.fromhex(digest))
                for chain, lane, position, digest in payload["heads"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Forged from error


def digest_of(line: str) -> str:
    """What the next checkpoint and the log itself say of a line."""
    return hashlib.sha256(line.encode()).hexdigest()


def folder_of(settings: Settings) -> Path:
    """Where this installation keeps its checkpoints."""
    return settings.audit_checkpoints or settings.data / "audit"


def days_in(folder: Path) -> list[Path]:
    """The files of checkpoints, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def lines_in(files: Iterable[Path]) -> Iterator[str]:
    """Every whole line. One that a crash cut short was never told to anybody, and counts for nothing."""
    for path in files:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for line in file:
                if line.endswith("\n"):
                    yield line.rstrip("\n")


def append_line(folder: Path, day: str, line: str) -> None:
    """Keep a line under its day, on the disk when this returns. What a crash left half written is taken off first."""
    path = folder / f"{day}{SUFFIX}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        written = file.read()
        file.truncate(written.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """True inside the block while nobody else writes checkpoints into the folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
