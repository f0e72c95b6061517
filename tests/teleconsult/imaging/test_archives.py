"""Archives are listed and opened without ever using a name as a path."""

import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from teleconsult.imaging.archives import Entry, extract, list_archive, shown_name
from teleconsult.imaging.refusals import Refusal, Unreadable


def archive(tmp_path: Path, *files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", method) as out:
        for name, content in files:
            out.writestr(name, content)
    return path


def test_names_lose_their_folders_and_their_tricks(tmp_path: Path) -> None:
    path = archive(
        tmp_path, ("../../etc/cron.d/x", b"1"), ("C:\\images\\IM1", b"2"), ("a\x1b[31m", b"3"), ("dir/", b"")
    )
    assert [entry["name"] for entry in list_archive(path)] == ["x", "IM1", "a[31m"]
    assert shown_name("..") == ".."
    assert shown_name("\udcff") == "?"
    assert [shown_name(blank) for blank in ("", "  ", "a/ \u00a0")] == ["?"] * 3


def test_an_entry_is_written_where_we_say(tmp_path: Path) -> None:
    path = archive(tmp_path, ("../escape", b"content"))
    entry = Entry(**list_archive(path)[0])
    with zipfile.ZipFile(path) as opened:
        extract(opened, entry, tmp_path / "target", limit=100)
    assert (tmp_path / "target").read_bytes() == b"content"
    assert not (tmp_path.parent / "escape").exists()


def test_nested_and_otherwise_packed_files_are_left_out(tmp_path: Path) -> None:
    path = archive(tmp_path, ("more.ZIP", b"PK"), ("plain", b"x"))
    assert [entry["refusal"] for entry in list_archive(path)] == [Refusal.NESTED_ARCHIVE, None]
    path = archive(tmp_path, ("x", b"x"), method=zipfile.ZIP_LZMA)
    assert list_archive(path)[0]["refusal"] == Refusal.UNKNOWN_CODING


def test_a_locked_file_is_left_out(tmp_path: Path) -> None:
    content = bytearray(archive(tmp_path, ("x", b"x")).read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(content)
    assert list_archive(tmp_path / "locked.zip")[0]["refusal"] == Refusal.ENCRYPTED


def test_a_bomb_is_refused_by_its_claim(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as raised:
        list_archive(archive(tmp_path, ("zeros", bytes(50_000_000))))
    assert raised.value.refusal is Refusal.ARCHIVE_BOMB


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    """The claim is made small in the archive's directory; the content goes on."""
    content = bytearray(archive(tmp_path, ("zeros", bytes(1_000_000))).read_bytes())
    at = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 10)
    path = tmp_path / "liar.zip"
    path.write_bytes(content)
    with zipfile.ZipFile(path) as opened, pytest.raises(Unreadable):
        extract(opened, Entry(**list_archive(path)[0]), tmp_path / "target", limit=1000)
    assert (tmp_path / "target").stat().st_size <= 10


def test_an_entry_over_the_limit(tmp_path: Path) -> None:
    path = archive(tmp_path, ("x", b"x" * 200))
    with zipfile.ZipFile(path) as opened, pytest.raises(Unreadable) as raised:
        extract(opened, Entry(**list_archive(path)[0]), tmp_path / "target", limit=100)
    assert raised.value.refusal is Refusal.TOO_LARGE


def test_overlapping_and_damaged_archives(tmp_path: Path) -> None:
    good = archive(tmp_path, ("x", b"x" * 1000)).read_bytes()
    for content in (good[: len(good) // 2], b"PK\x03\x04", good.replace(b"PK\x01\x02", b"PK\x09\x09")):
        path = tmp_path / "damaged.zip"
        path.write_bytes(content)
        with pytest.raises(Unreadable):
            list_archive(path)


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    content = archive(tmp_path, ("x", b"unmistakable"), method=zipfile.ZIP_STORED).read_bytes()
    path = tmp_path / "changed.zip"
    path.write_bytes(content.replace(b"unmistakable", b"unmistakably"))
    with zipfile.ZipFile(BytesIO(path.read_bytes())) as opened, pytest.raises(Unreadable) as raised:
        extract(opened, Entry(**list_archive(path)[0]), tmp_path / "target", limit=1000)
    assert raised.value.refusal is Refusal.DAMAGED
