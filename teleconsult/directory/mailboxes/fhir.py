"""Mailboxes in FHIR resources of the French national directory (ANS, IG Annuaire Santé 1.1: as-dp-practitioner,
as-dp-practitionerrole, as-dp-organization), as one Bundle or as NDJSON (Bulk Data IG §4.3).

A mailbox is a telecom whose email type is MSSANTE; an e-mail without that mark is an ordinary one. The file is read
twice, piece by piece: first the names that roles refer to, then the mailboxes. `active: false` marks what was deleted.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import ijson
import orjson

from teleconsult.directory.mailboxes.addresses import plain_address
from teleconsult.directory.mailboxes.extract import TITLES
from teleconsult.directory.mailboxes.listed import (
    NO_ADDRESS,
    NO_OWNER,
    NO_TYPE,
    NOT_READ,
    Listed,
    RefusedPlace,
    shown_name,
)
from teleconsult.directory.mailboxes.models import MailboxType
from teleconsult.directory.mailboxes.numbers import RPPS, STRUCTURE, person_number, structure_number
from teleconsult.errors import Invalid, TooLarge

LONGEST_LINE: Final = 1024 * 1024
MOST_RESOURCES: Final = 1_500_000
MOST_TELECOMS: Final = 50
MOST_NAMED: Final = 600_000
"""Practitioners and organizations whose names are held in memory while the mailboxes are read."""
EXTENSION: Final = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"
EMAIL_TYPE: Final = "contact-point-email-type"
"""How the extension's address ends: it moved from interopsante.org to hl7.fr."""
SECURE: Final = "MSSANTE"
KINDS: Final = ("Practitioner", "PractitionerRole", "Organization")
Resource = Mapping[str, Any]
Named = tuple[str, str, str, str, str]
"""Number, family (or the structure's name), given, prefix, place."""


def read_mailboxes(path: Path) -> Iterator[Listed | RefusedPlace | int]:
    """Every mailbox, what could not be read, and now and then an int: bytes read so far, of half their worth.

    Raises Invalid for what is no Bundle and no NDJSON, TooLarge for too many resources.
    """
    size, has_any = path.stat().st_size, False
    names: dict[str, Named] = {}
    for place, (resource, at) in enumerate(_resources(path), start=1):
        if isinstance(resource, Mapping) and resource.get("resourceType") in ("Practitioner", "Organization"):
            reference = f"{resource['resourceType']}/{_text(resource.get('id'))}"
            names[reference] = _named(resource)
            if len(names) > MOST_NAMED:
                raise TooLarge("This file has too many people. Take one region.")
        has_any = has_any or (isinstance(resource, Mapping) and resource.get("resourceType") in KINDS)
        if place % 1000 == 0:
            yield at // 2
    if not has_any:
        raise Invalid({"file": "Nobody of the directory is in this file."})
    for place, (resource, at) in enumerate(_resources(path), start=1):
        if not isinstance(resource, Mapping):
            yield RefusedPlace(place, NOT_READ)
        elif resource.get("resourceType") in KINDS:
            yield from _mailboxes_of(resource, place, names)
        if place % 1000 == 0:
            yield (size + at) // 2


def _resources(path: Path) -> Iterator[tuple[Any, int]]:
    with path.open("rb") as file:
        found = _of_bundle(file) if _is_bundle(path) else _of_lines(file)
        for number, resource in enumerate(found, start=1):
            if number > MOST_RESOURCES:
                raise TooLarge("This file has too many resources. Take one region.")
            yield resource, file.tell()


def _is_bundle(path: Path) -> bool:
    """A Bundle, unless its first line is a resource by itself."""
    with path.open("rb") as file:
        first = file.readline(LONGEST_LINE)
    try:
        whole = orjson.loads(first)
    except ValueError:
        return True
    return isinstance(whole, dict) and whole.get("resourceType") == "Bundle"


def _of_bundle(file: BinaryIO) -> Iterator[Any]:
    kind = None
    try:
        kind = next(ijson.items(file, "resourceType"), None)
        file.seek(0)
        if kind == "Bundle":
            yield from ijson.items(file, "entry.item.resource", use_float=True)
    except (ijson.JSONError, ValueError) as error:
        raise Invalid({"file": "This file ends before its end, or is no JSON."}) from error
    if kind != "Bundle":
        raise Invalid({"file": "This is no FHIR Bundle of the directory, and no NDJSON."})


def _of_lines(file: BinaryIO) -> Iterator[Any]:
    while raw := file.readline(LONGEST_LINE):
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            while (piece := file.readline(65536)) and not piece.endswith(b"\n"):
                pass
            yield None
        elif raw.strip():
            try:
                yield orjson.loads(raw)
            except ValueError:
                yield None


def _mailboxes_of(resource: Resource, place: int, names: Mapping[str, Named]) -> Iterator[Listed | RefusedPlace]:
    kind = resource["resourceType"]
    person: Named = ("", "", "", "", "")
    structure: Named = person
    if kind == "Organization":
        structure = _named(resource)
    elif kind == "Practitioner":
        person = _named(resource)
    else:
        person = names.get(_reference(resource.get("practitioner")), (_number(resource, RPPS), "", "", "", ""))
        structure = names.get(_reference(resource.get("organization")), structure)
    if resource.get("active") is False:
        if person[0] or structure[0]:
            yield Listed("", "", False, person[0], structure[0], is_active=False)  # all of theirs is gone
        return
    for telecom in _dicts(resource.get("telecom"))[:MOST_TELECOMS]:
        if telecom.get("system") != "email" or not telecom.get("value"):
            continue
        address, kind_of_box, is_secure, more = _read_telecom(telecom)
        if not address:
            yield RefusedPlace(place, NO_ADDRESS)
        elif is_secure and kind_of_box not in set(MailboxType):
            yield RefusedPlace(place, NO_TYPE)
        elif not (person[0] or structure[0]):
            yield RefusedPlace(place, NO_OWNER)
        else:
            yield Listed(
                address=address,
                type=kind_of_box if is_secure else "",
                is_secure=is_secure,
                registration_number=person[0],
                structure_number=structure[0],
                family=person[1],
                given=person[2],
                prefix=person[3],
                profession=_profession(resource),
                structure=structure[1],
                service=more[0],
                place=structure[4],
                is_red_listed=more[1],
            )


def _read_telecom(telecom: Resource) -> tuple[str, str, bool, tuple[str, bool]]:
    """Address, type, whether it is marked as secure, and (service or description, whether on the red list)."""
    secure, kind, service, description, is_red = False, "", "", "", False
    for extension in _dicts(telecom.get("extension")):
        url = _text(extension.get("url"))
        if url.endswith(EMAIL_TYPE):
            secure = secure or _code(extension.get("valueCoding"), extension.get("valueCodeableConcept")) == SECURE
        elif url == EXTENSION:
            for part in _dicts(extension.get("extension")):
                name = part.get("url")
                if name == "type":
                    kind = _code(part.get("valueCoding"), part.get("valueCodeableConcept"))
                elif name == "service":
                    service = shown_name(_text(part.get("valueString")))
                elif name == "description":
                    description = shown_name(_text(part.get("valueString")))
                elif name == "listeRouge":
                    is_red = part.get("valueBoolean") is True
    return plain_address(_text(telecom.get("value"))), kind, secure, (service or description, is_red)


def _named(resource: Resource) -> Named:
    address = next(iter(_dicts(resource.get("address"))), {})
    if resource["resourceType"] == "Organization":
        number = _number(resource, STRUCTURE) or _number(resource, "finess") or _number(resource, "sirene")
        return number, shown_name(_text(resource.get("name"))), "", "", shown_name(_text(address.get("city")))
    name = next(iter(_dicts(resource.get("name"))), {})
    given = " ".join(_text(one) for one in _list(name.get("given"))[:5])
    titles = (TITLES.get(_text(one).lower().rstrip("."), "") for one in _list(name.get("prefix"))[:5])
    return (
        _number(resource, RPPS),
        shown_name(_text(name.get("family"))),
        shown_name(given),
        next(filter(None, titles), ""),
        "",
    )


def _number(resource: Resource, system: str) -> str:
    read = person_number if system == RPPS else structure_number
    for identifier in _dicts(resource.get("identifier"))[:20]:
        said = _text(identifier.get("system"))
        is_of_system = said == system or (not system.startswith("urn:") and system in said)
        if (is_of_system or (system == RPPS and "rpps" in said)) and (number := read(_text(identifier.get("value")))):
            return number
    return ""


def _profession(resource: Resource) -> str:
    if resource["resourceType"] != "PractitionerRole":
        return ""
    said = (
        _text(coding.get("display"))
        for concept in (*_dicts(resource.get("code")), *_dicts(resource.get("specialty")))
        for coding in _dicts(concept.get("coding"))
    )
    return " · ".join(dict.fromkeys(shown_name(one) for one in said if one))[:200]


def _code(*codings: Any) -> str:
    for coding in codings:
        if isinstance(coding, Mapping):
            inside = [coding, *_dicts(coding.get("coding"))]
            if code := next((_text(one.get("code")) for one in inside if one.get("code")), ""):
                return code
    return ""


def _reference(value: Any) -> str:
    """`Practitioner/1` of a relative or absolute reference."""
    said = _text(value.get("reference")) if isinstance(value, Mapping) else ""
    return "/".join(said.split("/")[-2:])


def _text(value: Any) -> str:
    """Text as it may be kept: nothing but what is printed."""
    return "".join(letter for letter in value[:1000] if letter.isprintable()) if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[Resource]:
    return [one for one in _list(value) if isinstance(one, Mapping)]
