"""WADO-RS: one instance in Explicit VR Little Endian, decoded frame by frame while it goes out (PS3.18 §8.7.3.5)."""

from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

from teleconsult.imaging.refusals import Refusal, Unreadable, sentence
from teleconsult.imaging.renditions import Renditions
from teleconsult.imaging.retrieving import Kept
from web.api.accepting import DICOM, OtherForm
from web.api.parts import Part

Made = TypeVar("Made")
_CONTENT_TYPE: Final = f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.1"


async def in_explicit(renditions: Renditions, kept: Kept) -> Part:
    """A file whose frames are decoded when it is their turn: one is in memory, whatever their number.

    Raises OtherForm where the frames cannot be read, or there are none.
    """
    whole = await _or_other_form(renditions.transcoded(kept))
    head, one, frames = whole.body, int(whole.head["frame_length"]), int(whole.head["frames"])
    padding = b"\0" * (one * frames % 2)  # a value has an even length
    length = len(head) + one * frames + len(padding)

    async def read(begin: int, end: int | None) -> AsyncIterator[bytes]:
        last = length if end is None else end
        yield head[begin:last]
        for frame in range(min(max(begin - len(head), 0) // one, frames - 1), frames):
            at = len(head) + frame * one
            if at >= last:
                return
            content = await _or_other_form(renditions.plain_frame(kept, frame + 1))
            if len(content) != one:
                raise OtherForm(sentence(Refusal.BAD_GEOMETRY))
            if frame == frames - 1:
                content += padding
            yield content[max(begin - at, 0) : last - at]

    return Part(_CONTENT_TYPE, length, read)


async def _or_other_form(made: Awaitable[Made]) -> Made:
    try:
        return await made
    except Unreadable as error:
        raise OtherForm(sentence(error.refusal)) from error
