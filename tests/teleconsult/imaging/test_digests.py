"""Where the data set of a file begins, and that what stands before it does not count."""

import hashlib
import struct
from io import BytesIO
from pathlib import Path

import pytest

from teleconsult.imaging.digests import LONGEST_META, data_set_at, data_set_digest, digest_of
from teleconsult.imaging.dimse.arriving import file_head
from teleconsult.objects import Objects, new_key, open_store
from tests.teleconsult.imaging.files import REAL, dicom_bytes, hostile_files

BY_LINE = file_head("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1")


@pytest.mark.parametrize("name", ["CT_small.dcm", "test-SR.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"])
def test_it_begins_where_the_meta_information_ends(name: str) -> None:
    whole = (REAL / name).read_bytes()
    length = struct.unpack("<L", whole[140:144])[0]
    assert data_set_at(BytesIO(whole)) == 144 + length


async def test_another_head_is_another_file_and_the_same_data_set(tmp_path: Path) -> None:
    whole = dicom_bytes(side=1200)
    data_set = whole[data_set_at(BytesIO(whole)) :]
    objects = Objects(open_store(None, tmp_path))
    told: list[tuple[bytes, bytes]] = []
    for content in (whole, BY_LINE + data_set):
        path, key = tmp_path / f"{len(told)}", new_key("dicom")
        path.write_bytes(content)
        await objects.put(key, path)
        digest = digest_of(path)
        assert (digest.size, digest.sha256) == (len(content), hashlib.sha256(content).digest())
        told.append((digest.sha256, await data_set_digest(objects, key)))
    assert told[0][0] != told[1][0]
    assert told[0][1] == told[1][1] == hashlib.sha256(data_set).digest()


def test_what_has_no_end_of_meta_information_is_looked_through_to_a_bound() -> None:
    endless = bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\x00\x00" * LONGEST_META
    assert LONGEST_META <= data_set_at(BytesIO(endless)) <= LONGEST_META + 8
    for content in (b"", b"DICM", *hostile_files().values()):
        data_set_at(BytesIO(content))
