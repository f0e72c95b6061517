"""What is said thousands of times is put together once, and is what the libraries would have said."""

from contextlib import suppress
from io import BytesIO

import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_partial
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, C_STORE_RSP, N_ACTION_RQ, N_EVENT_REPORT_RSP
from pynetdicom.dimse_primitives import C_ECHO, C_STORE, N_ACTION, N_EVENT_REPORT
from pynetdicom.dsutils import encode
from pynetdicom.pdu import P_DATA_TF

from teleconsult.imaging.dimse.arriving import file_head
from teleconsult.imaging.dimse.messages import Answer, Command, Operation, Status, encoded_answer, read_command
from teleconsult.imaging.dimse.pdus import Broken

_OF = {"AffectedSOPClassUID": CTImageStorage}
_ASKED = {"RequestedSOPClassUID": "1.2.4", "RequestedSOPInstanceUID": "1.2.35"}


@pytest.mark.parametrize("length", [11, 12, 37, 64])
@pytest.mark.parametrize("longest", [0, 40, 16384])
def test_who_stores_thousands_is_told_the_same_as_pynetdicom_would_say(length: int, longest: int) -> None:
    for number in (1, 2, 65535):
        instance = f"1.2.{number}.".ljust(length, "3")[:length]
        command = Command(Operation.C_STORE_RQ, number, CTImageStorage, instance, has_data_set=True)
        told = encoded_answer(command, Answer(Status.SUCCESS), context_id=3, longest=longest)
        response, message = C_STORE(), C_STORE_RSP()
        response.MessageIDBeingRespondedTo = number
        response.AffectedSOPClassUID, response.AffectedSOPInstanceUID = CTImageStorage, instance
        response.Status = Status.SUCCESS
        message.primitive_to_message(response)
        pdus = []
        for primitive in message.encode_msg(3, longest):
            pdu = P_DATA_TF()
            pdu.from_primitive(primitive)
            pdus.append(bytes(pdu.encode()))
        assert list(told) == pdus


def said_by_pynetdicom(kind: type, primitive: type, **values: object) -> bytes:
    told, message = primitive(), kind()
    for name, value in values.items():
        setattr(told, name, value)
    message.primitive_to_message(told)
    encoded = encode(message.command_set, True, True)
    assert encoded is not None
    return encoded


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (
            said_by_pynetdicom(
                *(C_STORE_RQ, C_STORE),
                **_OF,
                **{"AffectedSOPInstanceUID": "1.2.3", "MessageID": 65535, "Priority": 2, "DataSet": BytesIO(b"x")},
                **{"MoveOriginatorApplicationEntityTitle": "THEIRS", "MoveOriginatorMessageID": 4},
            ),
            Command(Operation.C_STORE_RQ, 65535, CTImageStorage, "1.2.3", has_data_set=True),
        ),
        (
            said_by_pynetdicom(C_ECHO_RQ, C_ECHO, **_OF, MessageID=7),
            Command(Operation.C_ECHO_RQ, 7, CTImageStorage, "", has_data_set=False),
        ),
        (
            said_by_pynetdicom(
                *(N_ACTION_RQ, N_ACTION), **_ASKED, MessageID=9, ActionTypeID=1, ActionInformation=BytesIO(b"x")
            ),
            Command(Operation.N_ACTION_RQ, 9, "1.2.4", "1.2.35", has_data_set=True, action=1),
        ),
        (
            said_by_pynetdicom(N_EVENT_REPORT_RSP, N_EVENT_REPORT, MessageIDBeingRespondedTo=3, Status=0x0110),
            Command(Operation.N_EVENT_REPORT_RSP, 3, "", "", has_data_set=False, status=0x0110),
        ),
    ],
)
def test_a_command_is_read_as_pynetdicom_says_it_and_no_part_of_it_as_another(said: bytes, command: Command) -> None:
    assert read_command(said) == command
    for length in range(len(said)):
        with suppress(Broken):  # what comes last may be missing
            assert read_command(said[:length]) == command
    for broken in (b"", said[:-1], said[:4] + b"\xff" * 4 + said[8:], b"\x08" + said[1:]):
        with pytest.raises(Broken):
            read_command(broken)


@pytest.mark.parametrize("length", [11, 12, 37, 64])
def test_a_file_begins_as_pydicom_writes_it(length: int) -> None:
    for number in (1, 2, 3):
        instance = f"1.2.{number}.".ljust(length, "3")[:length]
        head = file_head(CTImageStorage, instance, ExplicitVRLittleEndian)
        meta = read_partial(BytesIO(head)).file_meta
        assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (CTImageStorage, instance)
        assert meta.TransferSyntaxUID == ExplicitVRLittleEndian
        again = DicomBytesIO()
        write_file_meta_info(again, meta)
        assert head == bytes(128) + b"DICM" + again.getvalue()
