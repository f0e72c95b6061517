"""`python -m tests.bench.deliveries [HOW_MANY]`: signed notes delivered a minute, by one worker's outbox.

Into patient files that are here, and by HL7 v2 and FHIR to systems on loopback that answer at once: what is measured is
ours, not theirs. Each note is of a patient of its own, with a signed PDF of the usual size.
"""

import asyncio
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from teleconsult.cda.naming import oid_of
from teleconsult.db import Base, Sessions, transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.delivery.models import Channel, Delivery
from teleconsult.directory.models import ConnectionType
from teleconsult.documents.press import Press
from teleconsult.notes.content import NoteContent
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.patients.models import Patient
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import delivery_steps, note_steps
from tests.bench.running import installation
from tests.certificates import make_certificate
from tests.fhir_peer import fhir_peer
from tests.mllp_peers import mllp_peer
from tests.people import SECRET, Cast

MANY = 200


async def main(many: int) -> None:
    """Print one line for each way."""
    async with installation() as running:
        with TemporaryDirectory(prefix="teleconsult-bench-") as folder:
            settings = delivery_steps.reaching(Settings(data=Path(folder), secret_key=SECRET))
            press = Press()
            objects = Objects(open_store(None, settings.data))
            signing = Signing(running.sessions, settings, objects, Sealer(SECRET), press)
            try:
                await _measure(signing, running.cast, many)
            finally:
                press.close()


async def _measure(signing: Signing, cast: Cast, many: int) -> None:
    await note_steps.enrol(signing.sessions, signing.settings, cast.specialist)
    certificate = make_certificate(signing.settings.data / "peer")
    async with mllp_peer() as hl7, fhir_peer(certificate) as fhir:
        ways = {
            Channel.HL7V2: await delivery_steps.endpoint(signing.sessions, cast, ConnectionType.HL7V2, hl7.address),
            Channel.FHIR: await delivery_steps.endpoint(
                signing.sessions,
                cast,
                ConnectionType.FHIR,
                fhir.address,
                authority=certificate.certificate.read_text(),
            ),
        }
        signed = await note_steps.signed(cast, signing)
        await file_owed(signing.sessions)
        fhir.add_patient(f"urn:oid:{oid_of(str(cast.patient.organization_id))}", cast.patient.local_number)
        await delivery_steps.send(signing)
        house = str(cast.rural.organization_id)
        notes = [await copied(signing.sessions, signed.note) for _ in range(many)]
        for channel in (Channel.PATIENT_FILE, Channel.HL7V2, Channel.FHIR):
            destination = house if channel is Channel.PATIENT_FILE else str(ways[channel].id)
            await owe(signing.sessions, notes, channel, destination)
            began = time.monotonic()
            if channel is Channel.PATIENT_FILE:
                while await file_owed(signing.sessions):
                    pass
            else:
                await delivery_steps.outbox(signing).run(within=600)
            seconds = time.monotonic() - began
            left = [one for one in await delivery_steps.deliveries(signing.sessions, channel) if not one.delivered_at]
            assert not left, delivery_steps.described(left[0])
            print(f"deliveries a minute, {channel.value:12} {many / seconds * 60:8.0f}  ({many} in {seconds:.1f} s)")


async def copied(sessions: Sessions, note: Composition) -> uuid.UUID:
    """The same note, as if it were another patient's."""
    assert note.content is not None
    async with transaction(sessions) as session:
        known = await session.get_one(Patient, note.patient_id)
        patient = Patient(**columns_of(known) | {"id": uuid.uuid4(), "local_number": uuid.uuid4().hex[:8].upper()})
        session.add(patient)
        await session.flush()
        number = uuid.uuid4()
        content = NoteContent.from_bytes(note.content.replace(str(note.id).encode(), str(number).encode()))
        content = NoteContent.from_bytes(
            content.to_bytes().replace(content.document_oid.encode(), oid_of(str(number)).encode())
        )
        of_theirs = {
            "id": number,
            "patient_id": patient.id,
            "document_oid": oid_of(str(number)),
            "set_id": number,
            "verify_code": uuid.uuid4().hex,
            "content": content.to_bytes(),
        }
        session.add(Composition(**columns_of(note) | of_theirs))
    return number


def columns_of(row: Base) -> dict[str, object]:
    """What the program writes of it."""
    return {
        name: getattr(row, name)
        for name, column in row.__table__.columns.items()
        if column.computed is None and name != "own_person_id"
    }


async def owe(sessions: Sessions, notes: list[uuid.UUID], channel: Channel, destination: str) -> None:
    """Queue them all."""
    moment = datetime.now(UTC)
    async with transaction(sessions) as session:
        session.add_all(
            Delivery(composition_id=note, channel=channel, destination=destination, created_at=moment, next_at=moment)
            for note in notes
        )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY))
