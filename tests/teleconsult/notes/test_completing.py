"""Evidence of real notes: owed with the signature, put off while nobody answers, completed once, renewed in time."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select, text, update

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.stepping_up import Proof
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.errors import Refused
from teleconsult.notes.authority import YEAR, Authority, issue_clock, keep_address, make_authority, open_authority
from teleconsult.notes.authority_answers import (
    Clock,
    answer_ocsp,
    answer_time_stamp,
    open_clock,
    revocation_list,
    revoke,
    revoked_in,
)
from teleconsult.notes.co_signers import further_signatures
from teleconsult.notes.co_signing import co_sign_note
from teleconsult.notes.completing import (
    complete_evidence,
    due_notes,
    owe_first_evidence,
    owe_renewals,
    try_again,
)
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from teleconsult.notes.keys import key_to_sign_with
from teleconsult.notes.models import Composition, SigningKey
from teleconsult.notes.revocation import certificates_in
from teleconsult.notes.signing import Signing
from teleconsult.notes.verifying import trusted_roots, verify_pdf
from teleconsult.records.documents import hash_of
from teleconsult.records.models import RecordEntry
from tests import meeting_steps, note_steps
from tests.people import PASSWORD, Cast


class Answering(ThreadingHTTPServer):
    """The authority of a data folder, at the wire; silent where it is told so."""

    authority: Authority
    clock: Clock
    is_silent = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Doors)


class _Doors(BaseHTTPRequestHandler):
    server: Answering

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["Content-Length"]))
        at, server = now(), self.server
        if self.path == "/ocsp":
            self._say(answer_ocsp(server.authority, question, revoked_in(server.data), at=at))  # type: ignore[attr-defined]
        else:
            self._say(answer_time_stamp(server.clock, question, at=at))

    def do_GET(self) -> None:
        self._say(revocation_list(self.server.authority, {}, at=now()))

    def _say(self, said: bytes) -> None:
        self.send_response(503 if self.server.is_silent else 200)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def answering() -> Iterator[Answering]:
    with Answering() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
async def stamped(cast: Cast, signing: Signing, answering: Answering) -> Signing:
    """An installation with a time-stamp authority, whose neurologist has a certificate that says whom to ask."""
    data, address = signing.settings.data, f"http://127.0.0.1:{answering.server_port}"
    async with transaction(signing.sessions) as session:
        await session.execute(text("update signing_key set revoked_at = now()"))
    keep_address(data, address)
    await note_steps.enrol(signing.sessions, signing.settings, cast.specialist)
    authority = open_authority(data, signing.sealer, at=now())
    answering.authority, answering.clock = authority, open_clock(data, signing.sealer, authority)
    answering.data = data  # type: ignore[attr-defined]
    return replace(signing, settings=signing.settings.model_copy(update={"timestamp_urls": f"{address}/time-stamp"}))


async def complete(signing: Signing, note: Composition) -> None:
    await complete_evidence(signing.sessions, signing.settings, signing.objects, note_id=note.id)


async def evidence(signing: Signing, note: Composition) -> list[NoteEvidence]:
    async with transaction(signing.sessions, SYSTEM) as session:
        query = select(NoteEvidence).where(NoteEvidence.composition_id == note.id).order_by(NoteEvidence.number)
        return list(await session.scalars(query))


async def told(signing: Signing, note: Composition) -> dict[str, Any]:
    """What the patient's file says of the PDF."""
    async with transaction(signing.sessions, SYSTEM) as session:
        query = select(RecordEntry).where(RecordEntry.source_id == note.id)
        entry = (await session.scalars(query.where(RecordEntry.resource_type == "DocumentReference"))).one()
    attachment: dict[str, Any] = entry.resource["content"][0]["attachment"]
    return attachment


async def test_a_signed_note_becomes_good_for_decades_once(cast: Cast, stamped: Signing) -> None:
    note = (await note_steps.signed(cast, stamped)).note
    assert note.pdf_object_key
    async with stamped.sessions() as session:
        owed = text("select args->>'note_id' from procrastinate_jobs where task_name = 'gather_evidence'")
        assert await session.scalar(owed) == str(note.id)
    async with transaction(stamped.sessions, cast.rural) as session:
        assert (await current_pdf(session, note)).is_pending
    assert await file_owed(stamped.sessions, note_id=note.id) == 1
    before = await told(stamped, note)
    assert before["hash"] == hash_of(await stamped.objects.get(note.pdf_object_key))
    await asyncio.gather(complete(stamped, note), complete(stamped, note))
    await complete(stamped, note)
    async with transaction(stamped.sessions, cast.rural) as session:
        newest = await current_pdf(session, note)
    assert (newest.level, newest.is_pending) == (Level.B_LTA, False)
    pdf = await stamped.objects.get(newest.object_key)
    assert len(pdf) == newest.size
    after = await told(stamped, note)
    assert (after["size"], after["hash"]) == (len(pdf), hash_of(pdf)), "the file tells of what is handed out"
    assert after["extension"][0]["valueString"] == newest.sha256.hex()
    assert {name for name in after if after[name] != before[name]} == {"size", "hash", "extension"}
    assert pdf.startswith(await stamped.objects.get(note.pdf_object_key))
    verdict = await asyncio.to_thread(verify_pdf, pdf, trusted_roots(stamped.settings.trust_folder))
    assert (verdict.is_good, verdict.level) == (True, "b-lta")
    assert [(each.number, each.state) for each in await evidence(stamped, note)] == [
        (0, EvidenceState.COMPLETE),
        (1, EvidenceState.COMPLETE),
    ]
    async with stamped.sessions() as session:
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "note-evidence-added")))
    assert len(events) == 1


async def test_a_silent_authority_puts_it_off_and_nothing_is_lost(
    cast: Cast, stamped: Signing, answering: Answering
) -> None:
    answering.is_silent = True
    note = (await note_steps.signed(cast, stamped)).note  # signing waits for nobody
    for attempt in (1, 2):
        await complete(stamped, note)
        row = (await evidence(stamped, note))[1]
        assert (row.state, row.attempts, row.failure) == (EvidenceState.PENDING, attempt, "no-time-stamp")
        assert row.next_try_at
        assert row.next_try_at > now() + timedelta(seconds=50)
    async with transaction(stamped.sessions, SYSTEM) as session:
        assert await due_notes(session) == []
        await session.execute(update(NoteEvidence).where(NoteEvidence.number == 1).values(next_try_at=now()))
        assert await due_notes(session) == [note.id]
    answering.is_silent = False
    await complete(stamped, note)
    assert (await evidence(stamped, note))[1].level is Level.B_LTA


async def test_what_nobody_foresaw_puts_it_off_too(cast: Cast, stamped: Signing) -> None:
    """A PDF that is gone for a while, say: it waits its turn as the others do, and is not tried every minute."""
    note = (await note_steps.signed(cast, stamped)).note
    assert note.pdf_object_key
    pdf = await stamped.objects.get(note.pdf_object_key)
    await stamped.objects.delete(note.pdf_object_key)
    await complete(stamped, note)
    row = (await evidence(stamped, note))[1]
    assert (row.state, row.attempts, row.failure) == (EvidenceState.PENDING, 1, "unforeseen")
    async with transaction(stamped.sessions, SYSTEM) as session:
        assert await due_notes(session) == []
    await stamped.objects.put(note.pdf_object_key, pdf)
    await complete(stamped, note)
    assert (await evidence(stamped, note))[1].level is Level.B_LTA


async def test_what_never_stands_our_check_is_given_up_and_tried_again_when_asked(
    cast: Cast, stamped: Signing, answering: Answering
) -> None:
    note = (await note_steps.signed(cast, stamped)).note
    good = answering.clock
    answering.clock = Clock.of(issue_clock(make_authority("Elsewhere", at=now()), name="Clock", at=now()))
    async with transaction(stamped.sessions, SYSTEM) as session:
        await session.execute(update(NoteEvidence).where(NoteEvidence.number == 1).values(attempts=6))
    for state in (EvidenceState.PENDING, EvidenceState.FAILED):
        await complete(stamped, note)
        row = (await evidence(stamped, note))[1]
        assert (row.state, row.failure) == (state, "not-good")
    async with transaction(stamped.sessions, SYSTEM) as session:
        newest = await current_pdf(session, note)
        assert (newest.is_pending, newest.failure) == (False, "not-good"), "it is on its way no more"
        assert await due_notes(session) == []
    answering.clock = good
    async with transaction(stamped.sessions, SYSTEM) as session:
        assert await try_again(session) == 1
        assert await try_again(session) == 0
    await complete(stamped, note)
    assert (await evidence(stamped, note))[1].level is Level.B_LTA


async def test_it_is_renewed_before_the_clock_is_over(cast: Cast, stamped: Signing) -> None:
    note = (await note_steps.signed(cast, stamped)).note
    await complete(stamped, note)
    async with transaction(stamped.sessions, SYSTEM) as session:
        assert await owe_renewals(session, at=now() + 4 * YEAR) == 0
        assert await owe_renewals(session, at=now() + 5 * YEAR) == 1
        assert await owe_renewals(session, at=now() + 5 * YEAR) == 0
    await complete(stamped, note)
    rows = await evidence(stamped, note)
    assert [row.number for row in rows] == [0, 1, 2]
    assert rows[1].renew_before is None
    assert rows[2].renew_before
    assert rows[2].object_key
    assert rows[1].object_key
    later, earlier = [await stamped.objects.get(row.object_key or "") for row in (rows[2], rows[1])]
    assert later.startswith(earlier)


async def test_notes_from_before_there_was_a_clock_get_their_turn(
    cast: Cast, stamped: Signing, answering: Answering
) -> None:
    before = replace(stamped, settings=stamped.settings.model_copy(update={"timestamp_urls": ""}))
    note = (await note_steps.signed(cast, before)).note
    assert len(await evidence(stamped, note)) == 1
    async with transaction(stamped.sessions, SYSTEM) as session:
        assert await owe_first_evidence(session) == 1
        assert await owe_first_evidence(session) == 0
    await complete(stamped, note)
    assert (await evidence(stamped, note))[1].level is Level.B_LTA


async def test_who_is_revoked_signs_nothing_and_the_draft_stays(cast: Cast, stamped: Signing) -> None:
    draft = await note_steps.drafted(cast, stamped.sessions)
    async with transaction(stamped.sessions, cast.specialist) as session:
        key = await key_to_sign_with(session, cast.specialist)
    serial = certificates_in(key.certificate)[0].serial_number
    revoke(stamped.settings.data, serial, at=now() - timedelta(hours=1))
    with pytest.raises(Refused, match="revoked"):
        await note_steps.sign(stamped, cast.specialist, draft.note)
    async with stamped.sessions() as session:
        assert (await session.get_one(Composition, draft.note.id)).signed_at is None


async def test_who_is_revoked_while_their_signature_is_waited_for_gives_none(cast: Cast, stamped: Signing) -> None:
    """The authority says so; and by its row, once they or their administrator said it here."""
    await note_steps.enrol(stamped.sessions, stamped.settings, cast.oncall)
    note = await meeting_steps.asked_to_co_sign(cast, stamped)
    async with transaction(stamped.sessions, cast.oncall) as session:
        key = await key_to_sign_with(session, cast.oncall)
    proof = Proof(password=PASSWORD)
    revoke(stamped.settings.data, certificates_in(key.certificate)[0].serial_number, at=now())
    with pytest.raises(Refused, match="has been revoked"):
        await co_sign_note(stamped, cast.oncall, note_id=note.id, proof=proof, address="192.0.2.1")
    async with transaction(stamped.sessions) as session:
        await session.execute(update(SigningKey).where(SigningKey.id == key.id).values(revoked_at=now()))
    with pytest.raises(Refused, match="no valid signing certificate"):
        await co_sign_note(stamped, cast.oncall, note_id=note.id, proof=proof, address="192.0.2.1")
    async with transaction(stamped.sessions, SYSTEM) as session:
        assert await further_signatures(session, note.id) == ()


async def test_evidence_follows_a_further_signature_whatever_was_owed(
    cast: Cast, stamped: Signing, answering: Answering
) -> None:
    await note_steps.enrol(stamped.sessions, stamped.settings, cast.oncall)
    begins = now().replace(second=0, microsecond=0) + timedelta(minutes=5)
    brief = meeting_steps.plan(cast, starts_at=begins, minutes=30)
    note = await meeting_steps.asked_to_co_sign(cast, stamped, brief)
    roots = trusted_roots(stamped.settings.trust_folder)

    async def levels() -> tuple[str, list[str]]:
        async with transaction(stamped.sessions, SYSTEM) as session:
            newest = await current_pdf(session, note)
        verdict = await asyncio.to_thread(verify_pdf, await stamped.objects.get(newest.object_key), roots)
        assert verdict.is_good
        assert verdict.level == newest.level.value
        return verdict.level, [one.level for one in verdict.signers]

    await complete(stamped, note)
    assert await levels() == ("b-lta", ["b-lta"])
    await co_sign_note(stamped, cast.oncall, note_id=note.id, proof=Proof(password=PASSWORD), address="192.0.2.1")
    assert await levels() == ("b-b", ["b-lta", "b-b"])
    await complete(stamped, note)
    assert await levels() == ("b-lta", ["b-lta", "b-lta"])
    assert [(row.number, row.state.value) for row in await evidence(stamped, note)] == [
        (number, "complete") for number in range(4)
    ]

    # and where it is given before there is any, while somebody makes that
    later = meeting_steps.plan(cast, starts_at=begins + timedelta(minutes=30), minutes=30)
    second = await meeting_steps.asked_to_co_sign(cast, stamped, later)
    answering.is_silent = True
    await complete(stamped, second)
    await co_sign_note(stamped, cast.oncall, note_id=second.id, proof=Proof(password=PASSWORD), address="192.0.2.1")
    answering.is_silent = False
    note = second
    assert await levels() == ("b-b", ["b-b", "b-b"])
    async with transaction(stamped.sessions, SYSTEM) as session:
        assert second.id in await due_notes(session)
    await complete(stamped, second)
    assert await levels() == ("b-lta", ["b-lta", "b-lta"])
