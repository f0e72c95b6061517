"""The other end of the line: pynetdicom as a sender in a thread of its own, and bytes by hand."""

import asyncio
import re
import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID
from pynetdicom import AE, AllStoragePresentationContexts, build_context, evt
from pynetdicom.pdu import A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.sop_class import CTImageStorage, Verification  # type: ignore[attr-defined]  # made at its import

from tests.waiting import PATIENCE

HOST = "127.0.0.1"
RELEASE = bytes((5, 0, 0, 0, 0, 4, 0, 0, 0, 0))
__all__ = ["AllStoragePresentationContexts", "CTImageStorage", "Rejected", "Scanner", "Verification"]


@dataclass(frozen=True)
class Rejected:
    """What an A-ASSOCIATE-RJ says."""

    result: int
    source: int
    reason: int


@dataclass
class Scanner:
    """One that calls `TELECONSULT` as `CT1`, unless told otherwise."""

    port: int
    title: str = "CT1"
    called: str = "TELECONSULT"
    tls: tuple[ssl.SSLContext, str] | None = None

    async def echo(self) -> int | Rejected | None:
        """The status of a C-ECHO; None where the line was cut."""
        answers = await asyncio.to_thread(self._talk, [])
        return answers[0] if isinstance(answers, list) else answers

    async def store(self, *files: bytes) -> list[Dataset] | Rejected | None:
        """The responses, one a file, over one association."""
        answers = await asyncio.to_thread(self._talk, files)
        return answers[1:] if isinstance(answers, list) else answers

    def _talk(self, files: Sequence[bytes]) -> list | Rejected | None:  # type: ignore[type-arg]  # a status, then datasets
        entity = AE(ae_title=self.title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = PATIENCE
        entity.add_requested_context(Verification)
        datasets = [dcmread(BytesIO(content), force=True) for content in files]
        for kind, syntax in {(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID) for ds in datasets}:
            entity.add_requested_context(kind, syntax)
        sent_away: list[Rejected] = []

        def hear(event: evt.Event) -> None:
            """One that is sent away before its thread has seen that it was connected takes the line for cut."""
            if isinstance(event.pdu, A_ASSOCIATE_RJ):
                told = event.pdu.to_primitive()
                sent_away.append(Rejected(told.result, told.result_source, told.diagnostic))

        association = entity.associate(
            HOST, self.port, ae_title=self.called, tls_args=self.tls, evt_handlers=[(evt.EVT_PDU_RECV, hear)]
        )
        try:
            if sent_away:
                return sent_away[0]
            if not association.is_established:
                return None
            statuses: list = [association.send_c_echo().get("Status")]  # type: ignore[type-arg]
            return statuses + [association.send_c_store(ds) for ds in datasets]
        finally:
            if association.is_established:
                association.release()
            entity.shutdown()

    async def push(self, content: bytes) -> int | None:
        """The status of a C-STORE of the very bytes of a file's data set, which nobody read before; None where the
        line was cut.
        """
        file = BytesIO(content)
        meta = read_preamble_and_meta(file)
        kind, instance = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        asked = command(sop_class=str(kind), field=1, message=1, data_set=1, instance=str(instance))
        heard = await self.say(
            proposal(str(kind), syntax=str(meta.TransferSyntaxUID)),
            data((1, 3, asked)),
            *(data((1, 0, piece)) for piece in iter(lambda: file.read(30_000), b"")),
            data((1, 2, b"")),
            RELEASE,
            within=PATIENCE,
        )
        return status_in(heard)

    async def say(self, *pdus: bytes, within: float = PATIENCE) -> bytes:
        """Everything that comes back for these bytes until the door closes the line, or says nothing for a while."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        heard = b""
        try:
            for pdu in pdus:
                writer.write(pdu)
            await writer.drain()
            async with asyncio.timeout(within):
                while piece := await reader.read(65536):
                    heard += piece
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return heard


def status_in(heard: bytes) -> int | None:
    """(0000,0900) of the first response among these PDUs."""
    found = re.search(rb"\x00\x00\x00\x09\x02\x00\x00\x00(..)", heard, re.DOTALL)
    return int.from_bytes(found[1], "little") if found else None


def read_preamble_and_meta(file: BytesIO) -> FileMetaDataset:
    """The meta information; the file is left where the data set begins."""
    (length,) = struct.unpack_from("<L", file.getvalue(), 140)
    meta = dcmread(BytesIO(file.getvalue()[: 144 + length]), force=True, stop_before_pixels=True).file_meta
    file.seek(144 + length)
    return meta


def proposal(*classes: str, title: str = "CT1", called: str = "TELECONSULT", **parts: str) -> bytes:
    """An A-ASSOCIATE-RQ; each class a context, numbered 1, 3, 5…"""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(parts.get("application", "1.2.840.10008.3.1.1.1"))
    primitive.calling_ae_title, primitive.called_ae_title = title, called
    contexts = []
    for number, kind in enumerate(classes or (CTImageStorage,)):
        context = build_context(kind, parts.get("syntax"))
        context.context_id = 2 * number + 1
        contexts.append(context)
    primitive.presentation_context_definition_list = contexts
    longest, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    longest.maximum_length_received = 16384
    implementation.implementation_class_uid = UID("1.2.3")
    primitive.user_information = [longest, implementation]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


def data(*values: tuple[int, int, bytes]) -> bytes:
    """A P-DATA-TF of values: context, control, content."""
    body = b"".join(
        struct.pack(">LBB", len(content) + 2, context, control) + content for context, control, content in values
    )
    return struct.pack(">BxL", 4, len(body)) + body


def command(**elements: int | str) -> bytes:
    """A command set in implicit little endian, without its group length."""
    numbers = {"sop_class": 0x0002, "field": 0x0100, "message": 0x0110, "data_set": 0x0800, "instance": 0x1000}
    out = b""
    for name, value in elements.items():
        content = struct.pack("<H", value) if isinstance(value, int) else value.encode()
        content += b"\0" * (len(content) % 2)
        out += struct.pack("<HHL", 0, numbers[name], len(content)) + content
    return out


ECHO = command(sop_class="1.2.840.10008.1.1", field=0x30, message=7, data_set=0x0101)
