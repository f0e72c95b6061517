"""What a mail says whose documents it has; and everything that strangers may put into one is refused with a reason."""

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teleconsult.imaging.sandbox import Sandbox
from teleconsult.received import reading
from teleconsult.received.jobs import read
from teleconsult.received.reading import read_mail
from tests.teleconsult.received.mails import FOLDER, INS, NIR, archive, letter, mail, metadata, xdm

DOC = letter()
PLACE = f"{FOLDER}/DOC00001.XML"
META = {f"{FOLDER}/METADATA.XML": metadata({"DOC00001.XML": DOC})}


def refused(folder: Path, attached: bytes | None) -> str:
    return str(told(folder, mail(attached))["refused"])


def told(folder: Path, message: EmailMessage) -> dict[str, object]:
    path = folder / "mail"
    path.write_bytes(bytes(message))
    head, _body = read_mail(path)
    return head


async def test_the_metadata_say_whose_they_are(tmp_path: Path) -> None:
    sandbox = Sandbox(workers=1)
    try:
        head, body = await read(sandbox, bytes(mail(xdm())))
    finally:
        await sandbox.close()
    assert head["told"] == {
        "patient_id": {"root": NIR, "extension": INS},
        "identifiers": [{"root": NIR, "extension": INS}],
        "family": "BÉLANGER",
        "given": "Rose",
        "birth_date": "1951-03-14",
        "gender": "female",
        "author": "DR Jean Dupont",
        "title": "Compte rendu de consultation",
    }
    assert body == DOC
    assert (head["sender"], head["answer_to"], head["refused"]) == (*["cabinet@hopital.mssante.test"] * 2, "")
    assert [one["media_type"] for one in head["documents"]] == ["text/xml"]


def test_what_is_not_as_it_says_is_refused(tmp_path: Path) -> None:
    other = metadata({"DOC00001.XML": DOC}, number="199999999999999")
    end = b"</RegistryObjectList>"
    entry = other.partition(b"<RegistryObjectList>")[2].partition(end)[0]
    two = metadata({"DOC00001.XML": DOC}).replace(end, entry + end)
    dtd = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    cases: dict[str, list[bytes | None]] = {
        reading.NO_ARCHIVE: [None],
        reading.BAD_ARCHIVE: [
            b"PK\x03\x04 and no more",
            archive({**META, PLACE: DOC, "../outside": b"x"}),
            archive({**META, PLACE: DOC, "/etc/passwd": b"x"}),
            archive({**META, PLACE: DOC, "C:\\x": b"x"}),
            archive({**META, PLACE: DOC, "a\\..\\..\\x": b"x"}),
            archive([*META.items(), (PLACE, DOC), (PLACE.lower(), b"another")]),
            archive({**META, PLACE: DOC, "BOMB": bytes(30_000_000)}),
            archive({**META, **{f"F{number}": b"" for number in range(501)}}),
        ],
        reading.NO_METADATA: [
            archive({PLACE: DOC}),
            archive({f"{FOLDER}/METADATA.XML": b"<x>"}),
            archive({f"{FOLDER}/METADATA.XML": metadata({}), PLACE: DOC}),
            archive({f"{FOLDER}/METADATA.XML": dtd + META[f"{FOLDER}/METADATA.XML"].partition(b"?>")[2], PLACE: DOC}),
        ],
        reading.NO_PATIENT: [archive({f"{FOLDER}/METADATA.XML": META[f"{FOLDER}/METADATA.XML"].replace(
            b"58a6f841", b"00000000"), PLACE: DOC})],
        reading.SEVERAL_PATIENTS: [archive({f"{FOLDER}/METADATA.XML": two, PLACE: DOC})],
        reading.OTHER_DOCUMENTS: [
            archive(META),
            archive({**META, PLACE: DOC.replace(b"Rose", b"Ross")}),
            archive({**META, PLACE: DOC + b" "}),
        ],
        reading.OTHER_PATIENT: [xdm(letter(number="199999999999999"))],
    }  # fmt: skip
    for reason, attached in cases.items():
        for number, one in enumerate(attached):
            assert refused(tmp_path, one) == reason, (reason, number)


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    whole = bytearray(xdm())
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        for info in opened.infolist():
            whole[info.header_offset + 6] |= 1
    place = whole.find(b"PK\x01\x02")
    while place >= 0:
        whole[place + 8] |= 1
        place = whole.find(b"PK\x01\x02", place + 4)
    assert refused(tmp_path, bytes(whole)) == reading.BAD_ARCHIVE


def test_headers_are_one_line_of_text(tmp_path: Path) -> None:
    raw = bytes(mail(xdm())).replace(b"Subject: ", b"Subject: =?utf-8?q?a=0AX-Evil:_1=00?= ", 1)
    path = tmp_path / "mail"
    path.write_bytes(raw)
    head, _body = read_mail(path)
    assert "\n" not in head["subject"]
    assert "\0" not in head["subject"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.integers(0, 4000))
def test_no_bytes_make_it_fail(tmp_path: Path, noise: bytes, at: int) -> None:
    """Noise anywhere in the mail: a refusal or a reading, and nothing else."""
    whole = bytes(mail(xdm()))
    path = tmp_path / "mail"
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    head, body = read_mail(path)
    assert bool(head["refused"]) != bool(body)
