"""Messages as a provider of C-STORE, C-ECHO and storage commitment reads and answers them (PS3.7 §9.3, §10.3)."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

from pynetdicom.dimse_messages import C_ECHO_RSP, C_STORE_RSP, N_ACTION_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE, N_ACTION
from pynetdicom.pdu import P_DATA_TF

from teleconsult.imaging.dimse.pdus import Broken, Reason
from teleconsult.imaging.refusals import SENTENCES, Refusal
from teleconsult.imaging.store_response import failure_reason
from teleconsult.imaging.uids import is_uid

LONGEST_COMMAND: Final = 16 * 1024
LONGEST_COMMENT: Final = 64
"""Characters of (0000,0902), an LO."""
_NO_DATA_SET: Final = 0x0101
_NUMBER: Final = struct.Struct("<H")
_ANSWERED: Final = b"\0\0\x20\x01\2\0\0\0"
"""(0000,0120) Message ID Being Responded To, a number of two bytes (PS3.7 §E.1)."""
_INSTANCE: Final = b"\0\0\0\x10"
"""(0000,1000) Affected SOP Instance UID, whose length follows."""
_LENGTH: Final = 4
_ELEMENT: Final = struct.Struct("<HHL")
"""Group, element and length of what follows (PS3.5 §7.1.3)."""
_AFFECTED_CLASS, _REQUESTED_CLASS, _FIELD, _MESSAGE_ID, _RESPONDED_TO = 0x0002, 0x0003, 0x0100, 0x0110, 0x0120
_DATA_SET_TYPE, _STATUS, _AFFECTED_INSTANCE, _REQUESTED_INSTANCE, _ACTION = 0x0800, 0x0900, 0x1000, 0x1001, 0x1008
"""Elements of group 0000 (PS3.7 §E.1)."""


class Operation(IntEnum):
    """The command fields that are taken (PS3.7 §E.1)."""

    C_STORE_RQ = 0x0001
    C_ECHO_RQ = 0x0030
    N_ACTION_RQ = 0x0130
    N_EVENT_REPORT_RSP = 0x8100


class Status(IntEnum):
    """What became of it, apart from why a file is refused (PS3.4 table B.2-1, PS3.7 Annex C)."""

    SUCCESS = 0x0000
    NO_SUCH_INSTANCE = 0x0112
    INVALID_ARGUMENT = 0x0115
    PROCESSING_FAILURE = 0x0110
    INVALID_INSTANCE = 0x0117
    NO_SUCH_CLASS = 0x0118
    CLASS_NOT_SUPPORTED = 0x0122
    NO_SUCH_ACTION = 0x0123
    LIMITED_RESOURCES = 0x0213
    OUT_OF_RESOURCES = 0xA700


_WITH_DATA_SET: Final = {Operation.C_STORE_RQ, Operation.N_ACTION_RQ}


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked, or what is said to a report of ours."""

    operation: Operation
    message_id: int
    """Its own; of a response that of what it responds to."""
    sop_class: str
    sop_instance: str
    """Empty for C-ECHO."""
    has_data_set: bool
    action: int = 0
    """The Action Type ID of an N-ACTION."""
    status: int = 0
    """Of a response."""


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
        found = _elements(content)
        operation = Operation(found.number(_FIELD))
        has_data_set = found.number(_DATA_SET_TYPE) != _NO_DATA_SET
        if operation is Operation.N_EVENT_REPORT_RSP:
            answered, status = found.number(_RESPONDED_TO), found.number(_STATUS)
            command = Command(operation, answered, "", "", has_data_set, status=status)
        elif operation is Operation.N_ACTION_RQ:
            about, action = (found.uid(_REQUESTED_CLASS), found.uid(_REQUESTED_INSTANCE)), found.number(_ACTION)
            command = Command(operation, found.number(_MESSAGE_ID), *about, has_data_set, action=action)
        else:
            instance = found.uid(_AFFECTED_INSTANCE) if operation is Operation.C_STORE_RQ else ""
            about = found.uid(_AFFECTED_CLASS), instance
            command = Command(operation, found.number(_MESSAGE_ID), *about, has_data_set)
    except (struct.error, ValueError, KeyError) as error:
        raise Broken(Reason.UNEXPECTED_PDU) from error
    if command.has_data_set is not (operation in _WITH_DATA_SET):
        raise Broken(Reason.UNEXPECTED_PDU)
    return command


class _Elements(dict[int, bytes]):
    """Values by the element numbers of group 0000."""

    def number(self, element: int) -> int:
        """A US. Raises KeyError, struct.error."""
        value: int = _NUMBER.unpack(self[element])[0]
        return value

    def uid(self, element: int) -> str:
        """A UI without its padding, whatever it holds. Raises KeyError."""
        return self[element].decode("latin-1").rstrip("\0 ")


def _elements(content: bytes) -> _Elements:
    """Tag, length, value, and so on. Raises struct.error or ValueError where that does not add up.

    Each message has nine of them: pydicom takes half a millisecond for these, as long as all else of an answer.
    """
    found, at = _Elements(), 0
    while at < len(content):
        group, element, length = _ELEMENT.unpack_from(content, at)
        at += _ELEMENT.size
        if group or at + length > len(content):
            raise ValueError
        found[element] = content[at : at + length]
        at += length
    return found


def encoded_answer(command: Command, answer: Answer, *, context_id: int, longest: int) -> Iterable[bytes]:
    """The response as P-DATA-TF of at most `longest` bytes; 0 where the other side sets no bound."""
    is_stored = command.operation is Operation.C_STORE_RQ and answer == Answer(Status.SUCCESS)
    if is_stored and is_uid(command.sop_class) and is_uid(command.sop_instance):
        pieces = _stored(command.sop_class, len(command.sop_instance), context_id, longest)
        if pieces is not None:
            before, between, after = pieces
            return [before + _NUMBER.pack(command.message_id) + between + command.sop_instance.encode() + after]
    return _encoded(command, answer, context_id=context_id, longest=longest)


@lru_cache(maxsize=128)
def _stored(sop_class: str, length: int, context_id: int, longest: int) -> tuple[bytes, bytes, bytes] | None:
    """What stands before, between and after the message's number and the instance's UID of that length, where it was
    stored; None where that needs more than one PDU. Thousands of a kind are answered one after the other.
    """
    command = Command(Operation.C_STORE_RQ, 0, sop_class, "9" * length, has_data_set=True)
    pdus = list(_encoded(command, Answer(Status.SUCCESS), context_id=context_id, longest=longest))
    if len(pdus) > 1:
        return None
    number = pdus[0].index(_ANSWERED) + len(_ANSWERED)
    instance = pdus[0].index(_INSTANCE, number) + len(_INSTANCE) + _LENGTH
    return pdus[0][:number], pdus[0][number + _NUMBER.size : instance], pdus[0][instance + length :]


def _encoded(command: Command, answer: Answer, *, context_id: int, longest: int) -> Iterator[bytes]:
    response: Any
    message: DIMSEMessage
    instance = command.sop_instance if is_uid(command.sop_instance) else None
    if command.operation is Operation.C_STORE_RQ:
        response, message = C_STORE(), C_STORE_RSP()
        response.AffectedSOPInstanceUID = instance
    elif command.operation is Operation.N_ACTION_RQ:
        response, message = N_ACTION(), N_ACTION_RSP()
        response.AffectedSOPInstanceUID, response.ActionTypeID = instance, command.action
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
