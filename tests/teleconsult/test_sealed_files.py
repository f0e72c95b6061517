"""Files sealed in chunks: written in any order, read by range, saved after a crash."""

import os
from pathlib import Path

import pytest
from obstore.store import LocalStore

from teleconsult.objects import Objects
from teleconsult.sealed_files import CHUNK, SEALED, SealedWriter, new_file_key, read_sealed, salvage
from teleconsult.sealing import SealBroken

NAME = b"a file"
PLAIN = os.urandom(3 * CHUNK + 1234)


def write(path: Path, key: bytes) -> None:
    writer = SealedWriter(path, key, name=NAME)
    writer.write(b"?" * 40 + PLAIN[40:])
    writer.seek(0)
    writer.write(PLAIN[:40])
    writer.seek(0, os.SEEK_END)
    assert writer.tell() == writer.size == len(PLAIN)
    writer.close()


async def read(path: Path, key: bytes, start: int, length: int, *, name: bytes = NAME) -> list[bytes]:
    objects = Objects(LocalStore(path.parent))
    return [piece async for piece in read_sealed(objects, path.name, key, name=name, start=start, length=length)]


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, len(PLAIN)), (0, 1), (CHUNK - 1, 2), (CHUNK, CHUNK), (len(PLAIN) - 5, 5), (70_000, 99_999)],
)
async def test_any_part_is_read_by_itself(tmp_path: Path, start: int, length: int) -> None:
    key = new_file_key()
    write(tmp_path / "sealed", key)
    assert b"".join(await read(tmp_path / "sealed", key, start, length)) == PLAIN[start : start + length]


async def test_a_long_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    key = new_file_key()
    writer = SealedWriter(tmp_path / "sealed", key, name=NAME)
    writer.write(bytes(30 * CHUNK))
    writer.close()
    assert max(map(len, await read(tmp_path / "sealed", key, 0, 30 * CHUNK))) <= 8 * CHUNK


async def test_nothing_of_it_can_be_read_on_the_disk_or_moved(tmp_path: Path) -> None:
    key, path = new_file_key(), tmp_path / "sealed"
    write(path, key)
    kept = path.read_bytes()
    assert PLAIN[100:130] not in kept
    for changed in (kept[SEALED : 2 * SEALED] + kept[:SEALED] + kept[2 * SEALED :], b"x" + kept[1:]):
        path.write_bytes(changed)
        with pytest.raises(SealBroken):
            await read(path, key, 0, 10)
    path.write_bytes(kept)
    with pytest.raises(SealBroken):
        await read(path, new_file_key(), 0, 10)
    with pytest.raises(SealBroken):
        await read(path, key, 0, 10, name=b"another file")


async def test_what_was_written_before_a_crash_is_saved(tmp_path: Path) -> None:
    key, path = new_file_key(), tmp_path / "sealed"
    writer = SealedWriter(path, key, name=NAME)
    writer.write(PLAIN)
    writer.flush()
    with path.open("r+b") as file:  # the last chunk was being written when the power went
        file.truncate(path.stat().st_size - 7)
    assert salvage(path, key, name=NAME) == 3 * CHUNK
    assert b"".join(await read(path, key, 0, 3 * CHUNK)) == PLAIN[: 3 * CHUNK]
    assert path.stat().st_size == 3 * SEALED
    os.close(writer.descriptor)


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "sealed").write_bytes(b"another")
    with pytest.raises(FileExistsError):
        SealedWriter(tmp_path / "sealed", new_file_key(), name=NAME)
