"""The Action Information of a request for storage commitment (PS3.4 table J.3-1). Runs only inside a sandbox worker."""

from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from teleconsult.imaging.reading import open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.uids import is_uid


def read_request(path: Path) -> dict[str, Any]:
    """Transaction UID, and SOP class and instance of each reference. Raises Unreadable."""
    opened = open_instance(path)
    with opened.file:
        ds = opened.dataset
        instances = [
            [_uid(item, "ReferencedSOPClassUID"), _uid(item, "ReferencedSOPInstanceUID")]
            for item in ds.get("ReferencedSOPSequence") or ()
        ]
        if not instances:
            raise Unreadable(Refusal.BAD_IDENTIFIER)
        return {"transaction_uid": _uid(ds, "TransactionUID"), "instances": instances}


def _uid(ds: Dataset, keyword: str) -> str:
    value = str(ds.get(keyword, ""))
    if not is_uid(value):
        raise Unreadable(Refusal.BAD_IDENTIFIER)
    return value
