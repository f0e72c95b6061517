"""Where each frame lies: one range of the file, whatever its fragments and tables say."""

import struct
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import MPEG4HP41, JPEG2000Lossless, JPEGBaseline8Bit

from teleconsult.imaging.frame_index import ENTRY, index_of, without_items
from teleconsult.imaging.parsing import read_header
from tests.teleconsult.imaging.files import REAL

FRAMES = [b"\xff\xd8" + bytes([number]) * 20 + b"\xff\xd9" for number in range(4)]


def cut(value: bytes, frames: int, *, syntax: str = JPEGBaseline8Bit, lead: int = 100) -> list[bytes]:
    whole = b"x" * lead + value
    found = index_of(BytesIO(whole), pixels_at=lead, size=len(whole), frames=frames, syntax=syntax)
    return [without_items(whole[at : at + length]) for at, length in ENTRY.iter_unpack(found)]


@pytest.mark.parametrize("fragments", [1, 2, 3])
@pytest.mark.parametrize("has_table", [True, False])
def test_fragments_become_frames(fragments: int, has_table: bool) -> None:
    assert cut(encapsulate(FRAMES, fragments_per_frame=fragments, has_bot=has_table), 4) == FRAMES


def test_several_fragments_of_one_frame() -> None:
    assert cut(encapsulate(FRAMES[:1], fragments_per_frame=3, has_bot=False), 1) == FRAMES[:1]


def test_an_extended_table() -> None:
    value = encapsulate(FRAMES, has_bot=False)
    step = len(FRAMES[0]) + 8
    offsets, lengths = struct.pack("<4Q", *range(0, 4 * step, step)), struct.pack("<4Q", *[step - 8] * 4)
    found = index_of(
        BytesIO(value), pixels_at=0, size=len(value), frames=4, syntax=JPEG2000Lossless, extended=(offsets, lengths)
    )
    assert [without_items(value[at : at + length]) for at, length in ENTRY.iter_unpack(found)] == FRAMES


def test_a_table_that_lies_is_not_believed() -> None:
    value = bytearray(encapsulate(FRAMES, has_bot=True))
    value[12:16] = struct.pack("<I", 9)
    assert cut(bytes(value), 4) == FRAMES


@pytest.mark.parametrize("content", [b"", b"\xfe\xff\x00\xe0", b"\xfe\xff\x00\xe0\xff\xff\xff\x7f", b"nonsense" * 9])
def test_what_is_no_encapsulation_has_no_index(content: bytes) -> None:
    assert cut(content, 3) == []


def test_fewer_fragments_than_frames_are_not_guessed() -> None:
    assert cut(encapsulate(FRAMES[:2], has_bot=False), 4) == []


def test_a_video_is_one_stream_whatever_its_fragments() -> None:
    assert cut(encapsulate(FRAMES, has_bot=False), 4, syntax=MPEG4HP41) == [b"".join(FRAMES)]
    assert cut(encapsulate([], has_bot=False), 4, syntax=MPEG4HP41) == []


def test_no_item_beyond_the_span() -> None:
    with pytest.raises(ValueError, match="fragments"):
        without_items(b"\xfe\xff\x00\xe0\xff\x00\x00\x00x")


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "rtdose_rle.dcm", "SC_rgb_rle_2frame.dcm", "JPEG2000.dcm"])
def test_real_files(name: str) -> None:
    path: Path = REAL / name
    ds, content = dcmread(path), path.read_bytes()
    index = read_header(path).description.frame_index
    ours = [without_items(content[at : at + length]) for at, length in ENTRY.iter_unpack(index)]
    assert ours == list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1))))
