"""Files too large to be sealed at once: encrypted in chunks, so that they grow as they are written and any part of them
is read by itself.

A sealed file is a row of chunks of 64 KiB, each under AES-256-GCM (NIST SP 800-38D) with a nonce of its own:
nonce, ciphertext, tag. What a chunk is bound to is its file and its number: none can be put in another's place. The
end is not sealed: how long the file is stands beside its key.
"""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from teleconsult.objects import Objects
from teleconsult.sealing import NONCE_BYTES, SealBroken

CHUNK: Final = 64 * 1024
SEALED: Final = NONCE_BYTES + CHUNK + 16
"""Bytes of a whole chunk as it is kept."""
AT_ONCE: Final = 8
"""Chunks read together: half a MiB is all a reader holds."""


def new_file_key() -> bytes:
    """For one file, and no other."""
    return AESGCM.generate_key(bit_length=256)


class _Cipher:
    """Chunks of one file; `name` is what tells it from all others."""

    def __init__(self, key: bytes, name: bytes) -> None:
        self._cipher, self._name = AESGCM(key), name

    def seal(self, number: int, plain: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, self._bound_to(number))

    def open(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound_to(number))
        except (InvalidTag, ValueError) as error:
            raise SealBroken("This file was sealed with another key, or it was changed.") from error

    def _bound_to(self, number: int) -> bytes:
        return self._name + number.to_bytes(8, "big")


class SealedWriter:
    """A new file at `path`, to be written from its beginning; what was written may be written over.

    Nothing but the chunk that is being written is in memory. Raises OSError where the disk takes no more.
    """

    def __init__(self, path: Path, key: bytes, *, name: bytes) -> None:
        self._cipher = _Cipher(key, name)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._number, self._chunk, self._is_changed = 0, bytearray(), False
        self._at = self.size = 0

    @property
    def descriptor(self) -> int:
        """Of the file that is open."""
        return self._file

    def write(self, plain: bytes | memoryview) -> int:
        """Put bytes where the file stands."""
        rest = memoryview(plain)
        while rest:
            number, offset = divmod(self._at, CHUNK)
            self._turn_to(number)
            some = rest[: CHUNK - offset]
            self._chunk[offset : offset + len(some)] = some
            self._is_changed = True
            self._at += len(some)
            self.size = max(self.size, self._at)
            rest = rest[len(some) :]
        return len(plain)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Stand elsewhere within what was written."""
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence] + offset
        if not 0 <= self._at <= self.size:
            raise ValueError("outside of the file")
        return self._at

    def tell(self) -> int:
        """Where the file stands."""
        return self._at

    def flush(self) -> None:
        """Leave nothing of what was written in memory alone."""
        if self._is_changed:
            sealed = self._cipher.seal(self._number, bytes(self._chunk))
            if os.pwrite(self._file, sealed, self._number * SEALED) < len(sealed):
                raise OSError("the disk takes no more")
            self._is_changed = False

    def close(self) -> None:
        """Write the rest, and have the disk itself hold it."""
        try:
            self.flush()
            os.fsync(self._file)
        finally:
            os.close(self._file)

    def _turn_to(self, number: int) -> None:
        if number == self._number:
            return
        self.flush()
        sealed = os.pread(self._file, SEALED, number * SEALED)
        self._number, self._chunk = number, bytearray(self._cipher.open(number, sealed) if sealed else b"")


def salvage(path: Path, key: bytes, *, name: bytes) -> int:
    """Cut a file whose writer died off behind the last chunk that opens: how many bytes it has then."""
    cipher, size, number = _Cipher(key, name), 0, 0
    with path.open("r+b") as file:
        while sealed := file.read(SEALED):
            try:
                size += len(cipher.open(number, sealed))
            except SealBroken:
                break
            number += 1
        file.truncate(number * (SEALED - CHUNK) + size)
    return size


async def read_sealed(
    objects: Objects, object_key: str, key: bytes, *, name: bytes, start: int, length: int
) -> AsyncIterator[bytes]:
    """`length` bytes from `start` of a sealed file kept as an object. Raises NotFound, SealBroken."""
    cipher, end = _Cipher(key, name), start + length
    while start < end:
        first = start // CHUNK
        last = min((end - 1) // CHUNK, first + AT_ONCE - 1)
        sealed = memoryview(await objects.read_range(object_key, first * SEALED, (last - first + 1) * SEALED))
        plain = b"".join(
            cipher.open(number, bytes(sealed[(number - first) * SEALED : (number - first + 1) * SEALED]))
            for number in range(first, last + 1)
        )
        piece = plain[start - first * CHUNK : end - first * CHUNK]
        if not piece:
            raise SealBroken("This file is shorter than it was.")
        yield piece
        start += len(piece)
