"""What strangers say at each door, made from what is good: one attempt each, answered by a status or by a line that is
cut, never by a fault of ours.
"""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.sandbox import Sandbox
from tests.proof.mutating import Mutator
from tests.proof.place import in_the_end
from tests.proof.wild_site import Within, asked
from tests.signaling.wild import PING, TEXT, Wild
from tests.stow_steps import RELATED, parts, slice_of
from tests.teleconsult.hl7v2 import messages
from tests.teleconsult.imaging.dimse.scanner import RELEASE, CTImageStorage, command, data, proposal
from tests.teleconsult.received.mails import mail, xdm
from tests.web.test_fhir_bundles import bundle, entry
from tests.web.test_fhir_writing import weight
from web.app import make_app

METHODS: Final = ("GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW")
TYPES: Final = (
    *(
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
    ),
    *("application/offset+octet-stream", "text/plain; charset=utf-7", "x", "application/fhir+json; charset=nonsense"),
)
PEOPLE: Final = ("rural", "specialist", "coordinator", "admin", "privacy", "operator")
LEAVES: Final = ("sign-out", "password", "sessions", "tokens", "second-factor")
"""Of an address: what would only sign the stranger out, or lock the person out."""
EVENTS: Final = (
    "join",
    "signal",
    "say",
    "leave",
    "resume",
    "media",
    "want",
    "point",
    "connect",
    "disconnect",
    "typing",
)
SEARCHES: Final = ("Patient", "Observation", "Condition", "ServiceRequest", "ImagingStudy", "Binary", "AuditEvent", "x")
NAMES: Final = (
    "_id",
    "patient",
    "date",
    "code",
    "_count",
    "_sort",
    "_include",
    "_since",
    "identifier",
    "name",
    "_page",
)

Attempt = Callable[[Mutator], Awaitable[int]]
"""What came of it: a status of HTTP or a word of the door as a number, 0 for none."""


class Strangers:
    """Everyone at the doors of one site."""

    def __init__(self, within: Within, sandbox: Sandbox, folder: Path) -> None:
        self._within, self._sandbox, self._folder = within, sandbox, folder
        self._headers: list[dict[str, str]] = []
        resources = make_app(within.settings).router.resources()
        paths = sorted({one.canonical for one in resources if not one.canonical.startswith(("/socket.io", "/static"))})
        self._paths = [path for path in paths if not any(word in path for word in LEAVES)]
        self._number = 0

    async def come_in(self) -> None:
        """Sign in anew: some of what is said ends a session."""
        cast = self._within.cast
        self._headers = [await self._within.headers(getattr(cast, name)) for name in PEOPLE]

    async def rehearse(self) -> None:
        """What loads for seconds when it is asked for first has been: a page that prints, a file that is checked."""
        host, port = {"Cookie": self._headers[1]["Cookie"]}, self._within.site.port
        assert await in_the_end(lambda: _is_well(asked(port, f"GET /notes/{self._within.ids[2]}/signature", host)))
        assert await in_the_end(lambda: _is_well(self._pdf(Mutator(0))))

    @property
    def doors(self) -> dict[str, tuple[float, Attempt]]:
        """By name: which share of all attempts comes there, and how."""
        return {
            "HTTP": (0.36, self._page),
            "FHIR": (0.30, self._fhir),
            "HL7": (0.10, self._hl7),
            "Socket.IO": (0.10, self._socket),
            "DICOM": (0.09, self._dicom),
            "XDM": (0.04, self._xdm),
            "PDF": (0.01, self._pdf),
        }

    async def _page(self, by: Mutator) -> int:
        """Any address of the site with any method, form and header."""
        path = re.sub(r"\{[^}]*\}", lambda _: self._id(by), by.one_of(self._paths))
        if by.chance.random() < 0.3:
            path += "?" + "&".join(
                f"{by.one_of(('q', 'page', 'next', 'from', by.word()))}={by.word()}" for _ in range(3)
            )
        path = "".join(letter if 32 < ord(letter) < 127 else _quoted(letter) for letter in path) or "/"
        headers = dict(by.one_of(self._headers)) if by.chance.random() < 0.9 else {}
        headers["Content-Type"] = by.one_of(TYPES)
        headers["Accept"] = by.one_of(("text/html", "application/json", "*/*", "x;q=nan"))
        if by.chance.random() < 0.2:
            name = by.one_of(
                ("Range", "If-None-Match", "Turbo-Frame", "Upload-Offset", "Upload-Length", "Accept-Language")
            )
            headers[name] = re.sub(r"[\r\n\0]", "", by.word())
        form = "&".join(f"{by.one_of(FIELDS)}={_quoted(by.word())}" for _ in range(by.chance.randrange(6))).encode()
        body = by.bytes(form) if by.chance.random() < 0.3 else form
        method = by.one_of(METHODS)
        return (await asked(self._within.site.port, f"{method} {path}", headers, body))[0]

    async def _fhir(self, by: Mutator) -> int:
        headers = {
            "Authorization": f"Bearer {self._within.bearer}",
            "Content-Type": "application/fhir+json",
            "Accept": "application/fhir+json",
        }
        patient = str(self._within.cast.patient.id)
        if by.chance.random() < 0.5:
            query = "&".join(f"{by.one_of(NAMES)}={_quoted(by.word())}" for _ in range(by.chance.randrange(4)))
            path = f"/fhir/{by.one_of(SEARCHES)}" + (f"/{self._id(by)}" if by.chance.random() < 0.3 else "")
            return (await asked(self._within.site.port, f"GET {path}?{query}", headers))[0]
        whole = weight(patient)
        if by.chance.random() < 0.4:
            body, path = by.json(bundle(entry("POST", "Observation", whole))), "/fhir"
        else:
            body, path = by.json(whole), "/fhir/Observation"
        if by.chance.random() < 0.2:
            headers["If-None-Exist"] = f"identifier={_quoted(by.word())}"
        return (await asked(self._within.site.port, f"POST {path}", headers, body))[0]

    async def _hl7(self, by: Mutator) -> int:
        self._number += 1
        whole = by.one_of((messages.admission, messages.result))(control=str(self._number))
        content = by.bytes(whole).replace(b"\x1c", b"")
        return len(await self._said(self._within.site.mllp_port, b"\x0b" + content + b"\x1c\r", until=b"\x1c\r"))

    async def _dicom(self, by: Mutator) -> int:
        whole = slice_of(self._within.cast)
        if by.chance.random() < 0.5:
            body = parts([by.bytes(whole)])
            headers = {
                "Authorization": f"Bearer {self._within.bearer}",
                "Content-Type": RELATED,
                "Accept": "application/dicom+json",
            }
            return (await asked(self._within.site.port, "POST /dicomweb/studies", headers, body))[0]
        store = command(sop_class=CTImageStorage, field=1, message=1, data_set=1, instance="1.2.3")
        pdus = (proposal(CTImageStorage), data((1, 3, store)), data((1, 2, whole[400:])), RELEASE)
        at = by.chance.randrange(len(pdus))
        said = b"".join(by.bytes(pdu, most=3) if number == at else pdu for number, pdu in enumerate(pdus))
        return len(await self._said(self._within.site.dimse_port, said))

    async def _socket(self, by: Mutator) -> int:
        """One connection, signed in or not, and a few frames."""
        headers = by.one_of(self._headers) | {"Upgrade": "websocket", "Connection": "Upgrade"}
        headers |= {"Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(), "Sec-WebSocket-Version": "13"}
        host = f"127.0.0.1:{self._within.site.port}"
        head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": host, **headers}.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", self._within.site.port)
        heard = b""
        try:
            writer.write(f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{head}\r\n".encode())
            heard = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            wild = Wild(reader, writer)
            wild.say(by.one_of(("40/room,", "40/worklist,", "40/chat,", "40")))
            for _ in range(by.chance.randint(1, 6)):
                packet = by.tree([by.one_of(EVENTS), {"room": self._id(by), "text": by.word()}, self._id(by)])
                text = f"42/room,{by.one_of(('', '7'))}{json.dumps(packet)}".encode("utf-8", "surrogatepass")
                wild.frame(
                    by.bytes(text) if by.chance.random() < 0.3 else text, kind=by.one_of((TEXT, TEXT, TEXT, PING, 2))
                )
            await writer.drain()
            async with asyncio.timeout(0.05):
                await reader.read(4096)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
        said = heard.split(b" ", 2)
        return int(said[1]) if len(said) > 1 else 0

    async def _xdm(self, by: Mutator) -> int:
        """As the mailbox has it read: in a worker of the sandbox, which must not die of it."""
        whole = bytes(mail(by.bytes(xdm()) if by.chance.random() < 0.7 else xdm()))
        path = self._folder / f"mail-{by.chance.getrandbits(64)}"
        path.write_bytes(by.bytes(whole) if by.chance.random() < 0.5 else whole)
        try:
            await self._sandbox.ask("mail", path)
        except Unreadable as error:
            if error.refusal is Refusal.TOO_DEMANDING:
                raise AssertionError("a worker died of a mail, or took too long") from error
        finally:
            path.unlink()
        return 200

    async def _pdf(self, by: Mutator) -> int:
        """As anyone has a file checked."""
        content = by.bytes(self._picture_as_pdf, most=20)
        named = 'Content-Disposition: form-data; name="file"; filename="n.pdf"'
        body = f"--x\r\n{named}\r\nContent-Type: application/pdf\r\n\r\n".encode() + content + b"\r\n--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Origin": self._within.site.url}
        return (await asked(self._within.site.port, "POST /verify", headers, body))[0]

    @cached_property
    def _picture_as_pdf(self) -> bytes:
        out = BytesIO()
        Image.new("L", (64, 64), 90).save(out, "PDF")
        return out.getvalue()

    def _id(self, by: Mutator) -> str:
        known: str = by.one_of(self._within.ids)
        return known if by.chance.random() < 0.7 else _quoted(by.word()[:200])

    async def _said(self, port: int, content: bytes, *, until: bytes = b"") -> bytes:
        """What comes back until the line is cut, the end stands there, or nothing more comes."""
        heard = b""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(content)
            await writer.drain()
            async with asyncio.timeout(2):
                while piece := await reader.read(65536):
                    heard += piece
                    if until and until in heard:
                        break
        except (TimeoutError, OSError):
            pass
        finally:
            writer.close()
        return heard


FIELDS: Final = (
    *("csrf_token", "version", "question", "service", "priority", "patient", "starts_at", "minutes", "date", "time"),
    *(
        "email",
        "name",
        "family",
        "given",
        "birth_date",
        "opinion",
        "text",
        "reason",
        "password",
        "code",
        "id",
        "entries",
    ),
)


async def _is_well(asking: Awaitable[int | tuple[int, float]]) -> bool:
    status = await asking
    return (status[0] if isinstance(status, tuple) else status) in range(200, 500)


def _quoted(text: str) -> str:
    return "".join(
        f"%{byte:02x}" if byte < 48 or byte > 122 else chr(byte) for byte in text.encode("utf-8", "surrogatepass")
    )
