"""An archive over DIMSE that stalls, lies or floods harms nobody, and is told apart in words."""

import asyncio
import resource
import struct
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from teleconsult.imaging.pacs import calling, searching
from teleconsult.imaging.pacs.answers import Answers, Key, Listed, Wanted
from teleconsult.imaging.pacs.calling import Line
from teleconsult.imaging.pacs.dimse import DimseSource
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.sources import Brought, Folder
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.pacs.dimse_archive import (
    FIND,
    GET,
    PENDING,
    SUCCESS,
    Script,
    agree,
    data_set_of,
    listening,
    read_pdu,
    rejection,
    replying,
    response,
    store,
    study,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
FIND_CONTEXT = 3
WANTED = Wanted(Key.NUMBER, "X1")


def source(port: int) -> DimseSource:
    return DimseSource(Line("127.0.0.1", port, "TELECONSULT", "PACS"))


async def search(script: Script) -> Answers:
    async with listening(script) as port:
        return await source(port).studies(WANTED)


async def fault_of(script: Script) -> Fault:
    with pytest.raises(PacsFault) as raised:
        await search(script)
    return raised.value.fault


def found(content: bytes, *, message: int = 1) -> bytes:
    return response(FIND, PENDING, context=FIND_CONTEXT, identifier=content, message=message)


END = response(FIND, SUCCESS, context=FIND_CONTEXT)


async def test_what_it_finds_is_read_whatever_its_letters() -> None:
    told = study("1.2.3", "X1 ", PatientName="Bélanger^Rose", SpecificCharacterSet="ISO_IR 192", AccessionNumber="A")
    answers = await search(replying(found(told), found(study("1.2.4", "X2")), found(study("not a uid", "X1")), END))
    (one,) = answers.studies
    assert (one.uid, one.patient_name, one.patient_number, answers.has_more) == ("1.2.3", "Bélanger^Rose", "X1", False)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Fault.NOT_DICOM),
        (struct.pack(">BxL", 2, 0xFFFFFFFF) + b"x", Fault.NOT_DICOM),
        (struct.pack(">BxL", 2, 40) + bytes(40), Fault.UNSUPPORTED),
        (struct.pack(">BxL", 7, 4) + bytes(4), Fault.REJECTED),
        (struct.pack(">BxL", 99, 4) + bytes(4), Fault.NOT_DICOM),
        (rejection(1, 1, 3), Fault.UNKNOWN_CALLER),
        (rejection(1, 1, 7), Fault.UNKNOWN_CALLED),
        (rejection(2, 3, 2), Fault.BUSY),
        (rejection(1, 2, 2), Fault.REJECTED),
    ],
    ids=range(9),
)
async def test_what_is_wrong_at_the_beginning_is_told_apart(said: bytes, fault: Fault) -> None:
    assert await fault_of(replying(said, agrees=False)) is fault


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ([response(FIND, 0xA700, context=FIND_CONTEXT)], Fault.QUERY_REFUSED),
        ([response(FIND, SUCCESS, context=FIND_CONTEXT, message=7)], Fault.NOT_DICOM),
        ([response(GET, SUCCESS, context=99)], Fault.NOT_DICOM),
        ([found(b"\x08\x00\x40\x11\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff" * 3000)], Fault.NOT_DICOM),
        (store(CT, "1.2", b"x" * 20, context=FIND_CONTEXT), Fault.NOT_DICOM),
        ([struct.pack(">BxL", 4, 0xFFFFFFFF)], Fault.NOT_DICOM),
        ([struct.pack(">BxL", 7, 4) + bytes(4)], Fault.LOST),
    ],
    ids=range(7),
)
async def test_what_is_wrong_in_an_answer_is_told_apart(said: list[bytes], fault: Fault) -> None:
    assert await fault_of(replying(*said)) is fault


async def test_ten_thousand_answers() -> None:
    """A thousand are read; the rest is not waited for."""
    one = found(study("1.2.10000", "X1"))
    many = [one.replace(b"1.2.10000", f"1.2.{number:05}".encode()) for number in range(10_000)]
    answers = await search(replying(*many, END))
    assert (len(answers.studies), answers.has_more) == (50, True)


async def test_an_answer_that_never_ends() -> None:
    """One identifier of 4 GiB: no more than its bound is kept."""
    begun = encoded_command()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await agree(reader, writer)
        await read_pdu(reader)
        writer.write(begun)
        piece = struct.pack(">BxLLBB", 4, 16006, 16002, FIND_CONTEXT, 0) + bytes(16000)
        for _ in range(10_000):
            writer.write(piece)
            await writer.drain()

    assert await fault_of(flood) is Fault.TOO_MUCH
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def encoded_command() -> bytes:
    """A pending response whose data set is still to come."""
    whole = response(FIND, PENDING, context=FIND_CONTEXT, identifier=b"")
    length = struct.unpack_from(">L", whole, 6)[0]
    return struct.pack(">BxL", 4, length + 4) + whole[6 : 10 + length]


async def test_one_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "BEGIN", 0.2)
    assert searching.PATIENCE < 60

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await agree(reader, writer)
        await reader.read()

    assert await fault_of(silent) is Fault.SILENT


async def test_one_that_hangs_up() -> None:
    async def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await agree(reader, writer)
        await read_pdu(reader)

    assert await fault_of(gone) is Fault.LOST


async def get(script: Script, folder: Path, *, limit: int = 1_000_000) -> list[Brought]:
    images = [Listed("1.2", f"1.2.{number}", CT) for number in range(2)]
    async with listening(script) as port:
        lots = source(port).retrieve("1.2.3", images, Folder(folder, file_limit=limit))
        return [brought async for brought in lots]


def stores(count: int, *, side: int = 16, sop_class: str = CT) -> list[bytes]:
    pdus = []
    for _ in range(count):
        uid = generate_uid()
        content = data_set_of(dicom_bytes(side=side, SOPInstanceUID=uid))
        pdus += store(sop_class, uid, content, context=3)
    return [*pdus, response(GET, SUCCESS, context=1)]


async def test_images_come_over_our_own_connection(tmp_path: Path) -> None:
    (brought,) = await get(replying(*stores(2)), tmp_path)
    assert (len(brought.files), brought.refused) == (2, ())
    assert all(file.path.read_bytes()[128:132] == b"DICM" for file in brought.files)


async def test_more_images_than_were_asked_for(tmp_path: Path) -> None:
    with pytest.raises(PacsFault) as raised:
        await get(replying(*stores(11)), tmp_path)
    assert raised.value.fault is Fault.TOO_MUCH


async def test_an_image_that_is_too_large_and_one_of_another_class(tmp_path: Path) -> None:
    (brought,) = await get(replying(*stores(1, side=256)), tmp_path, limit=10_000)
    assert [refusal.value for refusal in brought.refused] == ["too-large"]
    (brought,) = await get(replying(*stores(1, sop_class="1.2.840.10008.5.1.4.1.1.4")), tmp_path)
    assert [refusal.value for refusal in brought.refused] == ["other-object"]


async def test_what_it_failed_to_give_is_no_fault_yet(tmp_path: Path) -> None:
    (brought,) = await get(replying(response(GET, 0xB000, context=1)), tmp_path)
    assert brought == Brought((), ())
    for status, fault in ((0xA801, Fault.NO_DESTINATION), (0xC000, Fault.QUERY_REFUSED)):
        with pytest.raises(PacsFault) as raised:
            await get(replying(response(GET, status, context=1)), tmp_path)
        assert raised.value.fault is fault
