"""CDA documents: read for whom and by whom, shown as words, and no trap of XML sprung."""

from datetime import date

import pytest

from teleconsult.cda.header import Identifier, header_of
from teleconsult.cda.narrative import Attached, Block, attached_to, sections_of
from teleconsult.cda.parsing import LARGEST, parse_xml
from teleconsult.errors import Invalid
from teleconsult.patients.models import AdministrativeGender
from tests.teleconsult.cda.documents import ATTACHED, HEAD, STRUCTURED


def test_the_header_says_for_whom_and_by_whom() -> None:
    header = header_of(parse_xml((HEAD + STRUCTURED).encode()))
    assert (header.family, header.given) == ("Bélanger", "Rose"), "the names of birth"
    assert (header.birth_date, header.gender) == (date(1951, 3, 14), AdministrativeGender.FEMALE)
    assert header.patient_ids == (
        Identifier("1.2.250.1.213.1.4.8", "275036322074926"),
        Identifier("1.2.3.4.5", "A-1"),
    )
    assert (header.author, header.author_organization, header.custodian) == (
        "Dr Paul Girard",
        "CHU de la Capitale",
        "CHU",
    )
    assert (header.title, header.code, header.id.extension) == ("Lettre de sortie", "11490-0", "d-1")
    assert header.effective_at.isoformat() == "2026-03-01T13:15:00+00:00"


def test_the_body_is_words() -> None:
    history, past = sections_of(parse_xml((HEAD + STRUCTURED).encode()))
    assert (history.title, history.depth, past.title, past.depth) == ("Histoire", 1, "Antécédents", 2)
    assert history.blocks == (
        Block("paragraph", "Venue pour céphalées. Depuis trois semaines."),
        Block("paragraph", "Pas de fièvre ."),
        Block("item", "Apixaban"),
        Block("item", "Métoprolol <50 mg>"),
        Block("paragraph", "Tension"),
        Block("table", rows=(("Heure", "mmHg"), ("10 h", "180/95")), heads=1),
    )


def test_a_body_that_is_a_file() -> None:
    root = parse_xml((HEAD + ATTACHED).encode())
    assert attached_to(root) == Attached("application/pdf", b"%PDF-")
    assert sections_of(root) == []
    broken = parse_xml((HEAD + ATTACHED.replace("JVBE", "J*BE")).encode())
    assert attached_to(broken) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<a/>",
        (HEAD + STRUCTURED).replace("ClinicalDocument", "Document").encode(),
        (HEAD + STRUCTURED).replace('value="202603011415+0100"', 'value="soon"').encode(),
        (HEAD + STRUCTURED).replace("recordTarget", "record").encode(),
        (HEAD + STRUCTURED)[:-20].encode(),
        b"<a>" * 300 + b"</a>" * 300,
        b"<" + b"a" * (LARGEST + 1),
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        (
            '<!DOCTYPE a [<!ENTITY a "xxxxxxxxxx">'
            + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
            + "]><a>&j;</a>"
        ).encode(),
    ],
)
def test_what_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        header_of(parse_xml(content))


@pytest.mark.parametrize(
    ("written", "born"),
    [
        ("19510314", date(1951, 3, 14)),
        ("19510314000000+0100", date(1951, 3, 14)),
        ("1951", None),
        ("soon", None),
    ],
)
def test_a_birth_date_is_the_day_that_is_written(written: str, born: date | None) -> None:
    """At midnight east of Greenwich it is still the day before, in UTC."""
    assert header_of(parse_xml((HEAD + STRUCTURED).replace("19510314", written).encode())).birth_date == born
