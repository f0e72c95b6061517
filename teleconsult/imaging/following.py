"""The next slice of a series, told by what differs from the one before. Runs only inside a sandbox worker.

Of hundreds of slices each has the header of the one before it, but for a few short elements. Where that is so to the
byte, only these are converted, and what was made of the others is made use of again. Whatever else differs, or cannot
be told by its own bytes, has the file read whole, as if nothing had come before: what is kept is the same.
"""

import re
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final
from zlib import compress

import orjson
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from teleconsult.imaging.describing import BULK, OF_SERIES, OF_STUDY, joined, pair, told_at, told_elements
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.parsing import clean, header_of, open_whole, whole_number, window_of
from teleconsult.imaging.plain_elements import LONGEST, PLAIN, converted
from teleconsult.imaging.reading import UNDEFINED, Opened
from teleconsult.imaging.uids import is_uid

_MOST: Final = 64 * 1024
"""Bytes of a header that is compared with the next."""
_PREFIX: Final = 128
_MARK: Final = b"DICM"
_META_GROUP: Final = b"\x02\x00"
_META: Final = {0x00020000, 0x00020003}
"""Of the file meta information: its length, and the instance's UID once more, which is in the data set."""
_SHORT: Final = struct.Struct("<H")
_LONG: Final = struct.Struct("<L")
_LONG_VRS: Final = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
"""Whose length has four bytes (PS3.5 §7.1.2)."""
_SHORT_HEAD, _LONG_HEAD = 8, 12
_CREATORS: Final = range(0x10, 0x100)
"""Elements of a private group that say whose the others are (PS3.5 §7.8.1)."""

_PIXELS, _PIXELS_NAME = 0x7FE00010, "7FE00010"
_INSTANCE, _NUMBER, _CENTER, _WIDTH = 0x00080018, 0x00200013, 0x00281050, 0x00281051
_WHOLE: Final = {0x00080005, 0x00080016, 0x0020000D, 0x0020000E, 0x00100020, 0x00100021}
"""With another of these it is another thing."""
_PATIENT, _OF_PIXELS = 0x0010, 0x0028
_APART: Final = {_CENTER, _WIDTH, 0x00280106, 0x00280107, 0x00281052, 0x00281053}
"""Of the group of the pixels: how they are shown, and the least and greatest of them. The others say what they are."""
_ALIKE: Final = {int(tag, 16) for tag in OF_STUDY | OF_SERIES}
_NEEDED: Final = {_INSTANCE, 0x00080016, 0x0020000D, 0x0020000E}

_DECIMALS: Final = re.compile(rb"[+-]?[0-9]{1,15}(?:\.[0-9]{0,15})?(?:\\[+-]?[0-9]{1,15}(?:\.[0-9]{0,15})?){0,5}")
_INTEGER: Final = re.compile(rb"[+-]?[0-9]{1,9}")
_UID: Final = re.compile(rb"[0-9.]+")
_DIGITS: Final = re.compile(rb"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class _Piece:
    """An element as it stands in the file, and where its pair is in the JSON (-1 where it is not)."""

    bytes: bytes
    tag: int
    place: int
    may_differ: bool


class HeaderReader:
    """`parsing.read_header` of one file after the other."""

    def __init__(self) -> None:
        self._last: _Mould | None = None

    def read(self, path: Path) -> InstanceHeader:
        """Read one file. Raises as `read_header`."""
        if self._last is not None:
            header = self._last.follow(path)
            if header is not None:
                return header
        with open_whole(path) as opened:
            elements = told_elements(opened)
            header = header_of(opened, elements)
            with suppress(Exception):  # what is broken was read as well as it can be; it is no measure for the next
                self._last = _mould_of(opened, elements, header) or self._last
        return header


class _Mould:
    """A header whose every element is known by its bytes."""

    def __init__(
        self, pieces: Sequence[_Piece], end: bytes, pairs: list[bytes], header: InstanceHeader, opened: Opened
    ) -> None:
        self._pieces, self._end, self._pairs, self._header = pieces, end, pairs, header
        names = opened.dataset.original_character_set or ""
        self._names = names if isinstance(names, str) else tuple(names)
        self._pixel_vr = opened.pixel_vr

    def follow(self, path: Path) -> InstanceHeader | None:
        """The header of a file that is like this; None where it is not."""
        with path.open("rb", buffering=0) as file:
            content = file.read(_MOST) or b""
            size = file.seek(0, 2)
        at, different = _PREFIX, []
        for piece in self._pieces:
            if content.startswith(piece.bytes, at):
                at += len(piece.bytes)
                continue
            begins = at + _SHORT_HEAD
            if not piece.may_differ or content[at : at + 6] != piece.bytes[:6] or len(content) < begins:
                return None
            (length,) = _SHORT.unpack_from(content, begins - _SHORT.size)
            value = content[begins : begins + length]
            if not 0 < length <= LONGEST or len(value) < length:
                return None
            different.append((piece, value))
            at = begins + length
        told = self._header.description
        pixels_at = at + len(self._end)
        if not content.startswith(self._end, at) or pixels_at + told.pixels_length > size:
            return None
        try:
            return self._with(different, pixels_at)
        except (
            Exception
        ):  # a broken value makes the parser raise anything; then the file is read whole, and that says what
            return None

    def _with(self, different: Sequence[tuple[_Piece, bytes]], pixels_at: int) -> InstanceHeader | None:
        header, pairs, window = self._header, self._pairs.copy(), {}
        uid, number, center, width = (
            *(header.sop_instance_uid, header.instance_number),
            *(header.window_center, header.window_width),
        )
        for piece, value in different:
            vr = piece.bytes[4:6].decode()
            if piece.place >= 0:
                text, said = _converted(piece.tag, vr, value, self._names)
                pairs[piece.place] = pair(f"{piece.tag:08X}", text)
                if piece.tag == _INSTANCE:
                    uid = said
                elif piece.tag == _NUMBER:
                    number = whole_number(clean(said))
            if piece.tag in (_CENTER, _WIDTH):
                window[piece.tag] = vr, value
        if not is_uid(uid):
            return None
        if window:
            center, width = self._window(window)
        bulk = BULK.format(header.study_instance_uid, header.series_instance_uid, uid)
        pairs[-1] = pair(_PIXELS_NAME, told_at(self._pixel_vr, bulk + _PIXELS_NAME))
        told = replace(header.description, dicom_json=compress(joined(pairs)), pixels_at=pixels_at)
        return replace(
            header,
            sop_instance_uid=uid,
            instance_number=number,
            window_center=center,
            window_width=width,
            description=told,
        )

    def _window(self, different: dict[int, tuple[str, bytes]]) -> tuple[float | None, float | None]:
        ds = Dataset()
        for piece in self._pieces:
            if piece.tag in (_CENTER, _WIDTH):
                vr, value = different.get(piece.tag, (piece.bytes[4:6].decode(), piece.bytes[_SHORT_HEAD:]))
                ds[piece.tag] = RawDataElement(BaseTag(piece.tag), vr, len(value), value, 0, False, True)
        return window_of(ds)


def _mould_of(opened: Opened, elements: dict[str, bytes], header: InstanceHeader) -> _Mould | None:
    """None of what is told only whole: pixels that are not native, long values, what is implicit or out of order."""
    is_plain = opened.stored_syntax == opened.syntax and opened.syntax.is_little_endian
    is_named = bool(opened.dataset.original_character_set)
    if (
        not (is_plain and is_named)
        or opened.pixel_tag != _PIXELS
        or opened.length == UNDEFINED
        or header.description.frame_index
    ):
        return None
    opened.file.seek(0)
    content = opened.file.read(_MOST)
    if opened.pixels_at > len(content) or not content.startswith(_MARK, _PREFIX):
        return None
    starts = _starts(content, opened)
    tags = [tag for tag, _at in starts]
    uris = sum(b'"BulkDataURI"' in text for text in elements.values())
    if uris != 1 or tags != sorted(set(tags)) or not _NEEDED.issubset(tags) or list(elements)[-1] != _PIXELS_NAME:
        return None
    places = {int(tag, 16): place for place, tag in enumerate(elements)}
    ends = [at for _tag, at in starts[1:]] + [opened.pixels_at - _LONG_HEAD]
    pieces = [_Piece(_MARK, 0, -1, may_differ=False)]
    for (tag, at), end in zip(starts, ends, strict=True):
        piece = content[at:end]
        pieces.append(_Piece(piece, tag, places.get(tag, -1), may_differ=_may_differ(tag, piece)))
    if not all(_is_known(piece, header) for piece in pieces):
        return None
    whole = _merged(pieces)
    pairs = [pair(tag, text) for tag, text in elements.items()]
    return _Mould(whole, content[ends[-1] : opened.pixels_at], pairs, header, opened)


def _starts(content: bytes, opened: Opened) -> list[tuple[int, int]]:
    """Tag and place of every element before the pixels; empty where one does not say its VR."""
    at, starts = _PREFIX + len(_MARK), []
    while content[at : at + 2] == _META_GROUP:
        group, element = struct.unpack_from("<HH", content, at)
        starts.append((group << 16 | element, at))
        if content[at + 4 : at + 6] in _LONG_VRS:
            at += _LONG_HEAD + _LONG.unpack_from(content, at + 8)[0]
        else:
            at += _SHORT_HEAD + _SHORT.unpack_from(content, at + 6)[0]
    for tag, vr, value_at in opened.elements:
        if vr is None:
            return []
        starts.append((tag, value_at - (_LONG_HEAD if vr.encode() in _LONG_VRS else _SHORT_HEAD)))
    is_joined = len(opened.elements) > 0 and dict(starts).get(opened.elements[0][0]) == at
    return starts if is_joined else []


def _is_known(piece: _Piece, header: InstanceHeader) -> bool:
    """Whether what was read of it is in it: an identifier that it lacks is derived from others."""
    if piece.tag in (_CENTER, _WIDTH):
        return piece.may_differ and piece.bytes[4:6] == b"DS"
    own = {_INSTANCE: header.sop_instance_uid, 0x00080016: header.sop_class_uid}
    own |= {0x0020000D: header.study_instance_uid, 0x0020000E: header.series_instance_uid}
    return piece.tag not in own or (piece.bytes[4:6] == b"UI" and own[piece.tag].encode() in piece.bytes)


def _may_differ(tag: int, piece: bytes) -> bool:
    """Whether the element means nothing to any other, and nothing is read of it but the few that `_with` knows."""
    group, element = tag >> 16, tag & 0xFFFF
    if tag in _META:
        return True
    if group < 8 or element == 0 or group == _PATIENT or tag in _WHOLE or len(piece) <= _SHORT_HEAD:
        return False
    if tag in _ALIKE or (group == _OF_PIXELS and tag not in _APART) or (group % 2 and element in _CREATORS):
        return False
    vr = piece[4:6]
    return vr.decode("latin-1") in PLAIN and vr not in _LONG_VRS


def _merged(pieces: Sequence[_Piece]) -> list[_Piece]:
    """What stands together and may not differ is compared together."""
    whole = [pieces[0]]
    for before, piece in pairwise(pieces):
        if piece.may_differ or before.may_differ:
            whole.append(piece)
        else:
            whole[-1] = _Piece(whole[-1].bytes + piece.bytes, 0, -1, may_differ=False)
    return whole


def _converted(tag: int, vr: str, value: bytes, names: str | tuple[str, ...]) -> tuple[bytes, str]:
    """As `plain_elements.converted`, without pydicom for what most slices differ in."""
    if vr == "DS" and _DECIMALS.fullmatch(plain := value.rstrip(b" ")):
        numbers = [float(one) for one in plain.split(b"\\")]
        return b'{"vr":"DS","Value":%s}' % orjson.dumps(numbers), plain.decode()
    if vr == "IS" and _INTEGER.fullmatch(plain := value.rstrip(b" ")):
        return b'{"vr":"IS","Value":[%d]}' % int(plain), plain.decode()
    if vr == "UI" and _UID.fullmatch(plain := value.removesuffix(b"\0")):
        return b'{"vr":"UI","Value":["%s"]}' % plain, plain.decode()
    if vr in ("DA", "TM") and _DIGITS.fullmatch(plain := value.rstrip(b" ")):
        return b'{"vr":"%s","Value":["%s"]}' % (vr.encode(), plain), plain.decode()
    return converted(tag, vr, value, True, names)
