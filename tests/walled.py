"""Rows of every table, for tests of what the database shows to whom.

The neurologist answered one consult of the rural doctor's, and a guest was let into its session; another waits for
the trauma service; a third is a draft of the stranger's. The nurse elsewhere broke the glass of the stranger's patient.
The administrator's establishment has a row of everything an administrator sets, the rural doctor one of every way in.
"""

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import (
    FederatedIdentity,
    IssuedToken,
    OneTimeSecret,
    Passkey,
    PersonalKey,
    RecoveryCode,
    SecretPurpose,
    SignInAttempt,
    TokenKey,
    Totp,
    WebSession,
)
from teleconsult.audit.models import AuditCheck
from teleconsult.clock import now
from teleconsult.consults.drafting import start_draft
from teleconsult.consults.models import Communication, CommunicationCategory, FollowUp, PatientCourse
from teleconsult.consults.requesting import submit_request
from teleconsult.db import Base, Sessions, transaction
from teleconsult.delivery.models import Channel, Delivery
from teleconsult.delivery.recipient_models import ConsultCorrespondent, GeneralPractitioner, OpposedTo, Opposition
from teleconsult.directory.mailboxes.models import (
    ChoiceKind,
    Mailbox,
    MailboxChoice,
    MailboxDifference,
    MailboxDifferenceKind,
    MailboxImport,
    MailboxSource,
    MailboxType,
)
from teleconsult.directory.models import (
    ConnectionType,
    DifferenceKind,
    DirectoryDifference,
    DirectoryImport,
    DutyShift,
    Endpoint,
    RetentionRule,
    RetentionSubject,
)
from teleconsult.emergencies.models import Emergency, EmergencyPage, Transfer, Transport
from teleconsult.encounters.call_models import Attendance, CallMinute, CallSummary
from teleconsult.encounters.link_models import LinkCheck, LinkVerdict
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterParticipant, GuestKind, GuestPass
from teleconsult.encounters.recording_models import Recording, RecordingConsent, RecordingEnd, RecordingFile
from teleconsult.encounters.session_log import SessionEvent
from teleconsult.excerpts.models import Excerpt, ExcerptRead, ExcerptStudy
from teleconsult.hl7v2.models import Acknowledgment, Hl7Message, Hl7Sender
from teleconsult.imaging.commitment.models import StorageCommitment
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.models import ImagingInstance, ImagingRendition, ImagingSeries, ImagingStudy, RenditionKind
from teleconsult.imaging.pacs.models import Pacs, PacsFetch, PacsKind
from teleconsult.messages.models import Notice, NoticeChoice, PushDevice
from teleconsult.notes.co_signing_models import NoteCoSignature
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from teleconsult.notes.models import Composition, CompositionStatus, NoteRetraction, RetractionReason, SigningKey
from teleconsult.notes.writing_models import NoteDraftVersion, NotePhrase, NoteTemplate
from teleconsult.patients.links import CaseKind, IdentityCase, LinkBasis, PatientLink
from teleconsult.patients.models import BreakGlass, IdentityChange, PatientIdentifier
from teleconsult.received.models import ReceivedMessage
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordIdentifier
from teleconsult.scheduling.hours_models import (
    AvailableTime,
    BookableResource,
    CalendarFeed,
    ExceptionKind,
    ResourceKind,
    Schedule,
    ScheduleException,
    WaitListEntry,
)
from teleconsult.systems.models import FhirClient, UsedAssertion
from tests import consult_steps
from tests.meeting_steps import rows_of_a_meeting
from tests.people import Cast


@dataclass(frozen=True, slots=True)
class Walled:
    """What the rows hang on."""

    consult_id: uuid.UUID
    waiting_id: uuid.UUID
    encounter_id: uuid.UUID
    excerpt_id: uuid.UUID
    study_id: uuid.UUID
    series_id: uuid.UUID
    note_id: uuid.UUID
    pass_id: uuid.UUID
    link_id: uuid.UUID
    case_id: uuid.UUID
    recording_id: uuid.UUID


async def walled(cast: Cast, sessions: Sessions) -> Walled:
    """Fill every table."""
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        waiting = await start_draft(session, cast.rural, patient_id=cast.patient.id)
        await submit_request(
            session,
            cast.rural,
            consult_id=waiting.id,
            request=dataclasses.replace(consult_steps.request(cast), service_id=cast.trauma.id),
        )
        await start_draft(session, cast.stranger, patient_id=cast.strangers_patient.id)
        for patient in (cast.patient_elsewhere, cast.strangers_patient):
            filed = await file_entry(
                session,
                SYSTEM,
                patient_id=patient.id,
                resource={"resourceType": "Observation"},
                title="Blood pressure",
                effective_at=now(),
            )
            filed.title, filed.version = "Blood pressure, lying", filed.version + 1
            session.add(
                RecordIdentifier(
                    record_entry_id=filed.id,
                    organization_id=patient.organization_id,
                    system="urn:oid:1.2.3",
                    value=uuid.uuid4().hex,
                )
            )
        room = (await session.scalars(select(Encounter).where(Encounter.service_request_id == consult.id))).one()
        excerpt = (await session.scalars(select(Excerpt).where(Excerpt.service_request_id == consult.id))).one()
        ids = Walled(consult.id, waiting.id, room.id, excerpt.id, *(uuid.uuid4() for _ in range(7)))
        for rows in (
            rows_of_a_meeting(cast, consult.id, room.appointment_id),
            _exchange(cast, ids),
            _told(cast, ids),
            _agenda(cast, ids),
            _emergency(cast, ids),
            _images(cast, ids),
            _session(cast, ids),
            _patient(cast, ids),
            _ways_in(cast),
            _directory(cast),
            _recipients(cast, ids),
        ):
            await _add(session, rows)
    return ids


async def _add(session: AsyncSession, rows: list[Base]) -> None:
    for row in rows:
        session.add(row)
        await session.flush()


def _agenda(cast: Cast, ids: Walled) -> list[Base]:
    """A room, the neurologist's hours, a feed, and a consult that waits for an earlier time."""
    moment, house, schedule = now(), cast.specialist.organization_id, uuid.uuid4()
    return [
        BookableResource(organization_id=house, kind=ResourceKind.ROOM, name="Room 12"),
        Schedule(
            id=schedule,
            organization_id=house,
            practitioner_role_id=cast.specialist.role_id,
            time_zone="America/Toronto",
            updated_at=moment,
        ),
        AvailableTime(schedule_id=schedule, weekdays=[1], from_minute=480, until_minute=1020, first_day=moment.date()),
        ScheduleException(
            schedule_id=schedule,
            kind=ExceptionKind.AWAY,
            starts_at=moment + timedelta(days=9),
            ends_at=moment + timedelta(days=10),
        ),
        CalendarFeed(account_id=cast.rural.account_id, token_hash=bytes(32), created_at=moment),
        WaitListEntry(
            service_request_id=ids.consult_id,
            minutes=30,
            wanted_before=moment + timedelta(days=9),
            created_by_id=cast.coordinator.role_id,
            created_at=moment,
        ),
    ]


def _exchange(cast: Cast, ids: Walled) -> list[Base]:
    """A question from the doctor to the specialist, and what became of the patient."""
    return [
        Communication(
            service_request_id=ids.consult_id,
            sender_role_id=cast.rural.role_id,
            category=CommunicationCategory.MESSAGE,
            text="May she eat?",
            sent_at=now(),
        ),
        FollowUp(
            service_request_id=ids.consult_id,
            recorded_by_id=cast.rural.role_id,
            recorded_at=now(),
            plan_followed=True,
            journey_avoided=True,
            patient_course=PatientCourse.BETTER,
        ),
    ]


def _emergency(cast: Cast, ids: Walled) -> list[Base]:
    """Of the consult that waits for the trauma service; its specialist on duty is rung."""
    emergency = Emergency(id=uuid.uuid4(), service_request_id=ids.waiting_id, pressed_at=now())
    return [
        emergency,
        EmergencyPage(
            emergency_id=emergency.id,
            practitioner_role_id=cast.oncall.role_id,
            service_id=cast.trauma.id,
            paged_at=now(),
        ),
        Transfer(
            service_request_id=ids.waiting_id,
            destination_id=cast.organizations["tertiary"].id,
            transport=Transport.AMBULANCE,
            requested_at=now(),
            requested_by_id=cast.rural.role_id,
        ),
    ]


def _told(cast: Cast, ids: Walled) -> list[Base]:
    """What the doctor was told, and how they wish to be."""
    moment, account = now(), cast.rural.account_id
    return [
        Notice(
            practitioner_role_id=cast.rural.role_id,
            service_request_id=ids.consult_id,
            occasion="ConsultBooked",
            occurrence=uuid.uuid4(),
            happened_at=moment,
        ),
        NoticeChoice(account_id=account, channels=[], topics=[], reminders=[], updated_at=moment),
        PushDevice(account_id=account, endpoint="https://push.test/1", p256dh=b"", auth=b"", created_at=moment),
    ]


def _images(cast: Cast, ids: Walled) -> list[Base]:
    """A study shared with the neurologist, and the archive it was fetched from."""
    house, pacs, image = cast.rural.organization_id, uuid.uuid4(), uuid.uuid4()
    return [
        ImagingStudy(
            id=ids.study_id,
            organization_id=house,
            patient_id=cast.patient.id,
            service_request_id=ids.consult_id,
            study_instance_uid="1.2.3",
            created_at=now(),
        ),
        ImagingSeries(id=ids.series_id, imaging_study_id=ids.study_id, series_instance_uid="1.2.3.4", modality="CT"),
        ImagingInstance(
            organization_id=house,
            imaging_series_id=ids.series_id,
            sop_instance_uid="1.2.3.4.5",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            size=1,
            sha256=b"",
            object_key="an image",
            created_at=now(),
            id=image,
        ),
        ImagingRendition(
            imaging_instance_id=image,
            kind=RenditionKind.PREVIEW,
            object_key="pictures",
            source_sha256=b"",
            created_at=now(),
        ),
        ExcerptStudy(excerpt_id=ids.excerpt_id, imaging_study_id=ids.study_id),
        ExcerptRead(excerpt_id=ids.excerpt_id, practitioner_role_id=cast.specialist.role_id, read_at=now()),
        Pacs(id=pacs, organization_id=house, name="PACS", kind=PacsKind.DICOMWEB, address="", created_at=now()),
        PacsFetch(
            organization_id=house,
            pacs_id=pacs,
            service_request_id=ids.consult_id,
            requester_role_id=cast.rural.role_id,
            study_instance_uid="1.2.3",
            created_at=now(),
            changed_at=now(),
        ),
    ]


def _session(cast: Cast, ids: Walled) -> list[Base]:
    """What was written in the session and of it, and a guest who was let in."""
    moment, seat = now(), uuid.uuid4()
    return [
        GuestPass(
            id=ids.pass_id,
            encounter_id=ids.encounter_id,
            patient_id=cast.patient.id,
            kind=GuestKind.PATIENT,
            name="Rose",
            token_hash=b"link",
            browser_hash=b"browser",
            created_by_id=cast.rural.role_id,
            created_at=moment,
            expires_at=moment + timedelta(hours=1),
            opened_at=moment,
            admitted_at=moment,
        ),
        EncounterParticipant(id=seat, encounter_id=ids.encounter_id, guest_pass_id=ids.pass_id),
        ChatMessage(encounter_id=ids.encounter_id, participant_id=seat, text="Hello", sent_at=moment),
        SessionEvent(encounter_id=ids.encounter_id, kind="room", body={"state": "live"}, at=moment),
        Attendance(encounter_id=ids.encounter_id, participant_id=seat, came_at=moment, seen_at=moment),
        CallMinute(encounter_id=ids.encounter_id, participant_id=seat, begins_at=moment, figures=[]),
        CallSummary(
            encounter_id=ids.encounter_id,
            participant_id=seat,
            ended_at=moment,
            seconds=60,
            video_seconds=60,
            picture_seconds=0,
            sound_seconds=0,
            weak_seconds=0,
            interruptions=0,
            interrupted_seconds=0,
        ),
        LinkCheck(
            participant_id=seat, checked_at=moment, verdict=LinkVerdict.SOUND, has_camera=True, has_microphone=True
        ),
        Recording(
            id=ids.recording_id,
            encounter_id=ids.encounter_id,
            patient_id=cast.patient.id,
            asked_by_id=seat,
            asked_at=moment,
            started_at=moment,
            ended_at=moment,
            ended_why=RecordingEnd.STOPPED,
        ),
        RecordingConsent(recording_id=ids.recording_id, participant_id=seat, agreed=True, answered_at=moment),
        RecordingFile(recording_id=ids.recording_id, participant_id=seat, part=1, what="main", begun_at=moment),
        Composition(
            id=ids.note_id,
            service_request_id=ids.consult_id,
            patient_id=cast.patient.id,
            author_role_id=cast.specialist.role_id,
            status=CompositionStatus.FINAL,
            created_at=moment,
            updated_at=moment,
            signed_at=moment,
            content=b"{}",
            pdf_object_key="a note",
        ),
        Delivery(composition_id=ids.note_id, channel=Channel.PATIENT_FILE, destination="", created_at=moment),
        NoteRetraction(
            composition_id=ids.note_id,
            reason=RetractionReason.ERROR,
            explanation="The wrong side.",
            retracted_at=moment,
            retracted_by_id=cast.specialist.role_id,
        ),
        NoteCoSignature(
            composition_id=ids.note_id,
            practitioner_role_id=cast.specialist.role_id,
            name="Dr Minh",
            meeting_title="Stroke board",
            asked_by_id=cast.specialist.role_id,
            asked_at=moment,
        ),
        NoteDraftVersion(composition_id=ids.note_id, version=1, sections={}, written_at=moment),
        NoteTemplate(organization_id=cast.specialist.organization_id, name="Ours", sections={}, updated_at=moment),
        NotePhrase(
            organization_id=cast.specialist.organization_id,
            practitioner_role_id=cast.specialist.role_id,
            shortcut="mine",
            text="Mine",
            updated_at=moment,
        ),
        NoteEvidence(
            composition_id=ids.note_id, number=1, level=Level.B_LTA, state=EvidenceState.PENDING, created_at=moment
        ),
    ]


def _patient(cast: Cast, ids: Walled) -> list[Base]:
    moment = now()
    return [
        PatientIdentifier(patient_id=cast.patient.id, system="urn:oid:1.2", value="BELR", recorded_at=moment),
        PatientLink(
            id=ids.link_id,
            patient_id=cast.patient.id,
            other_id=cast.patient_elsewhere.id,
            basis=LinkBasis.DECISION,
            linked_at=moment - timedelta(hours=1),
            linked_by_id=cast.rural.role_id,
        ),
        IdentityCase(
            id=ids.case_id,
            organization_id=cast.patient.organization_id,
            patient_id=cast.patient.id,
            other_id=cast.patient_elsewhere.id,
            kind=CaseKind.SAME_NUMBER,
            found_at=moment,
        ),
        IdentityChange(patient_id=cast.patient.id, before={}, changed_at=moment, changed_by_id=cast.rural.role_id),
        BreakGlass(
            patient_id=cast.strangers_patient.id,
            organization_id=cast.strangers_patient.organization_id,
            practitioner_role_id=cast.nurse_elsewhere.role_id,
            kind="danger",
            reason="Found unconscious.",
            started_at=moment,
            expires_at=moment + timedelta(hours=1),
        ),
    ]


def _ways_in(cast: Cast) -> list[Base]:
    """One row of every kind for the rural doctor, and what belongs to nobody."""
    moment, account = now(), cast.rural.account_id
    later = moment + timedelta(hours=1)
    return [
        WebSession(
            token_hash=b"cookie",
            account_id=account,
            practitioner_role_id=cast.rural.role_id,
            created_at=moment,
            last_seen_at=moment,
            factor_at=moment,
            expires_at=later,
        ),
        IssuedToken(
            account_id=account,
            practitioner_role_id=cast.rural.role_id,
            organization_id=cast.rural.organization_id,
            scope="files",
            created_at=moment,
            expires_at=later,
        ),
        Totp(account_id=account, secret_sealed=b"", created_at=moment),
        PersonalKey(account_id=account, salt=b"", wrapped=b"", created_at=moment),
        RecoveryCode(account_id=account, code_hash=b"", created_at=moment),
        Passkey(account_id=account, credential_id=b"", public_key=b"", sign_count=0, name="key", created_at=moment),
        FederatedIdentity(account_id=account, issuer="https://id.test", subject="1", claims={}, linked_at=moment),
        OneTimeSecret(purpose=SecretPurpose.INVITATION, account_id=account, created_at=moment, expires_at=later),
        SignInAttempt(address="127.0.0.1", attempted_at=moment, succeeded=False),
        TokenKey(public_key="", private_key_sealed=b"", created_at=moment),
        SigningKey(
            practitioner_id=cast.specialist.practitioner_id,
            certificate="",
            private_key_sealed=b"",
            not_after=later,
            created_at=moment,
        ),
        AuditCheck(asked_by_id=cast.admin.role_id, asked_at=moment, looked_at=moment),
    ]


def _recipients(cast: Cast, ids: Walled) -> list[Base]:
    """Who else receives the note, and what the patient wants."""
    moment, recorder = now(), cast.rural.role_id
    return [
        ConsultCorrespondent(
            service_request_id=ids.consult_id, name="Dr Dupont", recorded_by_id=recorder, recorded_at=moment
        ),
        GeneralPractitioner(
            patient_id=cast.patient.id,
            name="Dr Dupont",
            registration_number="10003456789",
            recorded_by_id=recorder,
            recorded_at=moment,
        ),
        Opposition(
            patient_id=cast.patient.id, opposed_to=OpposedTo.PATIENT, recorded_by_id=recorder, recorded_at=moment
        ),
    ]


def _mailboxes(cast: Cast) -> list[Base]:
    """A file of mailboxes, one of them, what was decided of another, and a mail that came."""
    moment, house, file = now(), cast.admin.organization_id, uuid.uuid4()
    return [
        MailboxImport(
            id=file,
            organization_id=house,
            file_name="mailboxes.json",
            source=MailboxSource.FHIR,
            object_key="",
            sha256=b"",
            is_whole=True,
            size=1,
            refused=[],
            created_by_id=cast.admin.role_id,
            created_at=moment,
        ),
        Mailbox(
            organization_id=house,
            address="dupont@a.mssante.fr",
            type=MailboxType.PERSON,
            is_secure=True,
            source=MailboxSource.FHIR,
            seen_at=moment,
            refreshed_at=moment,
        ),
        MailboxDifference(
            import_id=file,
            kind=MailboxDifferenceKind.ADDED,
            address="roy@a.mssante.fr",
            registration_number="",
            structure_number="",
            before={},
            after={},
        ),
        MailboxChoice(
            organization_id=house,
            kind=ChoiceKind.SEVERAL_BOXES,
            subject="1@",
            decided_by_id=cast.admin.role_id,
            decided_at=moment,
        ),
        ReceivedMessage(
            organization_id=house,
            message_id="",
            sha256=b"",
            sender="",
            subject="",
            object_key="",
            told={},
            documents=[],
            received_at=moment,
        ),
    ]


def _directory(cast: Cast) -> list[Base]:
    """What the administrator of the tertiary hospital set."""
    moment, house, extract, sender = now(), cast.admin.organization_id, uuid.uuid4(), uuid.uuid4()
    client, scanner = uuid.uuid4(), uuid.uuid4()
    return [
        DutyShift(
            service_id=cast.trauma.id,
            practitioner_role_id=cast.oncall.role_id,
            starts_at=moment,
            ends_at=moment + timedelta(hours=8),
            created_at=moment,
        ),
        Endpoint(
            organization_id=house,
            connection_type=ConnectionType.FHIR,
            name="Laboratory",
            address="https://lab.test",
            updated_at=moment,
        ),
        RetentionRule(organization_id=house, subject=RetentionSubject.CHAT, keep_days=90, updated_at=moment),
        DirectoryImport(
            id=extract,
            organization_id=house,
            file_name="extract.txt",
            sha256=b"",
            lines=1,
            refused=[],
            created_by_id=cast.admin.role_id,
            created_at=moment,
        ),
        DirectoryDifference(import_id=extract, kind=DifferenceKind.NEW, registration_number="1", before={}, after={}),
        *_mailboxes(cast),
        Hl7Sender(id=sender, organization_id=house, name="Laboratory", facility="CHU", created_at=moment),
        Hl7Message(
            sender_id=sender,
            organization_id=house,
            control_id="1",
            sha256=b"",
            kind="ORU^R01",
            content=b"",
            received_at=moment,
            acknowledgment=Acknowledgment.ERROR,
        ),
        DicomPeer(
            id=scanner,
            organization_id=house,
            name="Scanner",
            ae_title="CT1",
            network="127.0.0.1/32",
            created_at=moment,
        ),
        StorageCommitment(
            organization_id=house, dicom_peer_id=scanner, transaction_uid="1.2", instances=[], asked_at=moment
        ),
        Pacs(organization_id=house, name="PACS", kind=PacsKind.DICOMWEB, address="", created_at=moment),
        FhirClient(id=client, organization_id=house, name="Registry", keys=[], scope="system/*.rs", created_at=moment),
        UsedAssertion(fhir_client_id=client, jti_sha256=b"", expires_at=moment),
    ]
