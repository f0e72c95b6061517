"""What codes are called on a page. FHIR's codes stay as they are in rows and on the wire."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from teleconsult.access import Purpose
from teleconsult.accounts.professions import Profession
from teleconsult.accounts.queries import AccountState
from teleconsult.audit.entries import Why
from teleconsult.audit.findings import Fault
from teleconsult.audit.kinds import Kind
from teleconsult.audit.unusual import Unusual
from teleconsult.consents.models import ConsentBasis, Incapacity
from teleconsult.consults.models import ConsultMode, PatientCourse, RequestPriority
from teleconsult.consults.worklists import Standing
from teleconsult.directory.models import (
    ConnectionType,
    DifferenceKind,
    EndpointStatus,
    OrganizationKind,
    RetentionSubject,
    RoleCode,
    Specialty,
)
from teleconsult.encounters.guests import GuestState
from teleconsult.encounters.link_models import LinkVerdict, Way
from teleconsult.encounters.models import GuestKind
from teleconsult.exports.asking import ExportFormat, ExportReason
from teleconsult.health import Part
from teleconsult.notes.models import KeyStore, RetractionReason, RevocationReason
from teleconsult.notes.verdict import Reason
from teleconsult.patients.care import CareReason
from teleconsult.patients.models import AdministrativeGender, GlassReason
from teleconsult.records.kinds import EntryKind
from teleconsult.records.measures import Flag
from teleconsult.records.reading import Label
from web.agenda_words import AGENDA_LABELS
from web.delivery_words import DELIVERY_LABELS
from web.emergency_words import EMERGENCY_LABELS
from web.i18n import LazyString
from web.i18n import lazy_gettext as _
from web.identity_words import IDENTITY_LABELS
from web.mailbox_words import MAILBOX_LABELS
from web.notice_words import NOTICE_LABELS
from web.pacs_words import PACS_LABELS
from web.record_words import RECORD_LABELS
from web.recording_words import RECORDING_LABELS

LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    **AGENDA_LABELS,
    **DELIVERY_LABELS,
    **RECORD_LABELS,
    **EMERGENCY_LABELS,
    **IDENTITY_LABELS,
    **MAILBOX_LABELS,
    **NOTICE_LABELS,
    **PACS_LABELS,
    **RECORDING_LABELS,
    RoleCode: {
        RoleCode.DOCTOR: _("Referring doctor"),
        RoleCode.NURSE: _("Nurse"),
        RoleCode.SECRETARY: _("Secretary"),
        RoleCode.PRIVACY_OFFICER: _("Privacy officer"),
        RoleCode.OPERATOR: _("Operator of the network"),
        RoleCode.COORDINATOR: _("Coordinator"),
        RoleCode.SPECIALIST: _("Specialist"),
        RoleCode.ADMINISTRATOR: _("Administrator"),
    },
    Profession: {
        Profession.DOCTOR: _("Doctor"),
        Profession.PHARMACIST: _("Pharmacist"),
        Profession.DENTIST: _("Dentist"),
        Profession.MIDWIFE: _("Midwife"),
        Profession.NURSE: _("Nurse"),
        Profession.PHYSIOTHERAPIST: _("Physiotherapist"),
        Profession.PODIATRIST: _("Podiatrist"),
        Profession.SPEECH_THERAPIST: _("Speech therapist"),
        Profession.PSYCHOLOGIST: _("Psychologist"),
        Profession.DIETICIAN: _("Dietician"),
        Profession.RADIOGRAPHER: _("Radiographer"),
    },
    OrganizationKind: {
        OrganizationKind.HEALTH_CENTRE: _("Health centre"),
        OrganizationKind.PROVINCIAL: _("Provincial hospital"),
        OrganizationKind.TERTIARY: _("Tertiary hospital"),
        OrganizationKind.CLINIC: _("Clinic"),
    },
    AccountState: {
        AccountState.NONE: _("No account"),
        AccountState.INVITED: _("Invited"),
        AccountState.ACTIVE: _("Active"),
        AccountState.DISABLED: _("Disabled"),
    },
    ConnectionType: {
        ConnectionType.FHIR: _("FHIR server"),
        ConnectionType.HL7V2: _("HL7 v2 messages"),
        ConnectionType.DICOM_WEB: _("Images by DICOMweb"),
        ConnectionType.DIMSE: _("Images by DICOM"),
        ConnectionType.SECURE_MAIL: _("Secure health mail"),
    },
    EndpointStatus: {
        EndpointStatus.ACTIVE: _("In use"),
        EndpointStatus.SUSPENDED: _("Suspended"),
        EndpointStatus.OFF: _("Given up"),
    },
    RetentionSubject: {
        RetentionSubject.ENDED_SESSIONS: _("Ended sign-ins"),
        RetentionSubject.DISCARDED_DRAFTS: _("Requests thrown away before they were sent"),
        RetentionSubject.CHAT: _("What was written in live sessions"),
    },
    DifferenceKind: {
        DifferenceKind.NEW: _("Not in our directory"),
        DifferenceKind.CHANGED: _("Changed"),
        DifferenceKind.DUPLICATE: _("Same name, other number"),
    },
    Purpose: {
        Purpose.CONSULTS: _("Consults"),
        Purpose.FILES: _("Patients’ files"),
        Purpose.IMAGES: _("Images"),
        Purpose.LIVE: _("Live sessions"),
        Purpose.AUDIT: _("The audit log"),
    },
    Part: {
        Part.DATABASE: _("Database"),
        Part.QUEUE: _("Work that waits"),
        Part.WORKER: _("Work in the background"),
        Part.OBJECTS: _("Images and documents"),
        Part.MAIL: _("Mail"),
        Part.SECURE_MAIL: _("Secure health mail"),
        Part.PRESS: _("Printing of documents"),
        Part.SANDBOX: _("Reading of images"),
        Part.DIMSE: _("Images by DICOM"),
        Part.AUDIT: _("Signing of the audit log"),
        Part.EVIDENCE: _("Proof of the time of signatures"),
        Part.DISK: _("Room on the disk"),
        Part.STORED: _("Objects as they were stored"),
    },
    Specialty: {
        Specialty.NEUROLOGY: _("Neurology"),
        Specialty.TRAUMA: _("Traumatology"),
        Specialty.CARDIOLOGY: _("Cardiology"),
        Specialty.DERMATOLOGY: _("Dermatology"),
        Specialty.PAEDIATRICS: _("Paediatrics"),
        Specialty.GENERAL: _("General medicine"),
    },
    Fault: {
        Fault.EVENT_CHANGED: _("An entry was changed."),
        Fault.EVENT_MISSING: _("An entry was removed."),
        Fault.EVENT_UNCHAINED: _("An entry was added past the chain."),
        Fault.LINK_MISSING: _("A link of the chain was removed."),
        Fault.LINK_MOVED: _("A link of the chain does not follow the one before it."),
        Fault.LINK_MISPLACED: _("An entry stands in the chain of another establishment."),
        Fault.TAIL_MISSING: _("The end of the chain was cut off."),
        Fault.HEAD_REWRITTEN: _("The chain was written anew."),
        Fault.CHECKPOINT_MISSING: _("A signed checkpoint was removed."),
        Fault.CHECKPOINT_FORGED: _("A signed checkpoint was changed, or signed with another key."),
    },
    LinkVerdict: {
        LinkVerdict.VIDEO: _("Video will be fine"),
        LinkVerdict.PICTURES: _("Sound and still pictures"),
        LinkVerdict.SOUND: _("Sound only"),
        LinkVerdict.WRITE: _("Better to write"),
    },
    Way: {
        Way.DIRECT: _("Direct (UDP)"),
        Way.RELAY_UDP: _("Relay by UDP"),
        Way.RELAY_TCP: _("Relay by TCP"),
        Way.RELAY_TLS: _("Relay by TLS, as web pages"),
    },
    GuestKind: {
        GuestKind.PATIENT: _("Patient"),
        GuestKind.FAMILY_DOCTOR: _("Family doctor"),
        GuestKind.INTERPRETER: _("Interpreter"),
        GuestKind.COLLEAGUE: _("Colleague"),
        GuestKind.OTHER: _("Somebody else"),
    },
    GuestState: {
        GuestState.INVITED: _("Not opened yet"),
        GuestState.OPENED: _("Opened"),
        GuestState.WAITING: _("Waiting at the door"),
        GuestState.IN_ROOM: _("In the room"),
        GuestState.LEFT: _("Has left"),
        GuestState.EXPIRED: _("Has run out"),
        GuestState.REVOKED: _("Taken back"),
    },
    Kind: {
        Kind.READING: _("Reading of files"),
        Kind.CHANGES: _("Changes to files"),
        Kind.REFUSED: _("What was refused"),
        Kind.BREAK_GLASS: _("Files opened in an emergency"),
        Kind.SIGN_IN: _("Sign-ins"),
        Kind.AUDIT: _("Reading of this log"),
        Kind.OTHER: _("Everything else"),
    },
    Why: {
        Why.BREAK_GLASS: _("Opened in an emergency, without a care relation"),
        Why.CARE: _("Treats the patient"),
        Why.CONSULT: _("For a consult"),
        Why.UNKNOWN: _("No reason is known"),
    },
    Unusual: {
        Unusual.SAME_FAMILY_NAME: _("Same family name as the reader"),
        Unusual.COLLEAGUE: _("The patient has the name of a colleague"),
        Unusual.MANY_FILES: _("20 files or more within an hour"),
        Unusual.AT_NIGHT: _("At night, not on duty"),
        Unusual.NO_CONSULT: _("Had never treated this patient, and no consult"),
        Unusual.AFTER_CARE: _("After they had said to treat the patient no longer"),
    },
    Standing: {
        Standing.DRAFT: _("Drafts"),
        Standing.OPEN: _("Under way"),
        Standing.ANSWERED: _("To acknowledge"),
        Standing.CLOSED: _("Closed"),
    },
    ConsentBasis: {
        ConsentBasis.PATIENT: _("The patient"),
        ConsentBasis.REPRESENTATIVE: _("A representative"),
        ConsentBasis.NECESSITY: _("Nobody could be asked, and it cannot wait"),
    },
    Incapacity: {
        Incapacity.MINOR: _("A minor"),
        Incapacity.UNCONSCIOUS: _("Unconscious, or cannot say what they want"),
        Incapacity.PROTECTED: _("An adult under guardianship"),
    },
    ConsultMode: {
        ConsultMode.VIDEO: _("Video session"),
        ConsultMode.ADVICE: _("Written advice"),
        ConsultMode.MEETING: _("Team meeting"),
        ConsultMode.EMERGENCY: _("Emergency"),
    },
    PatientCourse: {
        PatientCourse.BETTER: _("Better"),
        PatientCourse.UNCHANGED: _("As before"),
        PatientCourse.WORSE: _("Worse"),
        PatientCourse.DIED: _("Has died"),
    },
    RequestPriority: {
        RequestPriority.ROUTINE: _("Routine"),
        RequestPriority.URGENT: _("Urgent"),
        RequestPriority.ASAP: _("As soon as possible"),
        RequestPriority.STAT: _("Emergency"),
    },
    AdministrativeGender: {
        AdministrativeGender.FEMALE: _("Female"),
        AdministrativeGender.MALE: _("Male"),
        AdministrativeGender.OTHER: _("Other"),
        AdministrativeGender.UNKNOWN: _("Sex unknown"),
    },
    GlassReason: {
        GlassReason.DANGER: _("The patient is in danger now"),
        GlassReason.TRANSFER: _("The patient is being transferred to us"),
        GlassReason.UNREACHABLE: _("Who treats the patient cannot be reached"),
        GlassReason.OTHER: _("Another reason, told below"),
    },
    CareReason: {
        CareReason.CONSULTATION: _("The patient consults me"),
        CareReason.EMERGENCY: _("Emergency"),
        CareReason.INPATIENT: _("The patient stays on my ward"),
        CareReason.ON_CALL: _("I am on call"),
        CareReason.FOLLOW_UP: _("I follow the patient up"),
    },
    ExportFormat: {
        ExportFormat.PDF: _("PDF, to read and to print"),
        ExportFormat.DOCUMENT: _("FHIR document, for another program"),
    },
    ExportReason: {
        ExportReason.CARE: _("The care goes on elsewhere"),
        ExportReason.OFFLINE: _("To have it where there is no connection"),
        ExportReason.PATIENT: _("The patient asks for it"),
        ExportReason.LAW: _("A court or the law asks for it"),
        ExportReason.OTHER: _("Another reason, told below"),
    },
    EntryKind: {
        EntryKind.ENCOUNTERS: _("Visits and procedures"),
        EntryKind.PROBLEMS: _("Problems"),
        EntryKind.MEDICINES: _("Medicines and vaccines"),
        EntryKind.ALLERGIES: _("Allergies"),
        EntryKind.LABORATORY: _("Laboratory and measurements"),
        EntryKind.DOCUMENTS: _("Documents"),
        EntryKind.IMAGING: _("Imaging"),
        EntryKind.NOTES: _("Consult notes"),
    },
    Flag: {
        Flag.NORMAL: _("Normal"),
        Flag.LOW: _("Low"),
        Flag.HIGH: _("High"),
        Flag.CRITICALLY_LOW: _("Critically low"),
        Flag.CRITICALLY_HIGH: _("Critically high"),
        Flag.ABNORMAL: _("Abnormal"),
    },
    Label: {
        Label.BODY_SITE: _("Site"),
        Label.CODE: _("Code"),
        Label.CRITICALITY: _("How serious"),
        Label.DOSAGE: _("Dosage"),
        Label.DOSE_NUMBER: _("Dose"),
        Label.IMAGES: _("Images"),
        Label.KIND: _("Kind"),
        Label.LOT: _("Lot"),
        Label.MODALITY: _("Modality"),
        Label.ONSET: _("Since"),
        Label.OUTCOME: _("Outcome"),
        Label.PERIOD: _("Period"),
        Label.REACTION: _("Reaction"),
        Label.REASON: _("Reason"),
        Label.STATUS: _("Status"),
    },
    KeyStore: {
        KeyStore.SOFT: _("Opens with the password"),
        KeyStore.TOKEN: _("In a token (PKCS#11)"),
        KeyStore.REMOTE: _("With a signature service"),
    },
    RevocationReason: {
        RevocationReason.COMPROMISED: _("Somebody else may have had it"),
        RevocationReason.LEFT: _("They work elsewhere now"),
        RevocationReason.REPLACED: _("A new one takes its place"),
        RevocationReason.OVER: _("It is needed no more"),
    },
    RetractionReason: {
        RetractionReason.WRONG_PATIENT: _("It is about another patient"),
        RetractionReason.ERROR: _("It was signed in error"),
    },
    Reason: {
        Reason.GOOD: _("The signature is valid, and nothing was changed since."),
        Reason.EMPTY: _("The file is empty."),
        Reason.TOO_LARGE: _("The file is larger than a signed note can be."),
        Reason.NOT_PDF: _("This is neither a PDF file nor an exported note."),
        Reason.ENCRYPTED: _("The file is locked with a password; a signed note never is."),
        Reason.DAMAGED: _("The file is damaged: it cannot be read as a signed note."),
        Reason.UNSIGNED: _("The file carries no electronic signature."),
        Reason.SEVERAL: _("The file carries further signatures in places where a signed note has none."),
        Reason.CHANGED: _("The file was changed after it was signed."),
        Reason.HEADER_CHANGED: _("Who signed it, or when, was changed after it was signed."),
        Reason.SIGNATURE_CHANGED: _("The signature itself was changed."),
        Reason.NOT_TOGETHER: _("Each of the two files is good, but they are not of the same note."),
        Reason.UNKNOWN_SIGNER: _("The file is unchanged, but no authority we trust vouches for its signer."),
        Reason.EXPIRED: _("The signer’s certificate is out of date, so the time of signing can no longer be shown."),
        Reason.NOT_FOR_SIGNING: _("The signer’s certificate was not issued for signing documents."),
        Reason.REVOKED: _("The signer’s certificate had been revoked before the note was signed."),
        Reason.UNKNOWN_CLOCK: _("The file is unchanged, but no authority we trust vouches for its time-stamps."),
        Reason.NO_EVIDENCE: _("The file does not hold what would show that its certificates were good in their time."),
        Reason.CLOCK_REVOKED: _(
            "The file is unchanged, but the certificate of a time-stamp authority had been revoked."
        ),
        Reason.TIMES_DISAGREE: _("The times in this file contradict each other."),
        Reason.UNCHECKABLE: _("The check took too long: this file is not a note of ours."),
    },
}
"""By kind first: codes of two kinds may be the same word, and as text they would be equal."""


def label(code: StrEnum) -> str:
    """The code in the reader's words; the code itself where we have none."""
    return str(LABELS.get(type(code), {}).get(code, code.value))


def activities_in_words(profession: Mapping[str, Any]) -> list[str]:
    """What an OpenID Provider says somebody works as, and where (`accounts.professions`), one text an activity."""
    lines = []
    for activity in profession.get("activities", []):
        code = activity["profession"]
        known = label(Profession(code)) if code in set(Profession) else ""
        lines.append(", ".join(part for part in (known, activity["place"]) if part))
    return lines


def options(kind: type[StrEnum]) -> list[tuple[str, str]]:
    """Value and words of every code of a kind, as a `select` takes them."""
    return [(code.value, label(code)) for code in kind]
