"""One message: taken once, answered, and kept as it came (HL7 v2.5.1 §2.9, original mode)."""

import hashlib
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import TeleconsultError
from teleconsult.hl7v2.admissions import take_admission
from teleconsult.hl7v2.answering import acknowledged
from teleconsult.hl7v2.models import Acknowledgment, Hl7Message, Hl7Sender
from teleconsult.hl7v2.reading import OURS, UNKNOWN_EVENT, UNKNOWN_TYPE, WRONG_VALUE, Fault, Message, read_message
from teleconsult.hl7v2.receipts import STATES, take_receipt
from teleconsult.hl7v2.results import take_results

log = structlog.get_logger(__name__)

TAKEN: Final = {"ADT": ("A01", "A03", "A04", "A08", "A28", "A31", "A40"), "ORU": ("R01",), "ZAM": tuple(STATES)}
"""Types of message, and their events."""
WRONG_FACILITY = Fault(WRONG_VALUE, "This certificate may not speak for this facility.", where="MSH-4")
FAILED = Fault(OURS, "It could not be kept here. Send it again later.")


@dataclass(frozen=True, slots=True)
class Connection:
    """Who is at the other end: what their certificate is, None on this very machine without TLS."""

    certificate_sha256: bytes | None


async def receive(sessions: Sessions, connection: Connection, content: bytes) -> bytes:
    """Take the message, in one transaction with everything it does, and give the bytes of the answer.

    The same message again, whole, does nothing and is answered as before. The same MSH-10 with other content is
    another message: senders do reuse numbers, and a result that is dropped for it harms somebody. It is taken, and
    marked for a person to look at. What cannot be taken is kept too, and marked.
    """
    moment = now()
    try:
        message = read_message(content)
    except Fault as unreadable:
        return acknowledged(None, Acknowledgment.REJECT, moment=moment, fault=unreadable)
    try:
        async with transaction(sessions, SYSTEM) as session:
            sender = await _sender(session, connection, message)
            if sender is None:
                await _turn_away(session, connection, message, content)
                return acknowledged(message, Acknowledgment.REJECT, moment=moment, fault=WRONG_FACILITY)
            kept, fault = await _take(session, sender, message, content)
            return acknowledged(message, kept, moment=moment, fault=fault)
    except Exception as error:
        # Whatever it was, the sender must know that nothing was kept, and its content must not reach a log.
        log.error("hl7v2.failed", kind=type(error).__name__)  # noqa: TRY400  (a traceback quotes the message)
        return acknowledged(message, Acknowledgment.ERROR, moment=moment, fault=FAILED)


async def _sender(session: AsyncSession, connection: Connection, message: Message) -> Hl7Sender | None:
    """Who sends, locked: messages of one system are taken one after the other."""
    sender: Hl7Sender | None = await session.scalar(
        select(Hl7Sender)
        .where(
            Hl7Sender.certificate_sha256.is_not_distinct_from(connection.certificate_sha256),
            Hl7Sender.facility == message.facility,
            Hl7Sender.disabled_at.is_(None),
        )
        .options(joinedload(Hl7Sender.organization))
        .with_for_update(of=Hl7Sender)
    )
    return sender


async def _turn_away(session: AsyncSession, connection: Connection, message: Message, content: bytes) -> None:
    """A facility that its sender may not speak for: shown to the establishment whose certificate it came with."""
    sender = await _misnamed(session, connection, message)
    if sender is None:
        log.warning("hl7v2.unknown-sender", certificate=(connection.certificate_sha256 or b"").hex() or "none")
        audit.record(session, SYSTEM, "hl7-message-refused", outcome="denied", reason="facility")
        return
    audit.record(session, actor_of(sender), "hl7-message-refused", sender, outcome="denied", reason="facility")
    await _take(session, sender, message, content, refused=WRONG_FACILITY)


async def _misnamed(session: AsyncSession, connection: Connection, message: Message) -> Hl7Sender | None:
    """Whose certificate it is, locked. None where nobody's is, several establishments', or where the system that is
    called so was turned off: nobody has to look at what that one still sends.
    """
    found = await session.scalars(
        select(Hl7Sender)
        .where(Hl7Sender.certificate_sha256.is_not_distinct_from(connection.certificate_sha256))
        .order_by(Hl7Sender.id)
        .with_for_update(of=Hl7Sender)
    )
    known = found.all()
    standing = [one for one in known if one.disabled_at is None]
    is_off = any(one.facility == message.facility for one in known)
    is_of_one_house = len({one.organization_id for one in standing}) == 1
    return standing[0] if is_of_one_house and not is_off else None


async def _take(
    session: AsyncSession, sender: Hl7Sender, message: Message, content: bytes, *, refused: Fault | None = None
) -> tuple[Acknowledgment, Fault | None]:
    """Do what it says and keep it; `refused` says why nothing is done."""
    digest = hashlib.sha256(content).digest()
    before = (
        await session.scalars(
            select(Hl7Message).where(Hl7Message.sender_id == sender.id, Hl7Message.control_id == message.control_id)
        )
    ).all()
    same = next((row for row in before if row.sha256 == digest), None)
    if same is not None and same.acknowledgment is Acknowledgment.ACCEPT:
        same.times += 1
        return same.acknowledgment, None
    fault = refused or await _act(session, sender, message)
    code = Acknowledgment.ACCEPT if fault is None else _code_of(fault)
    is_reused = any(row is not same for row in before)
    if same is None:
        same = Hl7Message(
            sender_id=sender.id,
            organization_id=sender.organization_id,
            control_id=message.control_id,
            sha256=digest,
            kind="^".join(message.kind)[:20],
            content=content,
            received_at=now(),
            times=0,
        )
        session.add(same)
    same.times += 1
    same.acknowledgment, same.is_id_reused = code, is_reused
    same.fault, same.fault_at, same.said = (fault.code, fault.where, fault.said[:300]) if fault else ("", "", "")
    same.seen_at = now() if fault is None and not is_reused else None
    await session.flush()
    return code, fault


def _code_of(fault: Fault) -> Acknowledgment:
    """AR for what will never be taken as it is (§2.9.2.1), AE for what may be: an unknown patient may come yet."""
    is_final = fault is WRONG_FACILITY or fault.code in (UNKNOWN_TYPE, UNKNOWN_EVENT)
    return Acknowledgment.REJECT if is_final else Acknowledgment.ERROR


async def _act(session: AsyncSession, sender: Hl7Sender, message: Message) -> Fault | None:
    """Do what the message says, wholly or not at all."""
    actor = actor_of(sender)
    zone = ZoneInfo(sender.organization.time_zone)
    kind, event = message.kind
    if event not in TAKEN.get(kind, ()):
        code = UNKNOWN_EVENT if kind in TAKEN else UNKNOWN_TYPE
        return Fault(code, "Messages of this kind are not taken here.", where="MSH-9")
    try:
        async with session.begin_nested():
            if kind == "ZAM":
                await take_receipt(session, actor, message)
            else:
                take = take_results if kind == "ORU" else take_admission
                await take(session, actor, message, zone=zone, source=sender.name)
            audit.record(
                session, actor, "hl7-message-taken", sender, kind=f"{kind}^{event}", control_id=message.control_id
            )
    except Fault as fault:
        return fault
    except TeleconsultError as error:
        return Fault(WRONG_VALUE, error.message)
    return None


def actor_of(sender: Hl7Sender) -> Actor:
    """The system, for the sender's establishment, under the sender's name."""
    return replace(SYSTEM, organization_id=sender.organization_id, name=sender.name)
