"""IHE_XDM.ZIP: the file itself (ITI TF-2 §3.32.4.1.2), the same bytes for the same note at any time.

Names are in capitals and 8.3, as ISO 9660 level 1 wants them; times in the archive are fixed.
"""

import io
import zipfile
from html import escape
from typing import Final

from teleconsult.cda.consult_note import consult_note_document, document_number
from teleconsult.cda.naming import Establishment, works_at
from teleconsult.cda.profiles import FRANCE, Country
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.notes.content import NoteContent
from teleconsult.xdm.metadata import metadata

FILE_NAME: Final = "IHE_XDM.ZIP"
FOLDER: Final = "IHE_XDM/SUBSET01"
DOCUMENT: Final = "DOC00001.XML"
_FIXED: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP file can say."""
_PLAIN_FILE: Final = 0o100644 << 16


def xdm_volume(
    content: NoteContent, *, pdf: bytes, custodian: Establishment | None = None, country: Country = FRANCE
) -> bytes:
    """The archive with the note as one CDA document that holds `pdf`."""
    keeper = custodian or works_at(content.author)
    document = consult_note_document(content, pdf=pdf, custodian=keeper, country=country)
    files = {
        "INDEX.HTM": _index(content).encode(),
        "README.TXT": _readme(content, keeper).encode(),
        f"{FOLDER}/METADATA.XML": metadata(content, document=document, name=DOCUMENT, keeper=keeper, country=country),
        f"{FOLDER}/{DOCUMENT}": document,
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, _FIXED)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _PLAIN_FILE, 3
            archive.writestr(entry, text, compresslevel=6)
    return written.getvalue()


def _index(content: NoteContent) -> str:
    """For who opens it by hand (ITI TF-2 §3.32.4.1.2.3)."""
    title = escape(NOTE_WORDS[content.language].title)
    return (
        f'<!DOCTYPE html>\n<html lang="{content.language}">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        f"</head><body><h1>{title}</h1>\n"
        f'<p><a href="{FOLDER}/{DOCUMENT}">{DOCUMENT}</a> – {document_number(content)}</p>\n'
        f'<p><a href="README.TXT">README.TXT</a></p></body>\n</html>\n'
    )


def _readme(content: NoteContent, keeper: Establishment) -> str:
    """Who made it, and what is where."""
    return "\r\n".join(
        (
            NOTE_WORDS[content.language].title,
            keeper.name,
            "Teleconsult (HL7 CDA R2, IHE XDM)",
            f"{FOLDER}/METADATA.XML  XDS metadata",
            f"{FOLDER}/{DOCUMENT}  CDA R2 {document_number(content)}",
            "",
        )
    )
