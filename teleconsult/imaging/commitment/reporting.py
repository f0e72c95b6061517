"""N-EVENT-REPORT as it goes over the line (PS3.4 §J.3.3, PS3.7 §10.3.1)."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.dimse_messages import N_EVENT_REPORT_RQ
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.dsutils import encode
from pynetdicom.pdu import P_DATA_TF

from teleconsult.imaging.commitment.committing import Reference, Report
from teleconsult.imaging.dimse.negotiating import COMMITMENT, COMMITMENT_INSTANCE

REQUEST: Final = 1
"""The Action Type ID of "request storage commitment"."""
_ALL_KEPT, _FAILURES_EXIST = 1, 2


def information(report: Report, *, transfer_syntax: str, retrieve_title: str) -> bytes:
    """The Event Information (table J.3-2), in the transfer syntax of its context."""
    ds = Dataset()
    ds.TransactionUID = report.transaction_uid
    ds.RetrieveAETitle = retrieve_title
    if report.kept:
        ds.ReferencedSOPSequence = _items(report.kept)
    if report.failed:
        failed = _items([reference for reference, _reason in report.failed])
        for item, (_reference, reason) in zip(failed, report.failed, strict=True):
            item.FailureReason = reason
        ds.FailedSOPSequence = failed
    return bytes(encode(ds, transfer_syntax != ExplicitVRLittleEndian, True) or b"")


def event_type(report: Report) -> int:
    """The Event Type ID: whether all is kept, or failures exist."""
    return _FAILURES_EXIST if report.failed else _ALL_KEPT


def encoded_report(content: bytes, *, event: int, message_id: int, context_id: int, longest: int) -> Iterator[bytes]:
    """The request as P-DATA-TF of at most `longest` bytes; 0 where the other side sets no bound."""
    request, message = N_EVENT_REPORT(), N_EVENT_REPORT_RQ()
    request.MessageID = message_id
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = COMMITMENT, COMMITMENT_INSTANCE
    request.EventTypeID, request.EventInformation = event, BytesIO(content)
    message.primitive_to_message(request)
    for primitive in message.encode_msg(context_id, longest):
        pdu = P_DATA_TF()
        pdu.from_primitive(primitive)
        yield bytes(pdu.encode())


def _items(references: Sequence[Reference]) -> list[Dataset]:
    items = []
    for sop_class, uid in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        items.append(item)
    return items
