"""What a CDA document says, as plain JSON: made where strangers' files are opened, read where they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any, Self

from teleconsult.cda.header import Header, Identifier, header_of
from teleconsult.cda.narrative import Block, Section, attached_to, sections_of
from teleconsult.cda.parsing import parse_xml
from teleconsult.patients.models import Patient
from teleconsult.patients.names import fold, fold_number


@dataclass(frozen=True, slots=True)
class Told:
    """A document: its own number, for whom and by whom it is, and its words as an R4 Narrative, none of its markup."""

    number: Identifier
    title: str
    code: str
    effective_at: datetime
    patient_ids: tuple[Identifier, ...]
    family: str
    given: str
    birth_date: date | None
    author: str
    custodian: str
    narrative: str
    body_type: str
    """Of the file that is its body; empty where the body is words."""

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """From what `tell` said."""
        born = date.fromisoformat(told["birth_date"]) if told["birth_date"] else None
        return cls(
            **{
                **told,
                "number": Identifier(*told["number"]),
                "patient_ids": tuple(Identifier(*one) for one in told["patient_ids"]),
                "effective_at": datetime.fromisoformat(told["effective_at"]),
                "birth_date": born,
            }
        )

    def is_about(self, patient: Patient, *, numbers: frozenset[str]) -> bool:
        """Whether the document is this patient's: by a number of theirs, or by name and birth date; never against one.

        `numbers` are those that authorities gave them, folded.
        """
        if self.birth_date and patient.birth_date and self.birth_date != patient.birth_date:
            return False
        own = numbers | {fold_number(patient.local_number)}
        if any(fold_number(one.extension) in own for one in self.patient_ids if one.extension):
            return True
        names = {fold(self.family), fold(self.given).partition(" ")[0]}
        own_names = {patient.family_folded, patient.given_folded.partition(" ")[0]}
        return self.birth_date is not None and self.birth_date == patient.birth_date and names == own_names


def tell(path: Path) -> dict[str, Any]:
    """Read the file. Raises Invalid for what is no CDA document."""
    root = parse_xml(path.read_bytes())
    header, attached = header_of(root), attached_to(root)
    return {
        **_traits(header),
        "narrative": narrative_of(sections_of(root)),
        "body_type": attached.media_type if attached else "",
    }


def body_of(path: Path) -> tuple[str, bytes]:
    """The file that is the document's body: media type and bytes; nothing where its body is words."""
    attached = attached_to(parse_xml(path.read_bytes()))
    return (attached.media_type, attached.content) if attached else ("", b"")


def narrative_of(sections: list[Section]) -> str:
    """Sections as the XHTML of an R4 Narrative (§2.4.1): written anew, every word of theirs escaped. Empty for none."""
    lines = [line for section in sections for line in _section(section)]
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(lines)}</div>' if lines else ""


def _section(section: Section) -> list[str]:
    heading = f"<h{min(section.depth + 1, 6)}>{escape(section.title)}</h{min(section.depth + 1, 6)}>"
    return ([heading] if section.title else []) + [_block(block) for block in section.blocks]


def _block(block: Block) -> str:
    if block.kind == "table":
        rows = (
            "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
            for number, row in enumerate(block.rows)
            for tag in ("th" if number < block.heads else "td",)
        )
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
    return f"<ul><li>{escape(block.text)}</li></ul>" if block.kind == "item" else f"<p>{escape(block.text)}</p>"


def _traits(header: Header) -> dict[str, Any]:
    return {
        "number": [header.id.root, header.id.extension],
        "title": header.title,
        "code": header.code,
        "effective_at": header.effective_at.isoformat(),
        "patient_ids": [[one.root, one.extension] for one in header.patient_ids],
        "family": header.family,
        "given": header.given,
        "birth_date": header.birth_date.isoformat() if header.birth_date else None,
        "author": header.author or header.author_organization,
        "custodian": header.custodian or header.author_organization,
    }
