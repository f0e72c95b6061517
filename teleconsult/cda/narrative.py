"""The human-readable part of a CDA R2 document as plain data (CDA R2 §4.3.5): nothing of its markup reaches a page."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from teleconsult.cda.header import NAMESPACE

_NS: Final = {"c": NAMESPACE}
MOST_BLOCKS: Final = 5_000
MOST_SECTIONS: Final = 300


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, an item of a list, or a table: `rows` of cells, of which the first `heads` are headings."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    heads: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A section, at its depth (1 is the highest)."""

    title: str
    depth: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Attached:
    """The body of a document that is a file of another kind."""

    media_type: str
    content: bytes


def sections_of(root: etree._Element) -> list[Section]:
    """The sections of a structured body, in reading order."""
    body = root.find("c:component/c:structuredBody", _NS)
    return list(_sections(body, 1))[:MOST_SECTIONS] if body is not None else []


def attached_to(root: etree._Element) -> Attached | None:
    """The file that is the body of the document, if it is one."""
    text = root.find("c:component/c:nonXMLBody/c:text", _NS)
    if text is None:
        return None
    media_type = (text.get("mediaType") or "text/plain").lower()
    written = "".join(text.itertext())
    if (text.get("representation") or "").upper() != "B64":
        return Attached(media_type, written.encode())
    try:
        return Attached(media_type, base64.b64decode("".join(written.split()), validate=True))
    except (binascii.Error, ValueError):
        return None


def _sections(parent: etree._Element, depth: int) -> Iterator[Section]:
    for section in parent.findall("c:component/c:section", _NS):
        title, text = section.find("c:title", _NS), section.find("c:text", _NS)
        blocks = tuple(_blocks(text))[:MOST_BLOCKS] if text is not None else ()
        yield Section(_words(title), depth, blocks)
        yield from _sections(section, depth + 1)


def _blocks(element: etree._Element) -> Iterator[Block]:
    """Text between blocks is a paragraph of its own."""
    loose = [element.text or ""]
    for child in element:
        name = _local(child)
        if name in ("paragraph", "list", "table"):
            if words := _plain(" ".join(loose)):
                yield Block("paragraph", words)
            loose = [child.tail or ""]
            yield from _block(child, name)
        else:
            loose += ["\n" if name == "br" else _words(child), child.tail or ""]
    if words := _plain(" ".join(loose)):
        yield Block("paragraph", words)


def _block(element: etree._Element, name: str) -> Iterator[Block]:
    if name == "paragraph":
        if words := _words(element):
            yield Block("paragraph", words)
    elif name == "list":
        for item in element.findall("c:item", _NS):
            yield Block("item", _words(item))
    else:
        caption = element.find("c:caption", _NS)
        if caption is not None:
            yield Block("paragraph", _words(caption))
        heads = element.findall("c:thead/c:tr", _NS)
        rows = [*heads, *element.findall("c:tbody/c:tr", _NS), *element.findall("c:tr", _NS)]
        cells = tuple(tuple(_words(cell) for cell in row if _local(cell) in ("td", "th")) for row in rows[:MOST_BLOCKS])
        yield Block("table", rows=cells, heads=len(heads))


def _words(element: etree._Element | None) -> str:
    return _plain(" ".join(element.itertext())) if element is not None else ""


def _plain(text: str) -> str:
    return " ".join(text.split())


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
