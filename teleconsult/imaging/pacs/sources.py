"""What every archive can be asked, whichever protocol it speaks."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from teleconsult.imaging.pacs.answers import Answers, Listed, Wanted
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal


class Folder:
    """Where images are put until they are filed: names of our own, files of `file_limit` bytes at most."""

    def __init__(self, path: Path, *, file_limit: int) -> None:
        self._path, self.file_limit = path, file_limit
        self._numbers = count()

    def new_path(self) -> Path:
        """Of a file that is not there yet."""
        return self._path / str(next(self._numbers))


@dataclass(frozen=True, slots=True)
class Brought:
    """A few images: those that lie in the folder now, and why others do not."""

    files: tuple[Received, ...]
    refused: tuple[Refusal, ...]


class Source(Protocol):
    """An archive. Everything raises PacsFault."""

    async def test(self) -> None:
        """Ask whether it is there and does what it is needed for."""

    async def studies(self, wanted: Wanted) -> Answers:
        """What it has of a patient, or under an accession number."""

    async def instances(self, study_uid: str) -> list[Listed]:
        """The images of a study, in order."""

    def retrieve(self, study_uid: str, images: Sequence[Listed], folder: Folder) -> AsyncGenerator[Brought, None]:
        """These images, in that order, a few at a time."""
