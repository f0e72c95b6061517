"""What a signed note is made of, byte by byte: a signature, then time-stamps and signatures of others, each over
everything before it.

No trust is asked here, only whether anything was changed or added that nobody signed.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.validation import EmbeddedPdfSignature

from teleconsult.documents.archival import SIGNATURE_FIELD
from teleconsult.notes.signature_bytes import is_canonical
from teleconsult.notes.verdict import SIZE_LIMIT, Reason

SIGNATURE, TIME_STAMP = "/Sig", "/DocTimeStamp"
START = b"%PDF-"
PLACE: Final = {*("/Type", "/Subtype", "/FT", "/T", "/F", "/Rect", "/P", "/AP", "/V")}
"""All that the place of a further signature or of a time-stamp says of itself."""


class NotGood(Exception):
    """The check ends here, with this reason; `part` counts the signatures and time-stamps from 1."""

    def __init__(self, reason: Reason, part: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.part = reason, part


def signatures_in(content: bytes) -> list[EmbeddedPdfSignature]:
    """The signatures and the time-stamps, in their order; together they cover every byte. Raises NotGood."""
    signatures = _read(content)
    kinds = [each.sig_object_type for each in signatures]
    if SIGNATURE not in kinds:
        raise NotGood(Reason.UNSIGNED)
    if kinds[0] != SIGNATURE or not {*kinds} <= {SIGNATURE, TIME_STAMP}:
        raise NotGood(Reason.CHANGED)
    if kinds.count(SIGNATURE) > 1 and not _is_unseen(signatures):
        raise NotGood(Reason.SEVERAL)
    end = 0
    for part, each in enumerate(signatures, 1):
        end = _end_of(each, content, part=part, after=end)
    if end != len(content):
        raise NotGood(Reason.CHANGED, len(signatures))
    for part, each in enumerate(signatures, 1):  # the first that does not hold is the one that was changed
        _refuse_other_bytes(each, part=part)
    for part, each in enumerate(signatures, 1):
        _refuse_additions(each, part=part, is_co_signed=SIGNATURE in kinds[part:])
    return signatures


def answered_in(signatures: Sequence[EmbeddedPdfSignature]) -> list[int]:
    """The places in the order of those time-stamps that answers of authorities came with, on all that was there before:
    each follows another time-stamp.
    """
    kinds = [each.sig_object_type for each in signatures]
    return [n for n in range(1, len(kinds)) if kinds[n - 1] == kinds[n] == TIME_STAMP]


def _is_unseen(signatures: Sequence[EmbeddedPdfSignature]) -> bool:
    """Whether every field after the first signature's is a place as ours are (`notes.places`): signed, without size,
    with the appearance of the first one's, in which nothing is drawn. So who signs too paints over nothing.
    """
    try:
        first, *others = (each.get_object() for each in signatures[0].reader.root["/AcroForm"]["/Fields"])
        drawn = first["/AP"].raw_get("/N")
        is_empty = first["/T"] == SIGNATURE_FIELD and not drawn.get_object().data.strip()
        return is_empty and all(
            {*each} == PLACE
            and all(edge == 0 for edge in each["/Rect"])
            and {*each["/AP"]} == {"/N"}
            and each["/AP"].raw_get("/N").reference == drawn.reference
            for each in others
        )
    except MemoryError:
        raise
    except Exception:  # foreign bytes, whose fields may be anything
        return False


def _read(content: bytes) -> list[EmbeddedPdfSignature]:
    if not content:
        raise NotGood(Reason.EMPTY)
    if len(content) > SIZE_LIMIT:
        raise NotGood(Reason.TOO_LARGE)
    if not content.startswith(START):
        raise NotGood(Reason.NOT_PDF)
    try:
        reader = PdfFileReader(BytesIO(content))
        signatures = [] if reader.encrypted else list(reader.embedded_signatures)
    except MemoryError:
        raise
    except Exception as error:  # whatever else a parser of foreign bytes throws, it means one thing
        raise NotGood(Reason.DAMAGED) from error
    if reader.encrypted:
        raise NotGood(Reason.ENCRYPTED)
    if not signatures:
        raise NotGood(Reason.UNSIGNED)
    return signatures


def _end_of(signature: EmbeddedPdfSignature, content: bytes, *, part: int, after: int) -> int:
    """Where what it covers ends: all from the first byte on but its own text (ISO 32000-1 §12.8.1), and that is
    spelled as we spell it. Raises NotGood.
    """
    try:
        start, before, behind, rest = (int(number) for number in signature.byte_range)
        is_whole = start == 0 and after < before < behind and rest > 0 and behind + rest <= len(content)
        is_good = is_whole and is_canonical(content[before:behind])
    except MemoryError:
        raise
    except Exception as error:  # the text of a signature is foreign bytes, too
        raise NotGood(Reason.CHANGED, part) from error
    if not is_good:
        raise NotGood(Reason.CHANGED, part)
    return behind + rest


def _refuse_other_bytes(signature: EmbeddedPdfSignature, *, part: int) -> None:
    """What it covers must have the digest that it names."""
    try:
        if signature.sig_object_type == TIME_STAMP:
            told = signature.signed_data["encap_content_info"]["content"].parsed
            named = told["message_imprint"]["hashed_message"].native
        else:
            attributes = {each["type"].native: each["values"][0] for each in signature.signer_info["signed_attrs"]}
            named = attributes["message_digest"].native
        is_same = signature.compute_digest() == named
    except MemoryError:
        raise
    except Exception as error:  # foreign bytes again
        raise NotGood(Reason.CHANGED, part) from error
    if not is_same:
        raise NotGood(Reason.CHANGED, part)


def _refuse_additions(signature: EmbeddedPdfSignature, *, part: int, is_co_signed: bool) -> None:
    """What came after it may be evidence and nothing else: no field that is seen, no word, no picture.

    A further signature is the filling of a field to the library; where there is one, no field of the file can be seen.
    """
    try:
        signature.compute_integrity_info()
        found = signature.summarise_integrity_info()["diff_result"]
    except MemoryError:
        raise
    except Exception as error:  # it was well-formed when we wrote it
        raise NotGood(Reason.CHANGED, part) from error
    if found is None:  # nothing came after it
        return
    most = ModificationLevel.FORM_FILLING if is_co_signed else ModificationLevel.LTA_UPDATES
    if not isinstance(found, DiffResult) or found.modification_level > most:  # else it says what it took offence at
        raise NotGood(Reason.CHANGED, part)
