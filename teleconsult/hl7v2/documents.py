"""A signed note as an HL7 v2 message with its CDA inside: pure functions of the note, the same bytes each time.

ANS, volet Transmission d'un document CDA-R2 en HL7v2: MDM^T02 brings a document, T10 replaces one, T04 takes one back
(v2.6, with PRT of v2.9); ORU^R01 (v2.5) is what laboratories' and other older systems take. ORC-1, OBX-11 and the event
say the same thing three times, or the message is refused.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from teleconsult.cda.naming import oid_of, patient_numbers, practitioner_number
from teleconsult.cda.profiles import FRANCE, Country
from teleconsult.hl7v2.answering import APPLICATION
from teleconsult.hl7v2.writing import message, moment, parts, plain, segment
from teleconsult.notes.content import Clinician, NoteContent

PROFILE: Final = "2.1^CISIS_CDA_HL7_V2"
"""MSH-21."""
VALIDATED: Final = "VALI"
"""PID-32: the national number was checked with the strict traits (ANS, Référentiel INS)."""


class Act(Enum):
    """What is asked of the receiver: event of MDM, ORC-1, OBX-11, TXA-19."""

    BRING = ("T02", "NW", "F", "AV")
    REPLACE = ("T10", "RO", "C", "AV")
    TAKE_BACK = ("T04", "CA", "D", "CA")

    @property
    def event(self) -> str:
        """MSH-9.2 of MDM."""
        return self.value[0]

    @property
    def order_control(self) -> str:
        """ORC-1."""
        return self.value[1]

    @property
    def result_status(self) -> str:
        """OBX-11."""
        return self.value[2]

    @property
    def availability(self) -> str:
        """TXA-19."""
        return self.value[3]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who it goes to, and what it is called."""

    control_id: str
    """MSH-10: the same each time it is sent."""
    at: datetime
    application: str = ""
    facility: str = ""
    country: Country = FRANCE


def mdm(content: NoteContent, envelope: Envelope, act: Act, *, cda: bytes, replaced_oid: str = "") -> bytes:
    """MDM in v2.6; `replaced_oid` is the document that this one replaces at the receiver."""
    at = moment(envelope.at, content.zone)
    return message(
        [
            _header(content, envelope, f"MDM^{act.event}^MDM_T02", "2.6^FRA^2.1"),
            segment("EVN", "", at),
            *_about(content, envelope, act),
            _txa(content, envelope, act, replaced_oid),
            _obx(content, envelope, act, cda),
            *_participants(content, envelope),
            *_hidden_from(content, envelope, act, kind="CWE"),
        ]
    )


def oru(content: NoteContent, envelope: Envelope, act: Act, *, cda: bytes) -> bytes:
    """ORU^R01 in v2.5; what it replaces is said within the CDA."""
    return message(
        [
            _header(content, envelope, "ORU^R01^ORU_R01", "2.5^FRA^2.1"),
            *_about(content, envelope, act),
            _obx(content, envelope, act, cda),
            *_hidden_from(content, envelope, act, kind="CE"),
        ]
    )


def _header(content: NoteContent, envelope: Envelope, kind: str, version: str) -> str:
    at = moment(envelope.at, content.zone)
    sender = parts(content.author.organization)
    fields = ["^~\\&", APPLICATION, sender, plain(envelope.application), plain(envelope.facility), at, "", kind]
    fields += [plain(envelope.control_id), "P", version, "", "", "AL", "NE", "FRA", "UNICODE UTF-8", "", "", PROFILE]
    return segment("MSH", *fields)


def _about(content: NoteContent, envelope: Envelope, act: Act) -> Iterator[str]:
    """Patient, visit, order."""
    note_type = parts(envelope.country.note_type.code, envelope.country.note_type.display, "LN")
    number = parts(str(content.consult_number), APPLICATION)
    asked = moment(content.asked_at, content.zone)
    done = moment(content.session_started_at or content.written_at, content.zone)
    yield _pid(content, envelope.country)
    yield segment("PV1", "1", "N")
    yield segment("ORC", act.order_control, "", number, *[""] * 5, asked, "", "", _person(content.requester, envelope))
    status = {"F": "F", "C": "C", "D": "X"}[act.result_status]
    fields = ["1", "", number, note_type, "", "", done, *[""] * 8, _person(content.requester, envelope)]
    fields += ["", "", "", "", "", moment(content.written_at, content.zone), "", "", status]
    yield segment("OBR", *fields)


def _pid(content: NoteContent, country: Country) -> str:
    patient = content.patient
    local = oid_of(content.requester.organization_id)
    numbers = []
    for one in patient_numbers(content, country):
        is_national = f"urn:oid:{one.root}" in country.national_ids
        authority = f"{'ASIP-SANTE-INS' if is_national else ''}&{one.root}&ISO"
        kind = "INS" if is_national else "PI" if one.root == local else "U"
        numbers.append(f"{plain(one.extension)}^^^{authority}^{kind}")
    is_checked = any(f"urn:oid:{one.root}" in country.national_ids for one in patient_numbers(content, country))
    names = [parts(patient.family or patient.name, patient.given, "", "", "", "", "L")]
    if patient.used_name:
        names.append(parts(patient.used_name, patient.given, "", "", "", "", "D"))
    born = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    gender = {"male": "M", "female": "F", "other": "O"}.get(patient.gender, "U")
    fields = ["1", "", "~".join(numbers), "", "~".join(names), "", born, gender]
    fields += [""] * 23 + [VALIDATED if is_checked else ""]
    return segment("PID", *fields)


def _txa(content: NoteContent, envelope: Envelope, act: Act, replaced_oid: str) -> str:
    """TXA-12 is the CDA's own id, a bare OID: what has an extension too, the national record does not take."""
    author, written = _person(content.author, envelope), moment(content.written_at, content.zone)
    note_type = parts(envelope.country.note_type.code, envelope.country.note_type.display, "LN")
    done = moment(content.session_started_at or content.written_at, content.zone)
    fields = ["1", note_type, "TEXT", done, author, written, "", "", author, "", "", plain(content.document_oid)]
    fields += [plain(replaced_oid), "", "", "", "AU", "", act.availability]
    return segment("TXA", *fields)


def _obx(content: NoteContent, envelope: Envelope, act: Act, cda: bytes) -> str:
    note_type = parts(envelope.country.note_type.code, envelope.country.note_type.display, "LN")
    document = f"^text^XML^Base64^{base64.b64encode(cda).decode()}"
    done = moment(content.session_started_at or content.written_at, content.zone)
    fields = ["1", "ED", note_type, "1", document, *[""] * 5, act.result_status, "", "", done, "", ""]
    return segment("OBX", *fields)


def _hidden_from(content: NoteContent, envelope: Envelope, act: Act, *, kind: str) -> Iterator[str]:
    """Who must not see it, in France's table MetaDMPMSS; nothing of a note that everybody may see."""
    if envelope.country is not FRANCE or act is Act.TAKE_BACK:
        return
    marks = (
        (content.invisible_to_patient, "INVISIBLE_PATIENT", "Document Non Visible par le patient"),
        (content.invisible_to_guardians, "INVISIBLE_REP_LEGAUX", "Non visible par les représentants Légaux du patient"),
    )
    for number, (_is_set, code, said) in enumerate((mark for mark in marks if mark[0]), start=2):
        value = "Y^^expandedYes-NoIndicator"
        yield segment(
            "OBX", str(number), kind, parts(code, said, "MetaDMPMSS"), "", value, *[""] * 5, act.result_status
        )


def _participants(content: NoteContent, envelope: Envelope) -> Iterator[str]:
    """Who sends and who receives (PRT of v2.9, pre-adopted)."""
    for code, said, who in (
        ("SB", "Send by", content.author),
        ("RCT", "Results Copies To", content.requester),
    ):
        house = parts(who.organization)
        yield segment("PRT", "", "UC", "", parts(code, said, "participation"), _person(who, envelope), "", "", house)


def _person(who: Clinician, envelope: Envelope) -> str:
    """XCN: number, family, given, with the authority of the number."""
    number = practitioner_number(who, envelope.country)
    is_listed = number.root == envelope.country.practitioner_oid
    value = number.extension.removeprefix("8") if is_listed else number.extension
    authority = f"{'ASIP-SANTE-PS' if is_listed else ''}&{number.root}&ISO" if value else ""
    name = parts(who.family or who.name, who.given)
    return (
        f"{plain(value)}^{name}^^^^^^{authority}^D^^^{'RPPS' if is_listed else ''}".rstrip("^") if value else f"^{name}"
    )
