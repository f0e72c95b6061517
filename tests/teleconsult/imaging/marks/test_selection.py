"""The document of chosen images that is written, judged by others."""

import shutil
import subprocess
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pydicom
import pytest
from highdicom.ko import KeyObjectSelectionDocument
from pydicom.uid import ComprehensiveSRStorage

from teleconsult.imaging.marks.evidence import Image, Observer
from teleconsult.imaging.marks.selection import ChosenImage, Selection, written
from tests.teleconsult.imaging.marks.test_report import CINE, CT, about

SR = Image("1.2.3.9", ComprehensiveSRStorage, "1.2.3.9.1", 0)


def document() -> bytes:
    return written(
        Selection(
            uid="2.25.1",
            series_uid="2.25.2",
            about=about("Nguyễn^Thị"),
            images=[ChosenImage(CT), ChosenImage(CINE, (7, 30))],
            reports=[SR],
            description="Compte rendu d’avis spécialisé",
            observer=Observer("Nguyễn", "Thị Minh", "Dr", "CHU"),
            at=datetime(2026, 11, 22, 12, 0, tzinfo=ZoneInfo("America/Toronto")),
        )
    )


def test_it_names_the_images_their_frames_and_the_report() -> None:
    ds = pydicom.dcmread(BytesIO(document()))
    assert (str(ds.PatientName), ds.Modality, ds.ContentDate) == ("Nguyễn^Thị", "KO", "20261122")
    assert "Compte rendu d’avis spécialisé" in [item.get("TextValue") for item in ds.ContentSequence]
    found = KeyObjectSelectionDocument.from_dataset(ds).content.get_references()
    assert [(item.ValueType, item.referenced_sop_instance_uid) for item in found] == [
        ("IMAGE", CT.sop_instance_uid),
        ("IMAGE", CINE.sop_instance_uid),
        ("COMPOSITE", SR.sop_instance_uid),
    ]
    frames = [item.ReferencedSOPSequence[0].get("ReferencedFrameNumber") for item in found]
    assert [frames[0], list(frames[1]), frames[2]] == [None, [7, 30], None]
    (study,) = ds.CurrentRequestedProcedureEvidenceSequence
    assert {series.SeriesInstanceUID for series in study.ReferencedSeriesSequence} == {"1.2.3.4", "1.2.3.6", "1.2.3.9"}


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="Debian's dicom3tools is not here")
def test_no_error_is_found_in_it(tmp_path: Path) -> None:
    path = tmp_path / "selection.dcm"
    path.write_bytes(document())
    judged = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in judged.stdout + judged.stderr
    assert "KeyObjectSelectionDocument" in judged.stdout + judged.stderr
