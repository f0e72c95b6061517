"""Messages of DIMSE-C as a provider of C-STORE and C-ECHO reads and answers them (PS3.7 §9.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO
from typing import Any, Final

from pynetdicom.dimse_messages import C_ECHO_RSP, C_STORE_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.dsutils import decode
from pynetdicom.pdu import P_DATA_TF

from teleconsult.imaging.dimse.pdus import Broken, Reason
from teleconsult.imaging.refusals import SENTENCES, Refusal
from teleconsult.imaging.store_response import failure_reason
from teleconsult.imaging.uids import is_uid

LONGEST_COMMAND: Final = 16 * 1024
LONGEST_COMMENT: Final = 64
"""Characters of (0000,0902), an LO."""
_NO_DATA_SET: Final = 0x0101


class Operation(IntEnum):
    """The command fields that are taken (PS3.7 §E.1)."""

    C_STORE_RQ = 0x0001
    C_ECHO_RQ = 0x0030


class Status(IntEnum):
    """What became of it, apart from why a file is refused (PS3.4 table B.2-1, PS3.7 Annex C)."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    INVALID_INSTANCE = 0x0117
    NO_SUCH_CLASS = 0x0122
    OUT_OF_RESOURCES = 0xA700


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked."""

    operation: Operation
    message_id: int
    sop_class: str
    sop_instance: str
    """Empty for C-ECHO."""
    has_data_set: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What we say to it."""

    status: int
    comment: str = ""

    @classmethod
    def of(cls, refusal: Refusal | None) -> "Answer":
        """Of what became of a file."""
        return cls(Status.SUCCESS) if refusal is None else cls(failure_reason(refusal), SENTENCES[refusal])


def read_command(content: bytes) -> Command:
    """Read a command set, always implicit little endian (PS3.7 §6.3.1). Raises Broken for one that is not taken."""
    try:
        found: Any = decode(BytesIO(content), True, True)
        operation = Operation(int(found.CommandField))
        instance = str(found.AffectedSOPInstanceUID) if operation is Operation.C_STORE_RQ else ""
        command = Command(
            operation,
            int(found.MessageID),
            str(found.AffectedSOPClassUID),
            instance,
            int(found.CommandDataSetType) != _NO_DATA_SET,
        )
    except Exception as error:  # as in `negotiating`
        raise Broken(Reason.UNEXPECTED_PDU) from error
    if command.has_data_set is not (operation is Operation.C_STORE_RQ):
        raise Broken(Reason.UNEXPECTED_PDU)
    return command


def encoded_answer(command: Command, answer: Answer, *, context_id: int, longest: int) -> Iterator[bytes]:
    """The response as P-DATA-TF of at most `longest` bytes; 0 where the other side sets no bound."""
    response: Any
    message: DIMSEMessage
    if command.operation is Operation.C_STORE_RQ:
        response, message = C_STORE(), C_STORE_RSP()
        response.AffectedSOPInstanceUID = command.sop_instance if is_uid(command.sop_instance) else None
    else:
        response, message = C_ECHO(), C_ECHO_RSP()
    response.MessageIDBeingRespondedTo = command.message_id
    response.AffectedSOPClassUID = command.sop_class if is_uid(command.sop_class) else None
    response.Status = answer.status
    if answer.comment:
        response.ErrorComment = answer.comment[:LONGEST_COMMENT]
    message.primitive_to_message(response)
    for primitive in message.encode_msg(context_id, longest):
        pdu = P_DATA_TF()
        pdu.from_primitive(primitive)
        yield bytes(pdu.encode())
