"""What files of the national directory say: a mailbox is one by its mark, and bad places are refused by number."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from teleconsult.directory.mailboxes.extract import read_mailboxes as read_extract
from teleconsult.directory.mailboxes.fhir import read_mailboxes as read_fhir
from teleconsult.directory.mailboxes.listed import (
    NO_ADDRESS,
    NO_OWNER,
    NO_TYPE,
    NOT_READ,
    Listed,
    RefusedPlace,
    source_of,
)
from teleconsult.directory.mailboxes.models import MailboxSource
from teleconsult.directory.mailboxes.reader import mailboxes_in
from teleconsult.errors import Invalid
from tests.teleconsult.directory.mailboxes.files import (
    FINESS,
    RPPS,
    bundle,
    extract,
    line,
    ndjson,
    organization,
    person_line,
    practitioner,
    role,
    telecom,
    written,
)

RESOURCES = [
    role(RPPS, FINESS, telecom("jm.dupont@chru.mssante.fr")),
    practitioner(RPPS, telecom("JM.Dupont@medecin.mssante.fr", red=True), telecom("jm@gmail.com", marked=False)),
    organization(FINESS, telecom("app@chru.mssante.fr", "APP"), {"system": "email", "value": "direction@chru.fr"}),
]
HERE = Listed(
    address="jm.dupont@chru.mssante.fr",
    type="PER",
    is_secure=True,
    registration_number=RPPS,
    structure_number=FINESS,
    family="Dupont",
    given="Jean-Marie",
    prefix="Dr",
    profession="Médecin",
    structure="Chru Nancy - Hopitaux De Brabois",
    service="Neurologie",
    place="Vandoeuvre Les Nancy",
)


def mailboxes(found: Sequence[Listed | RefusedPlace | int]) -> dict[str, Listed]:
    return {one.address: one for one in found if isinstance(one, Listed)}


@pytest.mark.parametrize("write", [bundle, ndjson])
def test_resources_tell_whose_a_mailbox_is_and_whether_it_is_one(tmp_path: Path, write: object) -> None:
    assert callable(write)
    found = mailboxes(list(read_fhir(written(tmp_path, write(RESOURCES)))))
    assert found["jm.dupont@chru.mssante.fr"] == HERE
    carried = found["jm.dupont@medecin.mssante.fr"]
    assert (carried.is_red_listed, carried.structure_number, carried.is_secure) == (True, "", True)
    ordinary = found["jm@gmail.com"], found["direction@chru.fr"]
    assert [(one.is_secure, one.type) for one in ordinary] == [(False, ""), (False, "")]
    assert (found["app@chru.mssante.fr"].type, found["app@chru.mssante.fr"].registration_number) == ("APP", "")


def test_what_is_not_active_takes_all_of_its_mailboxes_along(tmp_path: Path) -> None:
    gone = [{**one, "active": False} for one in RESOURCES]
    found = [one for one in read_fhir(written(tmp_path, ndjson(gone))) if isinstance(one, Listed)]
    assert [(one.address, one.registration_number, one.structure_number, one.is_active) for one in found] == [
        ("", RPPS, FINESS, False),
        ("", RPPS, "", False),
        ("", "", FINESS, False),
    ]


def test_a_resource_that_makes_no_sense_is_refused_by_its_place(tmp_path: Path) -> None:
    nameless = {**practitioner("1", telecom("a@b.mssante.fr")), "identifier": [{"system": 7, "value": ["x"]}]}
    lines = [
        *(b"not json", b'{"resourceType": "Practitioner", "telecom": 3, "name": "x"}', b'"a"'),
        json.dumps(practitioner(RPPS, telecom("no address"))).encode(),
        json.dumps(practitioner(RPPS, telecom("x@y.mssante.fr", "XXX"))).encode(),
        json.dumps(nameless).encode(),
        json.dumps(RESOURCES[0]).encode(),
    ]
    path = written(tmp_path, json.dumps(organization()).encode() + b"\n" + b"\n".join(lines))
    found = [one for one in read_fhir(path) if not isinstance(one, int)]
    assert [(one.place, one.reason) for one in found if isinstance(one, RefusedPlace)] == [
        *((2, NOT_READ), (4, NOT_READ), (5, NO_ADDRESS), (6, NO_TYPE), (7, NO_OWNER)),
    ]
    assert mailboxes(found)["jm.dupont@chru.mssante.fr"] == HERE


def test_the_extract_tells_the_same(tmp_path: Path) -> None:
    application = line(
        typedebal="APP", adressebal="APP@chru.mssante.fr", identificationstructure=f"1{FINESS}",
        raisonsocialestructurebal="CHRU NANCY", servicederattachement="NEUROLOGIE",
    )  # fmt: skip
    content = extract(
        person_line("jm.dupont@chru.mssante.fr"),
        application,
        person_line("nobody"),
        person_line("a@b.mssante.fr", number="12"),
        line(typedebal="ZZZ", adressebal="a@b.fr", identificationstructure=FINESS),
        "PER|too|few",
    )
    found = list(read_extract(written(tmp_path, content + b"\xff\xfe|\n" + b"x" * 20_000 + b"\n")))
    assert [one.reason for one in found if isinstance(one, RefusedPlace)] == [
        *(NO_ADDRESS, NO_OWNER, NO_TYPE, NOT_READ, NOT_READ, NOT_READ),
    ]
    person = mailboxes(found)["jm.dupont@chru.mssante.fr"]
    assert (person.registration_number, person.structure_number, person.family) == (RPPS, FINESS, "Dupont")
    assert mailboxes(found)["app@chru.mssante.fr"].service == "Neurologie"


def test_a_kind_of_file_is_told_by_how_it_begins() -> None:
    assert source_of(bundle([])) is MailboxSource.FHIR
    assert source_of(extract()[:500]) is MailboxSource.EXTRACT
    assert source_of(b"PK\x03\x04") is None
    assert source_of(b"a|b|c\n") is None


@pytest.mark.parametrize(
    "content", [b'{"resourceType": "Patient"}{', b'{"resourceType": "Bundle", "entry": [{"resource": ', b"{" * 100_000]
)
async def test_a_damaged_file_ends_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        async for _one in mailboxes_in(written(tmp_path, content), MailboxSource.FHIR):
            pass
    assert refused.value.fields["file"].endswith(".")


async def test_a_process_apart_reads_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, bundle(RESOURCES))
    apart = [one async for one in mailboxes_in(path, MailboxSource.FHIR)]
    assert apart == list(read_fhir(path))
