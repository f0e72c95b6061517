"""A data set on its way to the disk: a file of its own, with the meta information a file needs (PS3.10 §7.1)."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from teleconsult.imaging.digests import Digest
from teleconsult.imaging.dimse.negotiating import IMPLEMENTATION_CLASS, IMPLEMENTATION_VERSION

PIECE: Final = 1024 * 1024
"""Bytes held before they are written: a thread costs more than a write."""
_PREAMBLE: Final = bytes(128) + b"DICM"
_INSTANCE: Final = b"\x02\x00\x03\x00UI"
"""How (0002,0003) begins, explicit and little endian (PS3.10 §7.1); its length follows."""
_LENGTH: Final = 2


@asynccontextmanager
async def arrival_folder(data: Path) -> AsyncIterator[Path]:
    """A folder for what one association sends, gone with all in it when the block ends."""
    parent = data / "tmp"
    await asyncio.to_thread(parent.mkdir, parents=True, exist_ok=True)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="upload-dimse-", dir=parent))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class ArrivingFile:
    """One data set, written as it comes, up to `limit` bytes; what is over it is only counted."""

    def __init__(self, path: Path, head: bytes, *, limit: int) -> None:
        self._file = path.open("wb", buffering=0)
        self._held, self._size, self._limit = bytearray(head), 0, limit
        self._head_length, self._told = len(head), sha256(head)

    @property
    def is_too_large(self) -> bool:
        """Whether more came than may."""
        return self._size > self._limit

    @property
    def digest(self) -> Digest:
        """Of all that was written. It grows with what comes: while the next bytes are on the line."""
        return Digest(self._head_length + self._size, self._told.digest())

    async def add(self, content: memoryview) -> None:
        """Take the next bytes."""
        self._size += len(content)
        if self.is_too_large:
            self._held.clear()
            return
        self._told.update(content)
        self._held += content
        if len(self._held) >= PIECE:
            await self._write()

    async def close(self) -> None:
        """Write what is held, and close the file."""
        try:
            await self._write()
        finally:
            self._file.close()

    async def _write(self) -> None:
        await asyncio.to_thread(self._write_all)
        self._held.clear()

    def _write_all(self) -> None:
        with memoryview(self._held) as held:
            written = 0
            while written < len(held):
                written += self._file.write(held[written:]) or 0


def file_head(sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """Everything before the data set.

    It holds nothing of when, by whom or with which version it came: the same object sent twice is the same bytes.
    """
    before, after = _head_around(sop_class, len(sop_instance), transfer_syntax)
    return before + sop_instance.encode() + after


@lru_cache(maxsize=128)
def _head_around(sop_class: str, length: int, transfer_syntax: str) -> tuple[bytes, bytes]:
    """What stands before and after an SOP instance UID of that length; thousands of a kind come one after the other."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID("9" * length)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION_CLASS, IMPLEMENTATION_VERSION
    meta.FileMetaInformationVersion = b"\x00\x01"
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta)
    head = _PREAMBLE + bytes(buffer.getvalue())
    begins = head.index(_INSTANCE) + len(_INSTANCE) + _LENGTH
    return head[:begins], head[begins + length :]
