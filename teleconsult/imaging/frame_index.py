"""Where each frame of encapsulated pixels lies in its file (PS3.5 §A.4), so that one read of a range brings it.

The index is 16 bytes a frame: where the item of its first fragment begins, and how many bytes it is to the end of
the last one's, both little endian.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

ENTRY: Final = struct.Struct("<QQ")
ITEM: Final = struct.Struct("<HHI")
ITEM_TAG: Final = (0xFFFE, 0xE000)
_END: Final = b"\xff\xd9"
"""Of a JPEG, JPEG-LS or JPEG 2000 codestream."""
_TAIL: Final = 10
"""A codestream may be padded at its end."""
VIDEO: Final = "1.2.840.10008.1.2.4.10"
"""MPEG-2, MPEG-4 and HEVC: one stream, out of which no frame can be cut."""

Span = tuple[int, int]


def index_of(
    file: BinaryIO, *, pixels_at: int, size: int, frames: int, syntax: str, extended: tuple[bytes, bytes] | None = None
) -> bytes:
    """The index of a file of `size` bytes whose encapsulated value begins at `pixels_at`.

    `extended` are the offsets and lengths of an Extended Offset Table (PS3.3 C.7.6.3.1.8). Empty where it cannot be
    told which fragments make a frame. Of a video it has one entry: the whole stream.
    """
    items = list(_items(file, pixels_at, size))
    if not items:
        return b""
    if syntax.startswith(VIDEO):
        first, last = items[1:2], items[-1]
        return b"".join(ENTRY.pack(at, sum(last) - at) for at, _length in first)
    (table_at, table_length), fragments = items[0], items[1:]
    file.seek(table_at + ITEM.size)
    basic = file.read(table_length - ITEM.size)
    spans = (
        _by_extended(extended, fragments) or _by_basic(basic, fragments, frames) or _by_count(file, fragments, frames)
    )
    return b"".join(ENTRY.pack(*span) for span in spans)


def without_items(span: bytes) -> bytes:
    """The codestream of a frame: what its fragments hold, joined. Raises ValueError where they are none."""
    pieces, at = [], 0
    while at < len(span):
        group, element, length = ITEM.unpack_from(span, at)
        at += ITEM.size
        if (group, element) != ITEM_TAG or at + length > len(span):
            raise ValueError("not the fragments of a frame")
        pieces.append(span[at : at + length])
        at += length
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def is_cut_off(file: BinaryIO, *, pixels_at: int, size: int) -> bool:
    """Whether the file ends within an item of the encapsulated value at `pixels_at`, or within its delimiter.

    One that ends with a whole item is none: some writers leave the delimiter out (against PS3.5 §A.4).
    """
    end = pixels_at
    for at, length in _items(file, pixels_at, size):
        end = at + length
    file.seek(end)
    head = file.read(ITEM.size)
    return ITEM.unpack(head)[:2] == ITEM_TAG if len(head) == ITEM.size else bool(head)


def _items(file: BinaryIO, at: int, size: int) -> Iterator[Span]:
    """Where each whole item begins and how long it is, its head counted: first the offset table, then fragments."""
    while at + ITEM.size <= size:
        file.seek(at)
        head = file.read(ITEM.size)
        if len(head) < ITEM.size:
            return
        group, element, length = ITEM.unpack(head)
        whole = ITEM.size + length
        if (group, element) != ITEM_TAG or at + whole > size:
            return
        yield at, whole
        at += whole


def _by_extended(extended: tuple[bytes, bytes] | None, fragments: Sequence[Span]) -> list[Span]:
    if extended is None or not fragments:
        return []
    known = dict(fragments)
    first = fragments[0][0]
    offsets = [first + offset for (offset,) in struct.iter_unpack("<Q", extended[0])]
    return [(at, known[at]) for at in offsets] if offsets and all(at in known for at in offsets) else []


def _by_basic(table: bytes, fragments: Sequence[Span], frames: int) -> list[Span]:
    if not table or len(table) != 4 * frames or not fragments:
        return []
    first, end = fragments[0][0], sum(fragments[-1])
    starts = [first + offset for (offset,) in struct.iter_unpack("<I", table)]
    known = {at for at, _length in fragments}
    if starts != sorted(set(starts)) or starts[0] != first or not known.issuperset(starts):
        return []
    return [(at, following - at) for at, following in zip(starts, [*starts[1:], end], strict=True)]


def _by_count(file: BinaryIO, fragments: Sequence[Span], frames: int) -> list[Span]:
    """Without a table: a fragment a frame, all of them one frame, or as many as it takes to the end of a codestream."""
    if len(fragments) == frames:
        return list(fragments)
    if frames == 1 and fragments:
        return [(fragments[0][0], sum(fragments[-1]) - fragments[0][0])]
    spans, begun = [], 0
    for at, length in fragments:
        begun = begun or at
        file.seek(max(at + ITEM.size, at + length - _TAIL))
        if _END in file.read(min(_TAIL, length - ITEM.size)):
            spans.append((begun, at + length - begun))
            begun = 0
    return spans if len(spans) == frames and not begun else []
