"""Metadata and bulk data that came apart (PS3.18 §10.5), made into files as PS3.10 has them."""

import asyncio
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from pydicom.uid import UID

from teleconsult.imaging.receiving import Arrival, Received
from teleconsult.imaging.refusals import Refusal
from teleconsult.imaging.sandbox import Sandbox

LARGEST_METADATA: Final = 4 * 1024**2
"""Bytes of JSON that are read together."""
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_UNDEFINED: Final = 0xFFFFFFFF
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Bulk:
    """Long data of one Content-Location: the transfer syntax its media type tells, and its parts, in their order."""

    syntax: str
    paths: list[Path]

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(path.stat().st_size for path in self.paths)


async def assemble(
    sandbox: Sandbox, metadata: Path, bulks: Mapping[str, Bulk], *, folder: Path, limit: int
) -> tuple[list[Received], list[Arrival]]:
    """A file of each instance, to be given away; and what became of those of which none can be made.

    `limit` in bytes of a file. Raises Unreadable for what is no list of instances.
    """
    places = {place: {"syntax": bulk.syntax, "paths": list(map(str, bulk.paths))} for place, bulk in bulks.items()}
    answer = await sandbox.ask("metadata", metadata, bulks=places)
    files, refused, at = [], [], 0
    for number, told in enumerate(answer.head["instances"]):
        if "refused" in told:
            refused.append(_arrival(told, Refusal(told["refused"])))
            continue
        end = at + told["before"] + told["after"]
        head, tail = answer.body[at : at + told["before"]], answer.body[at + told["before"] : end]
        at = end
        bulk = bulks[told["pixels"]["place"]] if told["pixels"] else None
        if len(head) + len(tail) + (bulk.size if bulk else 0) > limit:
            refused.append(_arrival(told, Refusal.TOO_LARGE))
            continue
        path = folder / f"{metadata.name}-{number}"
        await asyncio.to_thread(_write, path, head, tail, told["pixels"], bulk)
        files.append(Received(path.name, path, is_given=True))
    return files, refused


def _write(path: Path, head: bytes, tail: bytes, pixels: Mapping[str, Any] | None, bulk: Bulk | None) -> None:
    with path.open("wb") as out:
        out.write(head)
        if pixels is not None and bulk is not None:
            tag = int(pixels["tag"])
            if UID(bulk.syntax).is_encapsulated:
                _write_items(out, tag, bulk.paths)
            else:
                size = bulk.size
                out.write(_element(tag, str(pixels["vr"]), size + size % 2))
                _copy(out, bulk.paths)
                out.write(b"\0" * (size % 2))
        out.write(tail)


def _write_items(out: BinaryIO, tag: int, frames: Sequence[Path]) -> None:
    """Encapsulated, a fragment a frame, without offsets (PS3.5 §A.4)."""
    out.write(_element(tag, "OB", _UNDEFINED) + _ITEM + bytes(4))
    for frame in frames:
        size = frame.stat().st_size
        out.write(_ITEM + struct.pack("<L", size + size % 2))
        _copy(out, [frame])
        out.write(b"\0" * (size % 2))
    out.write(_END)


def _element(tag: int, vr: str, length: int) -> bytes:
    return struct.pack("<HH2sxxL", tag >> 16, tag & 0xFFFF, vr.encode("ascii")[:2], length)


def _copy(out: BinaryIO, paths: Sequence[Path]) -> None:
    for path in paths:
        with path.open("rb") as content:
            shutil.copyfileobj(content, out, _PIECE)


def _arrival(told: Mapping[str, Any], refusal: Refusal) -> Arrival:
    return Arrival(refusal, told["study_uid"], told["series_uid"], told["sop_instance_uid"], told["sop_class_uid"])
