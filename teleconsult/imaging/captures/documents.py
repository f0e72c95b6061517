"""A stranger's PDF, looked through before it is kept. Runs only inside a sandbox worker."""

import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

import pikepdf

from teleconsult.imaging.reading import LARGEST_ELEMENT
from teleconsult.imaging.refusals import Refusal, Unreadable

LARGEST_DOCUMENT: Final = LARGEST_ELEMENT
"""Bytes. A header with a longer value is not read to its end."""
_ACTIVE_KEYS: Final = ("/JS", "/XFA", "/EmbeddedFiles")
_ACTIVE_VALUES: Final = {
    *("/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/Rendition", "/RichMedia"),
    *("/GoToE", "/GoToR", "/Thread"),  # in other files: on a server, which learns who asks for them
}
"""Of an action's kind (/S) or an annotation's (/Subtype): ISO 32000-1 §12.6.4, §12.5.6."""
_BY_THEMSELVES: Final = ("/OpenAction", "/Next")
"""Keys of an action that nobody has to choose."""
_DROPPED: Final = frozenset({0xE1, 0xED, 0xFE})
"""Segments of a JPEG: EXIF and XMP (APP1), IPTC (APP13), comments."""
_START_OF_SCAN: Final = 0xDA


def checked(path: Path) -> bytes:
    """The PDF: as it came, or written anew where photographs in it said more than their picture.

    Raises Unreadable: TOO_LARGE, ENCRYPTED where it wants a password, ACTIVE where it holds programs or files;
    and whatever pikepdf raises for what is no PDF.
    """
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise Unreadable(Refusal.TOO_LARGE)
    try:
        pdf = pikepdf.open(path)
    except pikepdf.PasswordError as error:
        raise Unreadable(Refusal.ENCRYPTED) from error
    with pdf:
        if any(_is_active(found) for found in _dictionaries(pdf)):
            raise Unreadable(Refusal.ACTIVE)
        if not len(pdf.pages):
            raise Unreadable(Refusal.DAMAGED)
        if not _strip(pdf) and not pdf.is_encrypted:
            return path.read_bytes()
        out = BytesIO()
        pdf.save(out, encryption=False, deterministic_id=True)
    if out.tell() > LARGEST_DOCUMENT:
        raise Unreadable(Refusal.TOO_LARGE)
    return out.getvalue()


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Every dictionary of the file, those within others too; streams for their dictionary."""
    waiting: list[pikepdf.Object] = [*pdf.objects, pdf.trailer]
    while waiting:
        found = waiting.pop()
        if isinstance(found, pikepdf.Array):
            inside = list(found.as_list())
        elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
            yield found
            inside = [value for _key, value in found.items()]
        else:
            continue
        waiting.extend(one for one in inside if isinstance(one, pikepdf.Object) and not one.is_indirect)


def _is_active(found: pikepdf.Object) -> bool:
    kinds = {str(found.get(key)) for key in ("/S", "/Subtype")}
    is_file = str(found.get("/Type")) == "/EmbeddedFile" or (isinstance(found, pikepdf.Stream) and "/F" in found)
    is_told = any(key in found for key in _ACTIVE_KEYS) or not kinds.isdisjoint(_ACTIVE_VALUES)
    return is_file or is_told or any(str(action.get("/S")) == "/URI" for action in _unasked(found))


def _unasked(found: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """The actions that a reader does by itself: an address is for who chooses it."""
    events = found.get("/AA")
    actions = [found.get(key) for key in _BY_THEMSELVES]
    if isinstance(events, pikepdf.Dictionary):
        actions.extend(value for _key, value in events.items())
    yield from (action for action in actions if isinstance(action, pikepdf.Dictionary))


def _strip(pdf: pikepdf.Pdf) -> bool:
    """Take out of its photographs what a camera wrote beside the picture. Whether there was any."""
    changed = False
    for found in pdf.objects:
        if not isinstance(found, pikepdf.Stream):
            continue
        if str(found.get("/Subtype")) == "/Image" and "/Metadata" in found:
            del found["/Metadata"]
            changed = True
        jpeg = _photograph_in(found)
        plain = without_comments(jpeg)
        if plain != jpeg:
            found.write(plain, filter=pikepdf.Name.DCTDecode)
            changed = True
    return changed


def _photograph_in(stream: pikepdf.Stream) -> bytes:
    """The JPEG that a stream holds, or nothing. Raises Unreadable where it is packed as nobody does."""
    named = stream.get("/Filter")
    filters = [str(one) for one in named.as_list()] if isinstance(named, pikepdf.Array) else [str(named)]
    if filters[-1:] != ["/DCTDecode"]:
        return b""
    packed = stream.read_raw_bytes()
    if filters == ["/DCTDecode"]:
        return packed
    if filters == ["/FlateDecode", "/DCTDecode"]:
        return zlib.decompressobj().decompress(packed, LARGEST_DOCUMENT)
    raise Unreadable(Refusal.UNKNOWN_CODING)


def without_comments(jpeg: bytes) -> bytes:
    """A JPEG without EXIF, XMP, IPTC and comments; what is not written as one comes back as it is (T.81 §B.1)."""
    kept, at = [jpeg[:2]], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != _START_OF_SCAN:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] not in _DROPPED:
            kept.append(jpeg[at:end])
        at = end
    return b"".join([*kept, jpeg[at:]])
