"""What a document is called, and what it is."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from teleconsult.errors import Invalid
from teleconsult.records.cataloguing import DocumentKind, catalogued, kind_of, of_kind
from teleconsult.records.documents import PDF, TEXT, Document

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 2, tzinfo=UTC)
LETTER = Document(PDF, b"%PDF-1.7", inside=Document(TEXT, b"words"))
WAS = LETTER.resource(UUID(int=1), title="scan.bin", at=AT)


def test_title_kind_and_date_change_and_the_bytes_do_not() -> None:
    now = catalogued(WAS, title="Lettre de sortie", at=LATER, kind=DocumentKind.DISCHARGE)
    assert (now["description"], now["date"], kind_of(now)) == (
        "Lettre de sortie",
        "2026-03-02T00:00:00+00:00",
        DocumentKind.DISCHARGE,
    )
    for before, after in zip(WAS["content"], now["content"], strict=True):
        assert after["attachment"]["title"] == "Lettre de sortie"
        changing = {"title", "creation"}
        kept = {name: value for name, value in after["attachment"].items() if name not in changing}
        assert kept == {name: value for name, value in before["attachment"].items() if name not in changing}


def test_another_systems_word_for_the_kind_stays_until_one_is_chosen() -> None:
    theirs = {**WAS, "type": {"coding": [{"system": "urn:theirs", "code": "X"}], "text": "Lettre"}}
    assert kind_of(theirs) is None
    assert of_kind(theirs, None)["type"]["text"] == "Lettre"
    ours = of_kind(theirs, DocumentKind.REFERRAL)
    assert kind_of(ours) is DocumentKind.REFERRAL
    worded = {**ours, "type": {**ours["type"], "text": "Demande"}}
    assert of_kind(worded, DocumentKind.REFERRAL) == worded, "nothing is lost where nothing changes"


@pytest.mark.parametrize("title", ["", "x" * 201])
def test_a_document_has_a_name(title: str) -> None:
    with pytest.raises(Invalid):
        catalogued(WAS, title=title, at=AT)


@pytest.mark.parametrize("odd", [None, "x", {"coding": "x"}, {"coding": [3, {"code": 4}]}])
def test_odd_kinds_are_none(odd: object) -> None:
    assert kind_of({"type": odd}) is None
    assert catalogued({"type": odd, "content": [{}, 3]}, title="A", at=AT)["content"] == [{}]
