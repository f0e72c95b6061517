"""Images for the demonstration: real ones that come with pydicom, made out to one of our patients."""

import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.directory.models import Organization
from teleconsult.imaging.receiving import Received, Receiver
from teleconsult.patients.models import Patient

if TYPE_CHECKING:
    from pydicom import FileDataset


@dataclass(frozen=True, slots=True)
class Study:
    """A file of pydicom's and what the demonstration calls it; taken `days` ago."""

    file: str
    description: str
    series: str
    body_part: str
    days: int


STUDIES: Final = {
    "head": Study("J2K_pixelrep_mismatch.dcm", "TDM cérébrale sans contraste", "Base du crâne, os", "HEAD", 2),
    "echocardiogram": Study(
        "examples_ybr_color.dcm", "Échographie cardiaque au chevet", "Apicale 4 cavités", "HEART", 1
    ),
    "chest": Study("CT_small.dcm", "TDM thoracique de contrôle", "Thorax, médiastin", "CHEST", 0),
}
SCANNER: Final = "Scanner"
"""What the system of the rural centre is called that sends images by itself."""


class Images:
    """Brings studies in by the door every image takes."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def bring(self, actor: Actor, *, consult_id: uuid.UUID, patient: Patient, study: str) -> None:
        """Store a study of `STUDIES` for the consult, in the patient's name."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image.dcm"
            _made_out_to(patient, STUDIES[study], path)
            outcomes = await self._receiver.receive(actor, consult_id=consult_id, files=[Received(path.name, path)])
        _require_stored([str(outcome.refusal) for outcome in outcomes if outcome.refusal])

    async def send(self, house: Organization, *, patient: Patient, typed: str, study: str) -> None:
        """Store a study of `STUDIES` as a machine sends it, under the name that was `typed` there."""
        sender = replace(SYSTEM, organization_id=house.id, name=SCANNER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image.dcm"
            _made_out_to(patient, STUDIES[study], path, name=typed)
            arrivals = await self._receiver.receive_arrived(sender, files=[Received(path.name, path)])
        _require_stored([str(arrival.refusal) for arrival in arrivals if arrival.refusal])


def _require_stored(refusals: Sequence[str]) -> None:
    if refusals:
        raise RuntimeError(f"the demonstration's images were refused: {', '.join(refusals)}")


def _made_out_to(patient: Patient, study: Study, path: Path, *, name: str = "") -> None:
    """The file with the patient's identity, a title, a recent date, and UIDs of its own."""
    import pydicom
    from pydicom.data import get_testdata_file
    from pydicom.uid import generate_uid

    source = get_testdata_file(study.file, download=False)
    if source is None:
        raise FileNotFoundError(study.file)
    ds: FileDataset = pydicom.dcmread(str(source))
    taken = now() - timedelta(days=study.days)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName = name or f"{patient.family}^{patient.given}"
    ds.PatientID = patient.local_number
    ds.PatientBirthDate = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    ds.PatientSex = patient.gender.value[:1].upper()
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = f"{taken:%Y%m%d}"
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = "101500"
    ds.StudyDescription, ds.SeriesDescription, ds.BodyPartExamined = study.description, study.series, study.body_part
    ds.InstitutionName = "Centre de santé de l’Anse-aux-Loups"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = (generate_uid() for _ in range(3))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.save_as(str(path), enforce_file_format=True)
