"""What administration keeps of the world the authorization matrix walks, and who may know of it."""

import secrets
import uuid
from datetime import timedelta
from typing import Any

from teleconsult.accounts.models import FederatedIdentity, IssuedToken, Passkey, WebSession
from teleconsult.clock import now
from teleconsult.db import Base
from teleconsult.directory.mailboxes.models import ImportStatus, MailboxImport, MailboxSource
from teleconsult.directory.models import (
    ConnectionType,
    DirectoryImport,
    DutyShift,
    Endpoint,
    HealthcareService,
    Specialty,
)
from teleconsult.hl7v2.models import Acknowledgment, Hl7Message, Hl7Sender
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.pacs.models import Pacs, PacsKind
from teleconsult.messages.models import PushDevice
from teleconsult.patients.links import CaseKind, IdentityCase, LinkBasis, PatientLink
from teleconsult.patients.models import BreakGlass, GlassReason, PatientIdentifier
from teleconsult.patients.national_ids import QUEBEC
from teleconsult.received.models import ReceivedMessage
from teleconsult.systems.models import FhirClient
from tests.people import Cast


def administered(cast: Cast) -> list[tuple[str, Base, str, tuple[str, ...]]]:
    """What administration keeps: the cast's administrator is the tertiary hospital's."""
    moment, tertiary, elsewhere = now(), cast.organizations["tertiary"].id, cast.organizations["elsewhere"].id
    hour = timedelta(hours=1)
    rural_service = HealthcareService(organization_id=cast.organizations["rural"].id, specialty=Specialty.GENERAL)
    rows: list[tuple[str, Base, str, tuple[str, ...]]] = [
        (
            "opening",
            BreakGlass(
                patient_id=cast.patient.id,
                organization_id=cast.patient.organization_id,
                practitioner_role_id=cast.oncall.role_id,
                kind=GlassReason.DANGER,
                reason="Found unconscious.",
                started_at=moment - 2 * hour,
                expires_at=moment - hour,
            ),
            "opening",
            ("oncall", "privacy"),
        ),
        (
            "patient's number",
            PatientIdentifier(patient_id=cast.patient.id, system=QUEBEC, value="BELR51531414", recorded_at=moment),
            "patient number",
            ("rural", "colleague", "nurse", "secretary"),
        ),
        (
            "patient's link",
            PatientLink(
                patient_id=cast.patient.id,
                other_id=cast.patient_elsewhere.id,
                basis=LinkBasis.DECISION,
                linked_at=moment,
                linked_by_id=cast.rural.role_id,
            ),
            "patient link",
            ("rural", "secretary"),
        ),
        (
            "waiting study",
            _waiting(cast.organizations["rural"].id, "1.2.840.1"),
            "waiting study",
            ("rural", "colleague", "nurse", "secretary"),
        ),
        (
            "stranger's waiting study",
            _waiting(elsewhere, "1.2.840.2"),
            "waiting study",
            ("stranger", "nurse_elsewhere"),
        ),
        (
            "patient's case",
            IdentityCase(
                organization_id=cast.patient.organization_id,
                patient_id=cast.patient.id,
                other_id=cast.patient_elsewhere.id,
                kind=CaseKind.SAME_NUMBER,
                found_at=moment,
            ),
            "identity case",
            ("secretary",),
        ),
        ("rural service", rural_service, "service", ()),
        (
            "shift",
            DutyShift(
                service_id=cast.neurology.id,
                practitioner_role_id=cast.specialist.role_id,
                starts_at=moment,
                ends_at=moment + hour,
                created_at=moment,
            ),
            "shift",
            ("admin", "coordinator"),
        ),
    ]
    for name, house, insiders in (("tertiary", tertiary, ("admin",)), ("clinic's", elsewhere, ())):
        endpoint = Endpoint(
            organization_id=house,
            connection_type=ConnectionType.FHIR,
            name="Records",
            address=f"https://fhir-{uuid.uuid4().hex}.example.test/r4",
            updated_at=moment,
        )
        extract = DirectoryImport(
            organization_id=house,
            file_name="extract.txt",
            sha256=bytes(32),
            lines=0,
            refused=[],
            created_by_id=cast.admin.role_id if house == tertiary else cast.stranger.role_id,
            created_at=moment,
        )
        file = MailboxImport(
            organization_id=house,
            file_name="mailboxes.json",
            source=MailboxSource.FHIR,
            object_key="",
            sha256=bytes(32),
            is_whole=True,
            status=ImportStatus.READING,
            size=1,
            refused=[],
            created_by_id=cast.admin.role_id if house == tertiary else cast.stranger.role_id,
            created_at=moment,
        )
        received = ReceivedMessage(
            organization_id=house,
            message_id="<1@other.test>",
            sha256=bytes(32),
            sender="cabinet@other.test",
            subject="",
            object_key="",
            told={},
            documents=[],
            received_at=moment,
        )
        sorters = (
            ("admin", "coordinator", "specialist", "second", "oncall")
            if house == tertiary
            else ("stranger", "nurse_elsewhere")
        )
        sender = Hl7Sender(
            id=uuid.uuid4(), organization_id=house, name="Laboratory", facility=f"{name}", created_at=moment
        )
        message = Hl7Message(
            sender_id=sender.id,
            organization_id=house,
            control_id="1",
            sha256=b"",
            kind="ORU^R01",
            content=b"",
            received_at=moment,
            acknowledgment=Acknowledgment.ERROR,
        )
        client = FhirClient(organization_id=house, name="Registry", keys=[], scope="system/*.rs", created_at=moment)
        peer = DicomPeer(
            organization_id=house,
            name="Scanner",
            ae_title=name[:16],
            network="192.0.2.1/32",
            created_at=moment,
        )
        pacs = Pacs(
            organization_id=house,
            name="PACS",
            kind=PacsKind.DICOMWEB,
            address="https://127.0.0.1/dicom-web",
            created_at=moment,
        )
        rows += [
            (f"{name} dicom peer", peer, "dicom peer", insiders),
            (f"{name} pacs", pacs, "pacs", insiders),
            (f"{name} endpoint", endpoint, "endpoint", insiders),
            (f"{name} import", extract, "import", insiders),
            (f"{name} file of mailboxes", file, "mailbox import", insiders),
            (f"{name} received", received, "received message", sorters),
            (f"{name} fhir client", client, "fhir client", insiders),
            (f"{name} sender", sender, "sender", insiders),
            (f"{name} message", message, "message", insiders),
        ]
    for who in ("rural", "specialist"):
        actor = getattr(cast, who)
        watching = ("admin",) if actor.organization_id == tertiary else ()
        factor: dict[str, Any] = {"account_id": actor.account_id, "created_at": moment}
        rows += [
            (
                f"{who}'s session",
                WebSession(
                    token_hash=secrets.token_bytes(32),
                    account_id=actor.account_id,
                    practitioner_role_id=actor.role_id,
                    created_at=moment,
                    last_seen_at=moment,
                    factor_at=moment,
                    expires_at=moment + hour,
                ),
                "session",
                (who, *watching),
            ),
            (
                f"{who}'s token",
                IssuedToken(
                    account_id=actor.account_id,
                    practitioner_role_id=actor.role_id,
                    organization_id=actor.organization_id,
                    scope="consults",
                    created_at=moment,
                    expires_at=moment + hour,
                ),
                "token",
                (who, *watching),
            ),
            (
                f"{who}'s device",
                PushDevice(**factor, endpoint=f"https://push.test/{who}", p256dh=b"", auth=b""),
                "device",
                (who,),
            ),
            (
                f"{who}'s passkey",
                Passkey(**factor, credential_id=secrets.token_bytes(16), public_key=b"", sign_count=0, name="Key"),
                "passkey",
                (who,),
            ),
            (
                f"{who}'s identity",
                FederatedIdentity(
                    account_id=actor.account_id,
                    issuer="https://issuer.example.test",
                    subject=uuid.uuid4().hex,
                    claims={},
                    linked_at=moment,
                ),
                "identity",
                (who,),
            ),
        ]
    return rows


def _waiting(house: uuid.UUID, uid: str) -> ImagingStudy:
    return ImagingStudy(organization_id=house, study_instance_uid=uid, source="Scanner", created_at=now())
