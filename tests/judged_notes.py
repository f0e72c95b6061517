"""Notes that tests sign, in every form they leave in, kept for the independent judges (`tests.judges`).

A test's signed notes are written down: the PDF as it then stands, the FHIR document with its signatures, CDA, XDM,
MHD and what was put into files. A note that looks like one before is kept once. Each judge looks at all of them
together: at those of `test_judged`, one of each kind, always; at those of every test, at the end, where
`JUDGE_EVERY_NOTE` asks for it.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pikepdf
import psycopg
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from psycopg.rows import TupleRow

from teleconsult.cda.consult_note import consult_note_document
from teleconsult.fhir.submissions import Submission, transaction
from teleconsult.notes.authority import trust_folder
from teleconsult.notes.content import NoteContent
from teleconsult.xdm.volume import xdm_volume
from tests import judges

SIGNED: Final = """
select note.id, note.content, note.bundle_object_key, note.bundle_sha256, note.bundle_jws,
       coalesce(newest.object_key, note.pdf_object_key), coalesce(newest.sha256, note.pdf_sha256),
       array(select jws from note_co_signature where composition_id = note.id and jws <> '' order by signed_at),
       array(select jsonb_build_object('id', id::text) || resource from record_entry where source_id = note.id),
       exists (select from note_retraction where composition_id = note.id)
from composition note
left join lateral (select object_key, sha256 from note_evidence
                   where composition_id = note.id and state = 'complete' order by number desc limit 1) newest on true
where note.status = 'final' and note.bundle_jws is not null
"""
AT: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOGETHER: Final = 60
"""Files that one call of a judge is given."""
VARYING: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9A-Za-z+/=]{24,}|[0-9][0-9.:T+Z-]{9,}")
"""Ids, codes, hashes, pictures, times."""
MUPDF: Final = "unchanged since signing|signature is valid"
"""Of the last one, and of those before it."""
EACH_ARCHIVE: Final = """
import sys
sys.path.insert(0, sys.argv[1])
from xdm_check import check
found = [(path, error) for path in sys.argv[3:] for error in check(path, sys.argv[2] + "/")]
print(*found, sep="\\n")
sys.exit(bool(found))
"""


class _Question:
    """One asking of one judge: it must end well, and say what it `says` (a pattern) as often as is right."""

    def __init__(self, *asked: Path | str, says: str = "", times: int = 0) -> None:
        self._asked, self._says, self._times = [str(part) for part in asked], says, times

    def asked(self) -> str:
        """Its objections."""
        answer = subprocess.run(self._asked, capture_output=True, text=True, timeout=300, check=False)
        told = answer.stdout + answer.stderr
        is_good = answer.returncode == 0 and (
            not self._says or len(re.findall(self._says, answer.stdout)) == self._times
        )
        return "" if is_good else f"{' '.join(self._asked)[:300]}\n{told[:3000]}"


@dataclass
class JudgedNotes:
    """A folder of them, each file named by its note."""

    folder: Path
    _seen: set[bytes] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    """Of which there is one at least."""

    def keep(self, connection: psycopg.Connection[TupleRow], data: Path) -> None:
        """Whatever is signed in this database, with its bytes in this data folder."""
        for row in connection.execute(SIGNED).fetchall():
            note_id, content, bundle_key, bundle_sha256, jws, pdf_key, pdf_sha256, further, entries, is_withdrawn = row
            pdf, bundle = (_bytes(data, key, sha) for key, sha in ((pdf_key, pdf_sha256), (bundle_key, bundle_sha256)))
            if pdf is None or bundle is None:
                continue  # a row without its bytes: of tests of what is not about them
            note = NoteContent.from_bytes(bytes(content))
            alike = _alike(note, entries, 1 + len(further), pdf)
            if alike in self._seen:
                continue
            self._seen.add(alike)
            self.kinds |= {_kind(note), *(["co-signed"] if further else []), *(["withdrawn"] if is_withdrawn else [])}
            name = f"{len(self._seen):04}"
            self._write(name, note, note_id, pdf, bundle, entries)
            self._write_signatures(name, pdf, bundle, [jws, *further], trust_folder(data))

    def _write(
        self, name: str, note: NoteContent, note_id: uuid.UUID, pdf: bytes, bundle: bytes, entries: list[dict[str, Any]]
    ) -> None:
        (self.folder / f"{name}.pdf").write_bytes(pdf)
        (self.folder / f"{name}.json").write_bytes(bundle)
        (self.folder / f"{name}.xml").write_bytes(consult_note_document(note, pdf=pdf))
        (self.folder / f"{name}.zip").write_bytes(xdm_volume(note, pdf=pdf))
        submission = Submission(uuid.uuid5(note_id, "test"), AT.isoformat(), {"reference": "Patient/1"}, pdf)
        provided = transaction(note, submission)
        (self.folder / f"{name}-provided.json").write_text(json.dumps(provided))
        parts = [{"id": "1"} | entry["resource"] for entry in provided["entry"]]
        for number, resource in enumerate([*parts, *entries]):
            (self.folder / f"{name}-{number}.json").write_text(json.dumps(resource))

    def _write_signatures(self, name: str, pdf: bytes, bundle: bytes, signatures: list[str], trust: Path) -> None:
        roots = b"".join(path.read_bytes() for path in sorted(trust.glob("*.pem")))
        (self.folder / f"{name}.roots").write_bytes(roots)
        for number, (kind, signed, container) in enumerate(_containers(pdf)):
            (self.folder / f"{name}-{number}.signed").write_bytes(signed)
            (self.folder / f"{name}-{number}.{kind}").write_bytes(container)
        for number, jws in enumerate(signatures):
            header, _, value = jws.split(".")
            raw = _decoded(value)
            chain = json.loads(_decoded(header))["x5c"]
            key = x509.load_der_x509_certificate(base64.b64decode(chain[0])).public_key()
            half = len(raw) // 2
            halves = (int.from_bytes(part, "big") for part in (raw[:half], raw[half:]))
            is_rsa = "rsa" in type(key).__name__.lower()
            stem = self.folder / f"{name}-{number}"
            stem.with_suffix(".key").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            stem.with_suffix(".sig").write_bytes(raw if is_rsa else encode_dss_signature(*halves))
            stem.with_suffix(".jws").write_bytes(f"{header}.".encode() + bundle)

    def objections(self) -> list[str]:
        """What the judges that are here have against them; empty where there is nothing."""
        with ThreadPoolExecutor(2) as at_once:
            return [said for said in at_once.map(_Question.asked, self._asked()) if said]

    def _asked(self) -> Iterator[_Question]:
        if judges.HAS_FHIR:
            for files in _lots(self.folder.glob("*.json"), 10 * TOGETHER):
                for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
                    yield _Question("node", judges.FOLDER / judge, *files)
        if judges.HAS_CDA:
            for files in _lots(self.folder.glob("*.xml"), TOGETHER):
                yield _Question(sys.executable, judges.FOLDER / "cda_xsd.py", *files)
        if judges.HAS_XDM:
            for files in _lots(self.folder.glob("*.zip"), TOGETHER):
                yield _Question(sys.executable, "-c", EACH_ARCHIVE, judges.FOLDER, judges.SCHEMAS / "xds", *files)
        if judges.HAS_ARCHIVE:
            for files in _lots(self.folder.glob("*.pdf"), TOGETHER):
                yield _Question("bash", judges.FOLDER / "preflight.sh", *files, says="PDF/A-1b true", times=len(files))
        for pdf in sorted(self.folder.glob("*.pdf")):
            yield from self._asked_of_signatures(pdf)

    def _asked_of_signatures(self, pdf: Path) -> Iterator[_Question]:
        """OpenSSL goes up to the root too; poppler and MuPDF know none of ours, and say that nothing was changed."""
        containers = sorted(self.folder.glob(f"{pdf.stem}-*.cms"))
        stamps = sorted(self.folder.glob(f"{pdf.stem}-*.tst"))
        if shutil.which("pdfsig"):
            yield _Question("pdfsig", "-nocert", pdf, says="Signature is Valid.", times=len(containers))
        if shutil.which("mutool"):
            yield _Question("mutool", "sign", "-v", pdf, says=MUPDF, times=len(containers))
        if shutil.which("qpdf"):
            yield _Question("qpdf", "--check", pdf)
        if shutil.which("openssl"):
            roots = ("-CAfile", pdf.with_suffix(".roots"), "-no_check_time")
            for container in containers:
                whole = ("-binary", "-inform", "DER", "-in", container, "-content", container.with_suffix(".signed"))
                yield _Question("openssl", "cms", "-verify", *whole, *roots, "-purpose", "any", "-out", os.devnull)
            for stamp in stamps:
                token = ("-in", stamp, "-token_in", "-data", stamp.with_suffix(".signed"))
                yield _Question("openssl", "ts", "-verify", *token, *roots)
            for signature in sorted(self.folder.glob(f"{pdf.stem}-*.sig")):
                key, signed = signature.with_suffix(".key"), signature.with_suffix(".jws")
                yield _Question("openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, signed)


def _kind(note: NoteContent) -> str:
    """What it is to the one before, and how it came about."""
    return note.relation.value or ("written" if note.session_started_at is None else "met")


def _alike(note: NoteContent, entries: list[dict[str, Any]], signatures: int, pdf: bytes) -> bytes:
    """The same for two notes that differ in their numbers, times and keys alone."""
    told = json.dumps([json.loads(note.to_bytes()), entries, signatures, len(_containers(pdf))], sort_keys=True)
    return hashlib.sha256(VARYING.sub("", told).encode()).digest()


def _bytes(data: Path, key: str | None, sha256: bytes | None) -> bytes | None:
    """Of the object store; None where it does not have what was signed."""
    path = data / "objects" / key if key else None
    content = path.read_bytes() if path is not None and path.is_file() else b""
    return content if sha256 is not None and hashlib.sha256(content).digest() == bytes(sha256) else None


def _containers(pdf: bytes) -> list[tuple[str, bytes, bytes]]:
    """Each signature in a PDF (ISO 32000-1 §12.8): `cms` or `tst`, what it covers, and the container itself."""
    found = []
    with pikepdf.open(BytesIO(pdf)) as document:
        for signature in (each.V for each in document.Root.AcroForm.Fields if "/V" in each):
            first, length, second, rest = (int(number) for number in signature.ByteRange)
            covered = pdf[first : first + length] + pdf[second : second + rest]
            kind = "tst" if signature.SubFilter == "/ETSI.RFC3161" else "cms"
            container = bytes(signature.Contents)
            found.append((kind, covered, cms.ContentInfo.load(container).dump()))
    return found


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _lots(files: Iterable[Path], size: int) -> Iterator[list[Path]]:
    ordered = sorted(files)
    yield from (ordered[first : first + size] for first in range(0, len(ordered), size))
