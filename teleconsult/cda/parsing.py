"""XML from outside, read without following anything it names."""

from typing import Final

from lxml import etree

from teleconsult.errors import Invalid

LARGEST: Final = 20 * 1024 * 1024
DEEPEST: Final = 200
UNREADABLE: Final = "This is no CDA document that can be read here."


def parse_xml(content: bytes) -> etree._Element:
    """The root of a document: no entities but XML's own, no DTD, nothing fetched, bounded in size and depth.

    Raises Invalid on field `file`.
    """
    if len(content) > LARGEST:
        raise Invalid({"file": "This document is too large: 20 MB at most."})
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Invalid({"file": UNREADABLE}) from error
    if root.getroottree().docinfo.doctype:
        raise Invalid({"file": UNREADABLE})
    depth = 0
    for event, _element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            raise Invalid({"file": UNREADABLE})
    return root
