"""Places in a signed PDF for what is added to it later: time-stamps, further signatures (ISO 32000-1 §12.7.4.5)."""

from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from teleconsult.documents.archival import SIGNATURE_FIELD

PRINTED_AND_LOCKED: Final = 4 + 128


class QuietWriter(IncrementalPdfFileWriter):  # type: ignore[misc]  # pyHanko is not followed by the type checker
    """Adds the signature and touches nothing else: a second Producer in the metadata would end the PDF/A."""

    def _update_meta(self) -> None:
        return


def add_place(writer: QuietWriter, kind: str) -> str:
    """A place for one more of its kind; its name. Nothing of it is seen, and as PDF/A-1 wants (ISO 19005-1 §6.9) it has
    an appearance: that of the first signature's own place, in which nothing is drawn.

    What would be seen is refused by every check of the file: nobody paints over a signed note.
    """
    fields, first = writer.root["/AcroForm"]["/Fields"], None
    for each in fields:
        if each.get_object().get("/T") == SIGNATURE_FIELD:
            first = each.get_object()
    assert first is not None  # without it nothing was signed
    name, page = f"{kind}-{len(fields)}", first.raw_get("/P")
    place = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Widget"),
            generic.pdf_name("/FT"): generic.pdf_name("/Sig"),
            generic.pdf_name("/T"): generic.pdf_string(name),
            generic.pdf_name("/F"): generic.NumberObject(PRINTED_AND_LOCKED),
            generic.pdf_name("/Rect"): generic.ArrayObject([generic.NumberObject(0)] * 4),
            generic.pdf_name("/P"): page,
            generic.pdf_name("/AP"): generic.DictionaryObject({generic.pdf_name("/N"): first["/AP"].raw_get("/N")}),
        }
    )
    reference = writer.add_object(place)
    for places in (fields, page.get_object()["/Annots"]):
        places.append(reference)
        writer.update_container(places)
    return name
