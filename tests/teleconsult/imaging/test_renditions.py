"""A picture is drawn from what was coded beforehand, and from the file where that was lost."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from teleconsult.imaging.codestreams import codestream_of
from teleconsult.imaging.packs import Record, Span, append, span_of
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.rendering import Drawing
from teleconsult.imaging.renditions import Renditions
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, open_store
from tests.teleconsult.imaging.files import HEAD

PNG = Drawing(media="image/png", window=(300, 900))


@dataclass(frozen=True)
class Kept:
    object_key: str
    sha256: bytes


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox(workers=1)
    yield opened
    await opened.close()


def coded(folder: Path, objects: Objects) -> Span:
    """The slice in JPEG 2000, coded as the worker does it, behind another record."""
    made = codestream_of(HEAD, 0)
    with (folder / "pack").open("wb") as pack:
        append(pack, [Record({}, b"another")])
        entries = append(pack, [Record(made.description, made.content)])
    (span,) = [span_of("rendition/ab/pack", entries, 1)]
    assert span
    place = objects.path_of(span.object_key)
    assert place
    place.parent.mkdir(parents=True)
    (folder / "pack").rename(place)
    return span


async def test_drawn_from_what_was_coded(sandbox: Sandbox, tmp_path: Path) -> None:
    objects = Objects(open_store(None, tmp_path))
    file, gone = Kept("dicom/ab/file", b"a" * 32), Kept("dicom/ab/gone", b"b" * 32)
    await objects.put(file.object_key, HEAD.read_bytes())
    span = coded(tmp_path, objects)
    drawer = Renditions(sandbox=sandbox, objects=objects, folder=tmp_path / "cache")

    async def found() -> Span:
        return span

    of_file = await drawer.drawn(file, 1, PNG)
    assert await drawer.drawn(gone, 1, PNG, coded=found) == of_file, "the same to the pixel, and the file is not read"
    await objects.delete(span.object_key)
    assert await drawer.drawn(gone, 1, PNG, coded=found) == of_file, "held"
    with pytest.raises(Unreadable):
        await drawer.drawn(gone, 1, Drawing(), coded=found)
    assert await drawer.drawn(file, 1, Drawing(), coded=found), "lost, and so out of the file"
