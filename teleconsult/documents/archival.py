"""What turns WeasyPrint's PDF into one that archives accept and signers can sign (ISO 19005-1, ISO 32000-1 §12.7).

Three things a plain rendering gets wrong: the XMP packet must declare its namespaces on each description
(§6.7.9), the document information must say the same as the packet (§6.7.3), and a signature field needs an
appearance from the start (§6.9), because the signer may not add one.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import pydyf
from weasyprint import VERSION

SIGNATURE_FIELD = "Signature"

POINTS_PER_PIXEL = 0.75

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" rdf:about="">
<pdfaid:part>1</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>
<rdf:Description xmlns:pdf="http://ns.adobe.com/pdf/1.3/" rdf:about="">
<pdf:Producer>{producer}</pdf:Producer>
</rdf:Description>
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" rdf:about="">
<xmp:CreateDate>{created}</xmp:CreateDate>
</rdf:Description>
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" rdf:about="">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def make_archival(
    *, title: str, author: str, created: datetime, signature_anchor: str
) -> Callable[[Any, pydyf.PDF], None]:
    """A WeasyPrint finisher: writes the metadata and puts the signature field over the box with this id.

    `created` is in UTC.
    """

    def finish(document: Any, pdf: pydyf.PDF) -> None:
        producer = f"WeasyPrint {VERSION}"
        pdf.info = pydyf.Dictionary(
            {
                "Title": pydyf.String(title),
                "Author": pydyf.String(author),
                "Producer": pydyf.String(producer),
                "CreationDate": pydyf.String(f"D:{created:%Y%m%d%H%M%S}+00'00'"),
            }
        )
        packet = XMP.format(
            producer=producer,
            created=f"{created:%Y-%m-%dT%H:%M:%S}+00:00",
            title=escape(title),
            author=escape(author),
        )
        metadata = next(item for item in pdf.objects if getattr(item, "extra", {}).get("Type") == "/Metadata")
        metadata.stream = [packet.encode()]
        _add_signature_field(document, pdf, signature_anchor)

    return finish


def _add_signature_field(document: Any, pdf: pydyf.PDF, anchor: str) -> None:
    number, page = next((number, page) for number, page in enumerate(document.pages) if anchor in page.anchors)
    left, top, right, bottom = (edge * POINTS_PER_PIXEL for edge in page.anchors[anchor])
    height = page.height * POINTS_PER_PIXEL
    appearance = pydyf.Stream(
        [],
        {"Type": "/XObject", "Subtype": "/Form", "BBox": pydyf.Array([0, 0, right - left, bottom - top])},
    )
    pdf.add_object(appearance)
    pdf_page = pdf.objects[pdf.pages["Kids"][3 * number]]
    field = pydyf.Dictionary(
        {
            "Type": "/Annot",
            "Subtype": "/Widget",
            "FT": "/Sig",
            "T": pydyf.String(SIGNATURE_FIELD),
            "F": 4 + 128,  # printed, locked in place
            "Rect": pydyf.Array([left, height - bottom, right, height - top]),
            "P": pdf_page.reference,
            "AP": pydyf.Dictionary({"N": appearance.reference}),
        }
    )
    pdf.add_object(field)
    pdf_page["Annots"] = pydyf.Array([*pdf_page.get("Annots", []), field.reference])
    pdf.catalog["AcroForm"] = pydyf.Dictionary({"Fields": pydyf.Array([field.reference])})
