"""Bytes outside the database: whole, never overwritten, and not in memory when they are many."""

import os
import resource
from pathlib import Path

import pytest
from obstore.exceptions import AlreadyExistsError

from teleconsult.errors import NotFound
from teleconsult.objects import LARGE, Objects, new_key, open_store


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(open_store(None, tmp_path))


async def test_what_was_put_is_read(objects: Objects) -> None:
    key = new_key("dicom")
    await objects.put(key, b"0123456789")
    assert await objects.get(key) == b"0123456789"
    assert await objects.read_range(key, 3, 4) == b"3456"
    assert b"".join([piece async for piece in objects.stream(key)]) == b"0123456789"
    path = objects.path_of(key)
    assert path is not None
    assert path.read_bytes() == b"0123456789"


async def test_a_key_is_written_once(objects: Objects) -> None:
    key = new_key("dicom")
    await objects.put(key, b"first")
    with pytest.raises(AlreadyExistsError):
        await objects.put(key, b"second")
    assert await objects.get(key) == b"first"


async def test_what_was_put_is_on_the_disk_itself(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: settled.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    key = new_key("dicom")
    await objects.put(key, b"0123456789")
    path = objects.path_of(key)
    assert path is not None
    assert settled == [path, path.parent, path.parent.parent]


async def test_a_large_file_is_never_wholly_in_memory(objects: Objects, tmp_path: Path) -> None:
    size = 20 * LARGE
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate(size)
        out.seek(size - 4)
        out.write(b"last")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await objects.put("dicom/aa/large", file)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert await objects.read_range("dicom/aa/large", size - 4, 4) == b"last"
    assert grown < size / 2


async def test_what_is_not_there(objects: Objects) -> None:
    await objects.delete("dicom/aa/nothing")
    for reading in (objects.get("dicom/aa/nothing"), objects.read_range("dicom/aa/nothing", 0, 1)):
        with pytest.raises(NotFound):
            await reading
    with pytest.raises(NotFound):
        _ = [piece async for piece in objects.stream("dicom/aa/nothing")]


def test_other_users_of_the_machine_see_nothing(tmp_path: Path) -> None:
    open_store(None, tmp_path / "data")
    assert (tmp_path / "data" / "objects").stat().st_mode & 0o077 == 0
