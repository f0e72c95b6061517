"""The archive a note travels in: its layout, its names, and that a judge finds it agrees with the document inside."""

import io
import zipfile
from pathlib import Path

import pytest

from teleconsult.cda.consult_note import consult_note_document
from teleconsult.cda.profiles import COUNTRIES
from teleconsult.xdm.volume import xdm_volume
from tests.judges import SCHEMAS, asks_xdm, judge
from tests.teleconsult.cda.test_consult_note import PDF, notes, qualified


@asks_xdm
@pytest.mark.parametrize("country", COUNTRIES)
def test_the_judge_accepts_every_kind_of_note(tmp_path: Path, country: str) -> None:
    for name, note in notes().items():
        file = tmp_path / f"{name}.zip"
        file.write_bytes(xdm_volume(note, pdf=PDF, country=COUNTRIES[country]))
        judge("xdm_check.py", file, SCHEMAS / "xds")


def test_it_holds_what_it_must_and_the_document_as_it_is() -> None:
    note = qualified()
    with zipfile.ZipFile(io.BytesIO(xdm_volume(note, pdf=PDF))) as archive:
        assert archive.namelist() == [
            "INDEX.HTM",
            "README.TXT",
            "IHE_XDM/SUBSET01/METADATA.XML",
            "IHE_XDM/SUBSET01/DOC00001.XML",
        ]
        assert archive.read("IHE_XDM/SUBSET01/DOC00001.XML") == consult_note_document(note, pdf=PDF)


def test_the_same_note_gives_the_same_bytes() -> None:
    assert xdm_volume(qualified(), pdf=PDF) == xdm_volume(qualified(), pdf=PDF)
