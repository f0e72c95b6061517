"""Bytes outside the database: whole, never overwritten, and not in memory when they are many."""

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from aiohttp import web
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import MemoryStore
from pytest_aiohttp.plugin import AiohttpServer

from teleconsult.clock import now
from teleconsult.errors import NotFound
from teleconsult.objects import LARGE, Objects, new_key, new_keys, open_store


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


async def test_a_store_of_ones_own_is_named_in_one_line_with_what_opens_it(aiohttp_server: AiohttpServer) -> None:
    """A service that speaks S3 over HTTP: requests are signed with the address' key (SigV4), a bucket is a path."""
    kept: dict[str, bytes] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        if f"Credential=teleconsult/{now():%Y%m%d}/eu-x/s3/" not in request.headers.get("Authorization", ""):
            return web.Response(status=403)
        if request.method == "PUT":
            if request.path in kept and request.headers.get("If-None-Match") == "*":
                return web.Response(status=412)
            kept[request.path] = await request.read()
            return web.Response(headers={"ETag": '"1"'})
        if request.path not in kept:
            return web.Response(status=404)
        headers = {"ETag": '"1"', "Last-Modified": "Mon, 23 Nov 2026 08:00:00 GMT"}
        return web.Response(body=kept[request.path], headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    port = (await aiohttp_server(app)).port
    told = f"@kept-here/all?endpoint=http://127.0.0.1:{port}&region=eu-x"
    objects = Objects(open_store(f"s3://teleconsult:open%3Asesame%2F{told}", Path("nowhere")))
    key = new_key("dicom")
    await objects.put(key, b"0123456789")
    assert kept == {f"/kept-here/all/{key}": b"0123456789"}
    assert await objects.get(key) == b"0123456789"
    with pytest.raises(AlreadyExistsError):
        await objects.put(key, b"second")
    with pytest.raises(BaseError) as refused:
        await Objects(open_store(f"s3://another:open%3Asesame%2F{told}", Path("nowhere"))).get(key)
    assert "sesame" not in str(refused.value)


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
    assert settled == [path, *list(path.parents)[:3]], "as far as the folder of the store"


async def test_a_lot_that_is_handed_over_is_kept_as_it_is_and_looked_at(objects: Objects, tmp_path: Path) -> None:
    files = []
    for number, key in enumerate(new_keys("dicom", 6)):
        path = tmp_path / f"sent{number}"
        path.write_bytes(bytes([number]) * 10)
        files.append((key, path))
    told = await objects.hand_over(files, Path.read_bytes)
    for key, path in files:
        kept = objects.path_of(key)
        assert kept is not None
        assert kept.samefile(path), "not copied"
        assert told[key] == await objects.get(key) == path.read_bytes()


async def test_a_lot_is_on_the_disk_itself_once_it_is_settled(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, go_on = [], Event()

    def sync(descriptor: int) -> None:
        assert go_on.wait(10)
        held.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", sync)
    places, folder = [], None
    for turn in range(2):
        keys = [f"dicom/aa/{turn}{number}" for number in range(3)]
        files = [(key, tmp_path / key.replace("/", "-")) for key in keys]
        for _key, path in files:
            path.write_bytes(b"content")
        go_on.clear()
        handed = await objects.begin_to_hand_over(files, Path.read_bytes)
        assert handed.told == dict.fromkeys(keys, b"content"), "looked at before the disk is done"
        assert not handed.settled.done()
        go_on.set()
        await handed.settled
        places += [objects.path_of(key) for key in keys]
        folder = objects.path_of("dicom/aa")
    assert folder is not None
    led_to = [folder.parent, folder.parent.parent]
    assert sorted(map(str, held)) == sorted(map(str, [*places, folder, folder, *led_to])), "where it is: once"


async def test_what_the_disk_cannot_hold_is_not_settled(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", fail)
    path = tmp_path / "sent"
    path.write_bytes(b"content")
    with pytest.raises(OSError, match="broken"):
        await objects.hand_over([(new_key("dicom"), path)], Path.read_bytes)


async def test_a_lot_goes_to_a_store_elsewhere_too(tmp_path: Path) -> None:
    elsewhere = Objects(MemoryStore())
    path = tmp_path / "sent"
    path.write_bytes(b"content")
    key = new_key("dicom")
    assert await elsewhere.hand_over([(key, path)], Path.read_bytes) == {key: b"content"}
    assert await elsewhere.get(key) == b"content"


async def test_no_lot_takes_a_place_that_is_taken(objects: Objects, tmp_path: Path) -> None:
    taken, free = new_keys("dicom", 2)
    await objects.put(taken, b"first")
    path = tmp_path / "sent"
    path.write_bytes(b"second")
    with pytest.raises(FileExistsError):
        await objects.hand_over([(taken, path), (free, path)], Path.read_bytes)
    assert await objects.get(taken) == b"first"


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose objects lie on a disk of 1 MiB."""
    (tmp_path / "objects").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "full", tmp_path / "objects"]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path / "objects"], check=False)


@pytest.mark.parametrize("size", [2_000_000, LARGE + 1])
async def test_a_full_disk_is_told_as_the_system_tells_it(small_disk: Path, size: int) -> None:
    content = small_disk / "content"
    content.write_bytes(bytes(size))
    with pytest.raises(OSError, match="No space left") as raised:
        await Objects(open_store(None, small_disk)).put(new_key("dicom"), content)
    assert raised.value.errno == errno.ENOSPC
