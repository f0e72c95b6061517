"""Where other systems are reached."""

import pytest

from teleconsult.accounts import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.endpoints import (
    EXAMPLES,
    add_endpoint,
    change_endpoint,
    checked_address,
    endpoints_here,
)
from teleconsult.directory.models import ConnectionType, EndpointStatus
from teleconsult.errors import Conflict, Invalid, NotFound
from tests.people import Cast
from tests.teleconsult.directory.steps import audited

C = ConnectionType


async def test_an_endpoint_is_added_suspended_given_up_and_taken_up_again(
    sessions: Sessions, admin: Actor, admin_elsewhere: Actor
) -> None:
    async def add() -> object:
        async with transaction(sessions, admin) as session:
            return (
                await add_endpoint(
                    session, admin, connection_type=C.FHIR, name=" Record  system ", address=EXAMPLES[C.FHIR]
                )
            ).id

    endpoint_id = await add()
    with pytest.raises(Conflict):
        await add()
    for status in (EndpointStatus.SUSPENDED, EndpointStatus.SUSPENDED, EndpointStatus.OFF):
        async with transaction(sessions, admin) as session:
            (kept,) = await endpoints_here(session, admin)
            assert kept.name == "Record system"
            await change_endpoint(session, admin, endpoint_id=kept.id, status=status)
    async with transaction(sessions, admin) as session:
        assert not await endpoints_here(session, admin)
    assert await add() == endpoint_id
    with pytest.raises(NotFound):
        async with transaction(sessions, admin_elsewhere) as session:
            await change_endpoint(session, admin_elsewhere, endpoint_id=kept.id, status=EndpointStatus.OFF)
    assert len(await audited(sessions, "endpoint-added")) == 2
    assert len(await audited(sessions, "endpoint-changed")) == 2


async def test_administrators_alone(sessions: Sessions, cast: Cast) -> None:
    for actor in (cast.coordinator, cast.rural, cast.operator):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await add_endpoint(session, actor, connection_type=C.FHIR, name="x", address=EXAMPLES[C.FHIR])


@pytest.mark.parametrize("kind", C)
def test_every_example_is_an_address_of_its_kind(kind: ConnectionType) -> None:
    assert checked_address(kind, f" {EXAMPLES[kind]} ") == EXAMPLES[kind]


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        (C.FHIR, "https://FHIR.Hospital.example:8443/r4/", "https://fhir.hospital.example:8443/r4"),
        (C.HL7V2, "10.0.3.7:2575", "10.0.3.7:2575"),
        (C.HL7V2, "[fd00::7]:2575", "[fd00::7]:2575"),
        (C.DIMSE, "CT 1@ct.hospital.example:104", "CT 1@ct.hospital.example:104"),
        (C.SECURE_MAIL, "Cardio@CHU.mssante.example", "cardio@chu.mssante.example"),
    ],
)
def test_addresses_are_kept_in_one_spelling(kind: ConnectionType, typed: str, kept: str) -> None:
    assert checked_address(kind, typed) == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (C.FHIR, ""),
        (C.FHIR, "http://fhir.hospital.example"),
        (C.FHIR, "file:///etc/passwd"),
        (C.FHIR, "https://"),
        (C.FHIR, "https://localhost/r4"),
        (C.FHIR, "https://127.0.0.1/r4"),
        (C.FHIR, "https://2130706433/r4"),
        (C.FHIR, "https://0x7f.1/r4"),
        (C.FHIR, "https://[::1]/r4"),
        (C.FHIR, "https://[::ffff:127.0.0.1]/r4"),
        (C.FHIR, "https://169.254.169.254/latest"),
        (C.FHIR, "https://user:secret@fhir.hospital.example"),
        (C.FHIR, "https://fhir.hospital.example/?next=x"),
        (C.FHIR, "https://fhir.hospital.example/#x"),
        (C.FHIR, "https://fhir.hospital.example/../admin"),
        (C.FHIR, "https://fhir.hospital.example:99999/"),
        (C.FHIR, "https://fhir.hospital.example\\@localhost/"),
        (C.FHIR, "https://fhir.hospital.example/\r\nHost: x"),
        (C.FHIR, "https://fhír.example/"),
        (C.FHIR, "https://" + "a" * 400 + ".example"),
        (C.DICOM_WEB, "pacs.hospital.example:8042"),
        (C.HL7V2, "hl7.hospital.example"),
        (C.HL7V2, "hl7.hospital.example:0"),
        (C.HL7V2, "hl7.hospital.example:٢٥٧٥"),
        (C.HL7V2, "localhost:2575"),
        (C.HL7V2, "0.0.0.0:2575"),
        (C.DIMSE, "pacs.hospital.example:104"),
        (C.DIMSE, "A TITLE TOO LONG X@pacs.hospital.example:104"),
        (C.DIMSE, "A\\B@pacs.hospital.example:104"),
        (C.DIMSE, " PACS@@pacs.hospital.example:104"),
        (C.SECURE_MAIL, "not an address"),
        (C.SECURE_MAIL, "a@localhost"),
        (C.SECURE_MAIL, "a@b@c.example"),
    ],
)
def test_what_is_no_address_or_is_this_machine_is_refused(kind: ConnectionType, typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_address(kind, typed)
    assert "address" in refused.value.fields
