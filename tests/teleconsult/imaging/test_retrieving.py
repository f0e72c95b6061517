"""Descriptions joined, frames found in a file, tags that change with what they stand for."""

import uuid
import zlib
from dataclasses import replace

import orjson

from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.retrieving import Kept, joined, number_of_frames, range_of, tag_of


def test_addresses_lead_to_where_one_asked() -> None:
    told = {"00100010": {"vr": "PN", "Value": ['say "BulkDataURI":"/x']}, "7FE00010": {"BulkDataURI": "/dicomweb/a"}}
    array = b"[" + joined([zlib.compress(orjson.dumps(told))] * 2, server="https://here.test") + b"]"
    for one in orjson.loads(array):
        assert one["7FE00010"]["BulkDataURI"] == "https://here.test/dicomweb/a"
        assert one["00100010"] == told["00100010"]


def test_where_native_frames_lie() -> None:
    bytewise = ImagingInstance(pixels_at=1000, pixels_length=600, frame_bits=200 * 8)
    assert number_of_frames(bytewise, 0) == 3
    last = range_of(bytewise, 3)
    assert (last.start, last.first_bit, last.length) == (1400, 0, 200)
    bitwise = ImagingInstance(pixels_at=1000, pixels_length=4, frame_bits=9)
    second = range_of(bitwise, 2)
    assert (second.start, second.first_bit, second.length) == (1001, 1, 2)
    assert number_of_frames(ImagingInstance(pixels_at=0, pixels_length=0, frame_bits=0), 48) == 3


def test_a_tag_stands_for_bytes_and_form() -> None:
    one = Kept(uuid.uuid4(), "1.2", "1.2.840.10008.1.2.1", 5, b"a", "dicom/a")
    assert tag_of([one], "x") == tag_of([replace(one, id=uuid.uuid4(), object_key="dicom/b")], "x")
    assert (
        len({tag_of([one], "x"), tag_of([one], "y"), tag_of([replace(one, sha256=b"b")], "x"), tag_of([one] * 2, "x")})
        == 4
    )
