"""Many files with one question: each gets its own answer, and none costs the others theirs."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from teleconsult.imaging import sandboxed_headers
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.parsing import read_header as read_here
from teleconsult.imaging.refusals import Refusal
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.imaging.sandboxed_headers import TOGETHER, read_header, read_headers
from tests.teleconsult.imaging.files import REAL, dicom_bytes

SERIES: dict[str, Any] = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    pool = Sandbox(workers=2)
    yield pool
    await pool.close()


def written(folder: Path, content: bytes) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}"
    path.write_bytes(content)
    return path


async def test_they_are_told_as_each_by_itself(sandbox: Sandbox, tmp_path: Path) -> None:
    slices = [dicom_bytes(InstanceNumber=at, SOPInstanceUID=f"1.2.1.{at}", **SERIES) for at in range(TOGETHER)]
    others = [(REAL / name).read_bytes() for name in ("CT_small.dcm", "test-SR.dcm", "JPEG2000.dcm")]
    paths = [written(tmp_path, content) for content in (*others, *slices, *others)]
    found = await read_headers(sandbox, paths)
    assert found == [read_here(path) for path in paths]
    assert await read_header(sandbox, paths[-1]) == found[-1]
    assert await read_headers(sandbox, []) == []


async def test_one_that_is_no_good_is_refused_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    contents = (
        b"",
        dicom_bytes(**SERIES),
        b"nothing" * 100,
        dicom_bytes(**SERIES),
        dicom_bytes(StudyInstanceUID="../x"),
    )
    found = await read_headers(sandbox, [written(tmp_path, content) for content in contents])
    kinds = [InstanceHeader if isinstance(one, InstanceHeader) else one for one in found]
    assert kinds == [Refusal.EMPTY, InstanceHeader, Refusal.NOT_DICOM, InstanceHeader, Refusal.BAD_IDENTIFIER]


async def test_one_that_takes_all_of_the_time_is_refused_alone(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "endless"
    os.mkfifo(endless)  # nobody ever writes to it
    paths = [written(tmp_path, dicom_bytes(InstanceNumber=at, **SERIES)) for at in range(3)]
    await read_headers(sandbox, paths)
    monkeypatch.setattr(sandboxed_headers, "SECONDS", 3)
    first, refused, *rest = await read_headers(sandbox, [paths[0], endless, *paths[1:]])
    assert refused is Refusal.TOO_DEMANDING
    assert all(isinstance(one, InstanceHeader) for one in (first, *rest))
