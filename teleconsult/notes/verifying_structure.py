"""What a signed note is made of, byte by byte: a signature, then time-stamps, each over everything before it.

No trust is asked here, only whether anything was changed or added that nobody signed.
"""

from io import BytesIO

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import EmbeddedPdfSignature

from teleconsult.notes.signature_bytes import is_canonical
from teleconsult.notes.verdict import SIZE_LIMIT, Reason

SIGNATURE, TIME_STAMP = "/Sig", "/DocTimeStamp"
START = b"%PDF-"


class NotGood(Exception):
    """The check ends here, with this reason; `part` counts the signature as 1, then the time-stamps."""

    def __init__(self, reason: Reason, part: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.part = reason, part


def signatures_in(content: bytes) -> list[EmbeddedPdfSignature]:
    """The signature and then the time-stamps, in their order; together they cover every byte. Raises NotGood."""
    signatures = _read(content)
    kinds = [each.sig_object_type for each in signatures]
    if SIGNATURE not in kinds:
        raise NotGood(Reason.UNSIGNED)
    if kinds.count(SIGNATURE) > 1:
        raise NotGood(Reason.SEVERAL)
    if kinds != [SIGNATURE, *[TIME_STAMP] * (len(kinds) - 1)]:
        raise NotGood(Reason.CHANGED)
    end = 0
    for part, each in enumerate(signatures, 1):
        end = _end_of(each, content, part=part, after=end)
    if end != len(content):
        raise NotGood(Reason.CHANGED, len(signatures))
    for part, each in enumerate(signatures, 1):  # the first that does not hold is the one that was changed
        _refuse_other_bytes(each, part=part)
    for part, each in enumerate(signatures, 1):
        _refuse_additions(each, part=part)
    return signatures


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


def _refuse_additions(signature: EmbeddedPdfSignature, *, part: int) -> None:
    """What came after it may be evidence and nothing else: no field that is seen, no word, no picture."""
    try:
        signature.compute_integrity_info()
        summary = signature.summarise_integrity_info()
        level = getattr(summary["diff_result"], "modification_level", ModificationLevel.NONE)
    except MemoryError:
        raise
    except Exception as error:  # it was well-formed when we wrote it
        raise NotGood(Reason.CHANGED, part) from error
    if level > ModificationLevel.LTA_UPDATES:
        raise NotGood(Reason.CHANGED, part)
