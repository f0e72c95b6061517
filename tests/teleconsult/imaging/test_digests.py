"""Where the data set of a file begins, and that what stands before it does not count."""

import struct
from io import BytesIO
from pathlib import Path

import pytest

from teleconsult.imaging.digests import LONGEST_META, data_set_at, data_set_digest, digests_of
from teleconsult.imaging.dimse.arriving import file_head
from teleconsult.objects import Objects, new_key, open_store
from tests.teleconsult.imaging.files import REAL, dicom_bytes, hostile_files

BY_LINE = file_head("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1")


@pytest.mark.parametrize("name", ["CT_small.dcm", "test-SR.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"])
def test_it_begins_where_the_meta_information_ends(name: str) -> None:
    whole = (REAL / name).read_bytes()
    length = struct.unpack("<L", whole[140:144])[0]
    assert data_set_at(BytesIO(whole)) == 144 + length


def test_another_head_is_another_file_and_the_same_data_set(tmp_path: Path) -> None:
    whole = dicom_bytes(side=400)
    data_set = whole[data_set_at(BytesIO(whole)) :]
    by_file, by_line = tmp_path / "file", tmp_path / "line"
    by_file.write_bytes(whole)
    by_line.write_bytes(BY_LINE + data_set)
    first, second = digests_of(by_file), digests_of(by_line)
    assert first.sha256 != second.sha256
    assert first.data_set_sha256 == second.data_set_sha256
    assert (first.size, second.size) == (len(whole), len(BY_LINE) + len(data_set))


async def test_of_a_stored_object_it_is_the_same(tmp_path: Path) -> None:
    path, key = tmp_path / "file", new_key("dicom")
    path.write_bytes(dicom_bytes(side=1200))
    objects = Objects(open_store(None, tmp_path))
    await objects.put(key, path)
    assert await data_set_digest(objects, key) == digests_of(path).data_set_sha256


def test_what_has_no_end_of_meta_information_is_looked_through_to_a_bound() -> None:
    endless = bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\x00\x00" * LONGEST_META
    assert LONGEST_META <= data_set_at(BytesIO(endless)) <= LONGEST_META + 8
    for content in (b"", b"DICM", *hostile_files().values()):
        data_set_at(BytesIO(content))
