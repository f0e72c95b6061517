"""A note brought to a state, for tests that begin there; and a note's content without any row."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.personal_keys import open_personal_key
from teleconsult.accounts.stepping_up import Proof
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner, PractitionerRole, Specialty
from teleconsult.notes.authority import open_authority
from teleconsult.notes.content import (
    Clinician,
    DrawnMark,
    ImagesShared,
    KeyImage,
    MeasuredValue,
    NoteContent,
    PatientIdentity,
    Report,
)
from teleconsult.notes.drafting import open_note, save_draft
from teleconsult.notes.enrolling import enrol_signer
from teleconsult.notes.models import Composition, RetractionReason
from teleconsult.notes.phrasing import PhraseText, TemplateText, add_phrase, add_template
from teleconsult.notes.retracting import retract_note
from teleconsult.notes.signing import Signing, show_to_sign, sign_note
from teleconsult.notes.writing_models import NotePhrase, NoteTemplate
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import PASSWORD, Cast

OPINION = "Probable tension headache. No transfer today; reassess within 48 hours."


@dataclass(frozen=True, slots=True)
class Drafted:
    """A consult and its note."""

    consult: ServiceRequest
    note: Composition


async def enrol(sessions: Sessions, settings: Settings, actor: Actor) -> None:
    """Give the actor a certificate of this data folder's authority, with a key that opens with their password."""
    sealer = Sealer(settings.secret_key)
    authority = open_authority(settings.data, sealer, at=now())
    assert actor.account_id
    opened = await open_personal_key(sessions, settings, account_id=actor.account_id, password=PASSWORD)
    async with transaction(sessions) as session:
        role = await session.get_one(
            PractitionerRole,
            actor.role_id,
            options=[joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)],
        )
        await enrol_signer(session, SYSTEM, opened, authority, role)


async def registration_number(sessions: Sessions, actor: Actor) -> str:
    """What the actor's certificate must be made out to."""
    async with transaction(sessions) as session:
        return (await session.get_one(Practitioner, actor.practitioner_id)).registration_number


async def drafted(cast: Cast, sessions: Sessions, *, opinion: str = OPINION) -> Drafted:
    """The specialist accepted, and wrote an opinion: version 2 of the draft."""
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        note = await open_note(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions) as session:
        note = await save_draft(
            session, cast.specialist, note_id=note.id, version=note.version, sections={"opinion": opinion}
        )
    return Drafted(consult, note)


async def signed(cast: Cast, signing: Signing) -> Drafted:
    """The same, signed."""
    draft = await drafted(cast, signing.sessions)
    return Drafted(draft.consult, await sign(signing, cast.specialist, draft.note))


async def withdrawn(cast: Cast, signing: Signing) -> Drafted:
    """Signed, and withdrawn again."""
    made = await signed(cast, signing)
    return Drafted(made.consult, await withdraw(signing, cast.specialist, made.note))


async def withdraw(signing: Signing, actor: Actor, note: Composition) -> Composition:
    """Its author takes it back."""
    return await retract_note(
        signing.sessions,
        signing.settings,
        actor,
        note_id=note.id,
        reason=RetractionReason.ERROR,
        explanation="It is about the person in the next bed.",
        proof=Proof(password=PASSWORD),
        address="192.0.2.1",
    )


async def sign(signing: Signing, actor: Actor, note: Composition, *, password: str = PASSWORD) -> Composition:
    """Look at the rendering, and press the button."""
    shown = await show_to_sign(signing, actor, note_id=note.id)
    return await sign_note(
        signing,
        actor,
        note_id=note.id,
        version=note.version,
        proof=Proof(password=password),
        address="192.0.2.1",
        shown=shown.digest,
    )


async def phrasing(session: AsyncSession, actor: Actor, *, is_shared: bool = False) -> tuple[NoteTemplate, NotePhrase]:
    """A template for neurology and a phrase of the actor's, or of all specialists of their establishment."""
    template = await add_template(
        session,
        actor,
        written=TemplateText("Headache", Specialty.NEUROLOGY, {"findings": "Onset:", "opinion": "Primary headache."}),
        is_shared=is_shared,
    )
    phrase = await add_phrase(session, actor, written=PhraseText(".NL", "Neurology: normal."), is_shared=is_shared)
    return template, phrase


def content(language: str = "fr", sections: Mapping[str, str] | None = None) -> NoteContent:
    """What a note may say, in full."""
    return NoteContent(
        id="6b0a3f1e-7c1d-4a39-9b33-0d6e6f6e1c55",
        language=language,
        zone="America/Toronto",
        written_at=datetime(2026, 11, 21, 14, 3, 22, tzinfo=UTC),
        requester=Clinician(
            str(uuid.UUID(int=1)), "Dr Hélène Tremblay", "general", "10001", str(uuid.UUID(int=2)), "Centre de l’Anse"
        ),
        author=Clinician(
            str(uuid.UUID(int=3)), "Dr Nguyễn Thị Minh", "neurology", "20002", str(uuid.UUID(int=4)), "CHU"
        ),
        patient=PatientIdentity(
            str(uuid.UUID(int=5)), "BÉLANGER Rose", date(1951, 3, 14), "female", "A-77", (("urn:oid:1.2.3", "88"),)
        ),
        consult_id=str(uuid.UUID(int=6)),
        consult_number=1004,
        service="neurology",
        question="Céphalées depuis trois semaines < 1 mois & fièvre ?",
        asked_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        sections=sections or {"findings": "", "opinion": "Céphalée de tension.\nĐau đầu căng cơ.", "plan": "Repos"},
        verify_at="https://teleconsult.example/verify",
        images=(ImagesShared("1.2.840.1", "Scanner cérébral", "CT", date(2026, 11, 19), 42),),
        session_started_at=datetime(2026, 11, 21, 13, 30, tzinfo=UTC),
        session_ended_at=datetime(2026, 11, 21, 13, 55, tzinfo=UTC),
        encounter_id=str(uuid.UUID(int=7)),
    )


def key_image(number: int = 12, **other: Any) -> KeyImage:
    """An image of 32 by 16 pixels on which a length was measured, and a negative mean in an area."""
    file = BytesIO()
    Image.new("L", (32, 16), 90).save(file, "JPEG")
    told: dict[str, Any] = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
        "study_uid": "1.2.840.1",
        "series_uid": "1.2.840.1.1",
        "sop_instance_uid": f"1.2.840.1.1.{number}",
        "series": "Axial < 5 mm",
        "number": number,
        "frame": 1,
        "frames": 1,
        "window": ("-600", "1500"),
        "picture": base64.b64encode(file.getvalue()).decode(),
        "study": "Scanner cérébral",
        "taken_on": "2026-11-19",
        "modality": "CT",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "columns": 32,
        "rows": 16,
        "marks": (
            DrawnMark("length", "2.00,2.00 12.00,2.00", (MeasuredValue("length", "1234.5600", "mm"),)),
            DrawnMark(
                "area",
                "4.00,4.00 8.00,4.00 4.00,4.00",
                (
                    MeasuredValue("area", "12.3000", "mm2"),
                    MeasuredValue("mean", "-812.4000", "HU"),
                    MeasuredValue("min", "-1000.0000", "HU"),
                    MeasuredValue("max", "-0.2000", "HU"),
                ),
                at_detector=True,
            ),
        ),
        "reports": (Report("1.2.840.1.9", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.1.9.1"),),
    }
    return KeyImage(**{**told, **other})
