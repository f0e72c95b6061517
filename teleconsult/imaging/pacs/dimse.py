"""An archive that speaks DIMSE: searched by C-FIND, and fetched from by C-GET or C-MOVE (PS3.4 Annex C)."""

import asyncio
import shutil
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from io import BytesIO
from itertools import count, groupby
from typing import Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pynetdicom.dsutils import decode, encode

from teleconsult.imaging.dimse.arriving import ArrivingFile, file_head
from teleconsult.imaging.dimse.association import LEAST_ROOM
from teleconsult.imaging.dimse.messages import Answer, Command, Status
from teleconsult.imaging.dimse.negotiating import Context
from teleconsult.imaging.pacs.answers import (
    MOST_ANSWERS,
    MOST_IMAGES,
    STUDY_KEYS,
    Answers,
    FoundStudy,
    Listed,
    Read,
    Wanted,
)
from teleconsult.imaging.pacs.calling import Line, Response, associated
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.proposing import GET, MOVE, to_ask, to_get
from teleconsult.imaging.pacs.sources import Brought, Folder
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal
from teleconsult.imaging.uids import is_uid

AT_ONCE: Final = 10
"""Images asked for in one C-GET or C-MOVE: between two of them it can be stopped."""
_MOST_SERIES: Final = 1000
_NO_DESTINATION: Final = 0xA801
_SUCCESS: Final = 0
_SOME_FAILED: Final = 0xB000


class DimseSource:
    """One that is called at `line`; with `destination`, images are moved to that title instead of got."""

    def __init__(self, line: Line, *, destination: str = "") -> None:
        self._line, self._destination = line, destination

    async def test(self) -> None:
        """Ask whether it is there, and whether it searches and gives in the way it is set to. Raises PacsFault."""
        async with associated(self._line, to_ask()) as caller:
            if await caller.echo() != _SUCCESS:
                raise PacsFault(Fault.UNSUPPORTED)
            nothing = _identifier("STUDY", StudyInstanceUID="1.2.3.4.5.6.7.8.9.0")
            await _all(caller.find(nothing), most=MOST_ANSWERS)
            if self._destination:
                caller.check_offers(MOVE)
        if not self._destination:
            async with associated(self._line, to_get(())) as caller:
                caller.check_offers(GET)

    async def studies(self, wanted: Wanted) -> Answers:
        """Those of that patient number or accession number, the newest first. Raises PacsFault."""
        keys: dict[str, str | None] = dict.fromkeys(STUDY_KEYS)
        found, has_more = [], False
        async with associated(self._line, to_ask()) as caller:
            responses = caller.find(_identifier("STUDY", **keys | {wanted.key.value: wanted.value}))
            async for number, response in _counted(responses):
                study = FoundStudy.of(_reader(response)) if response.is_pending else None
                if study is not None and study.answers(wanted):
                    found.append(study)
                if has_more := number >= MOST_ANSWERS:
                    break  # the association is aborted: nothing more of it is heard
        return Answers.newest(found, has_more=has_more)

    async def instances(self, study_uid: str) -> list[Listed]:
        """The images of a study, in order. Raises PacsFault."""
        async with associated(self._line, to_ask()) as caller:
            asked = _identifier("SERIES", StudyInstanceUID=study_uid, SeriesInstanceUID=None)
            found = await _all(caller.find(asked), most=_MOST_SERIES)
            series = {next(iter(_reader(one)("SeriesInstanceUID")), "").strip(" \0") for one in found}
            listed: list[Listed | None] = []
            for uid in filter(is_uid, series):
                keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": uid}
                asked = _identifier("IMAGE", **keys, SOPInstanceUID=None, SOPClassUID=None)
                responses = await _all(caller.find(asked), most=MOST_IMAGES - len(listed))
                listed += [Listed.of(_with(_reader(one), SeriesInstanceUID=uid)) for one in responses]
        return sorted({one for one in listed if one is not None})

    async def retrieve(self, study_uid: str, images: Sequence[Listed], folder: Folder) -> AsyncGenerator[Brought, None]:
        """These images, a few at a time; those that are moved come by another door, and nothing is in hand."""
        contexts = to_ask() if self._destination else to_get([one.sop_class_uid for one in images])
        async with associated(self._line, contexts) as caller:
            for series_uid, group in groupby(images, key=lambda one: one.series_uid):
                of_series = list(group)
                for start in range(0, len(of_series), AT_ONCE):
                    few = of_series[start : start + AT_ONCE]
                    uids = [one.sop_instance_uid for one in few]
                    asked = _identifier(
                        "IMAGE", StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid, SOPInstanceUID=uids
                    )
                    taking = _Taking(folder)
                    if self._destination:
                        responses = caller.move(asked, destination=self._destination)
                    else:
                        responses = caller.get(asked, taking.take)
                    async for response in responses:
                        _check(response)
                    yield Brought(tuple(taking.files), tuple(taking.refused))


class _Taking:
    """The images of one C-GET, put on the disk as they come."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.files: list[Received] = []
        self.refused: list[Refusal] = []

    async def take(self, command: Command, context: Context, pieces: AsyncIterator[memoryview]) -> Answer:
        """One of them. More than were asked for are not taken."""
        if len(self.files) + len(self.refused) >= AT_ONCE:
            raise PacsFault(Fault.TOO_MUCH)
        if not is_uid(command.sop_instance) or command.sop_class != context.sop_class:
            self.refused.append(Refusal.OTHER_OBJECT)
            return Answer(Status.INVALID_INSTANCE)
        path = self._folder.new_path()
        free = await asyncio.to_thread(shutil.disk_usage, path.parent)
        if free.free < LEAST_ROOM:
            raise PacsFault(Fault.OURS)
        head = file_head(command.sop_class, command.sop_instance, context.transfer_syntax)
        arriving = ArrivingFile(path, head, limit=self._folder.file_limit)
        try:
            async for piece in pieces:
                await arriving.add(piece)
        finally:
            await arriving.close()
        if arriving.is_too_large:
            self.refused.append(Refusal.TOO_LARGE)
            return Answer.of(Refusal.TOO_LARGE)
        announced = command.sop_class, command.sop_instance
        self.files.append(Received(path.name, path, announced, is_given=True, digest=arriving.digest))
        return Answer(Status.SUCCESS)


def _identifier(level: str, **keys: str | Sequence[str] | None) -> bytes:
    """What is asked for: a keyword without a value is to be answered (PS3.4 §C.2.2.2.3)."""
    asked = Dataset()
    asked.SpecificCharacterSet = "ISO_IR 192"
    asked.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(asked, keyword, value if isinstance(value, str | None) else list(value))
    encoded = encode(asked, True, True)
    assert encoded is not None
    return encoded


async def _counted(responses: AsyncIterator[Response]) -> AsyncIterator[tuple[int, Response]]:
    numbers = count(1)
    async for response in responses:
        if not response.is_pending and response.status != _SUCCESS:
            raise PacsFault(Fault.QUERY_REFUSED)
        yield next(numbers), response


async def _all(responses: AsyncIterator[Response], *, most: int) -> list[Response]:
    found = []
    async for number, response in _counted(responses):
        if number > most + 1:
            raise PacsFault(Fault.TOO_MUCH)
        if response.is_pending:
            found.append(response)
    return found


def _check(response: Response) -> None:
    """Raises PacsFault for what a retrieval ended with, unless only some images failed: those are counted later."""
    if response.status == _NO_DESTINATION:
        raise PacsFault(Fault.NO_DESTINATION)
    if not response.is_pending and response.status not in (_SUCCESS, _SOME_FAILED):
        raise PacsFault(Fault.QUERY_REFUSED)


def _reader(response: Response) -> Read:
    """The values in an identifier. Raises PacsFault for what is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom quotes what it finds strange, and that is a patient's
            found = decode(BytesIO(response.content), True, True)
            values = {element.keyword: tuple(_strings(element.value)) for element in found if element.VR != "SQ"}
    except Exception as error:  # a parser of strangers' bytes raises anything; all of it means the same
        raise PacsFault(Fault.NOT_DICOM) from error
    return lambda keyword: values.get(keyword, ())


def _with(read: Read, **known: str) -> Read:
    return lambda keyword: (known[keyword],) if keyword in known else read(keyword)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, MultiValue):
        for one in value:
            yield from _strings(one)
    elif value is not None:
        yield str(value)
