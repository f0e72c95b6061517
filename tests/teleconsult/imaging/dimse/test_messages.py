"""What is said thousands of times is put together once, and is what the libraries would have said."""

from io import BytesIO

import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_partial
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu import P_DATA_TF

from teleconsult.imaging.dimse.arriving import file_head
from teleconsult.imaging.dimse.messages import Answer, Command, Operation, Status, encoded_answer


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
