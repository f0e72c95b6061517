"""Notes to a record system by HL7 v2 over MLLP."""

import asyncio
import hashlib
import uuid
from typing import Final

from teleconsult.cda.consult_note import consult_note_document
from teleconsult.delivery.lines import NoLine, checked_address, tls_to, unsent
from teleconsult.delivery.models import DeliveryStatus, Purpose
from teleconsult.delivery.parcel import Means, Outcome, Parcel
from teleconsult.delivery.reasons import Reason
from teleconsult.hl7v2.calling import Answer, Line, NotSent, Unanswered, ask
from teleconsult.hl7v2.documents import Act, Envelope, mdm, oru
from teleconsult.notes.content import Relation

TAKEN: Final = {"AA": DeliveryStatus.DELIVERED, "CA": DeliveryStatus.ACCEPTED}
LONGEST_CODE: Final = 20
TROUBLED: Final = ("AE", "CE")
"""The receiver could not, this time (HL7 table 0008); AR and CR: it will not."""


class Hl7v2:
    """MDM^T02, T10 and T04, or ORU^R01, with the CDA inside."""

    async def send(self, parcel: Parcel, means: Means) -> Outcome:
        """One message, one answer."""
        assert parcel.place is not None, "it goes to an Endpoint"
        content = await asyncio.to_thread(message_of, parcel)
        try:
            line = await _line(parcel, means)
            answer = await ask(line, content, control_id=control_id(parcel.delivery_id))
        except NoLine as none:
            return none.outcome
        except NotSent as error:
            return unsent(error)
        except Unanswered as unanswered:
            reason = Reason.SILENT if unanswered.is_silent else Reason.LOST
            return _sent(parcel, content, DeliveryStatus.SENT_UNKNOWN, reason=reason)
        return _answered(parcel, content, answer)


def control_id(delivery_id: uuid.UUID) -> str:
    """MSH-10, of 20 characters at the most in v2.5: the same however often it is sent."""
    return f"TC{delivery_id.hex[:18]}"


def message_of(parcel: Parcel) -> bytes:
    """The message as it goes, the same each time."""
    place, content = parcel.place, parcel.content
    assert place is not None, "it goes to an Endpoint"
    envelope = Envelope(control_id(parcel.delivery_id), parcel.queued_at, place.application, place.facility)
    cda = consult_note_document(content, pdf=parcel.pdf)
    act = act_of(parcel)
    if place.message == "oru":
        return oru(content, envelope, act, cda=cda)
    replaced = parcel.earlier.document_oid if parcel.earlier is not None and act is Act.REPLACE else ""
    return mdm(content, envelope, act, cda=cda, replaced_oid=replaced)


def act_of(parcel: Parcel) -> Act:
    """It replaces only what the receiver has, or may have."""
    if parcel.purpose is Purpose.RETRACTION:
        return Act.TAKE_BACK
    replaces = parcel.content.relation == Relation.REPLACES and parcel.earlier is not None
    return Act.REPLACE if replaces else Act.BRING


async def _line(parcel: Parcel, means: Means) -> Line:
    assert parcel.place is not None, "it goes to an Endpoint"
    host, _colon, port = parcel.place.address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    address = await checked_address(host, int(port), means.settings)
    return Line(address, int(port), host, tls_to(parcel.place, means.settings) if parcel.place.uses_tls else None)


def _answered(parcel: Parcel, content: bytes, answer: Answer) -> Outcome:
    if answer.code in TAKEN:
        return _sent(parcel, content, TAKEN[answer.code], answer=answer)
    if answer.code in TROUBLED:
        return _sent(parcel, content, DeliveryStatus.RETRY_WAIT, reason=Reason.TROUBLE, answer=answer)
    return _sent(parcel, content, DeliveryStatus.DEAD, reason=Reason.REFUSED, answer=answer)


def _sent(
    parcel: Parcel, content: bytes, state: DeliveryStatus, *, reason: str = "", answer: Answer | None = None
) -> Outcome:
    return Outcome(
        state,
        external_id=control_id(parcel.delivery_id),
        receipt={"answer": answer.code[:LONGEST_CODE]} if answer is not None else {},
        reason=reason,
        detail=answer.said if answer is not None and reason else "",
        payload_sha256=hashlib.sha256(content).digest(),
    )
