"""Headers of strangers' files, read in the sandbox: many with one question."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.sandbox import Sandbox

TOGETHER: Final = 25
"""Files of one question: slices of a series are read faster one after the other (`following`)."""
SECONDS: Final = 5
"""For one question, on the clock."""

Header = InstanceHeader | Refusal


async def read_headers(sandbox: Sandbox, paths: Sequence[Path]) -> list[Header]:
    """Of each file what is kept of its header, or why it is not taken, in order. Raises Unavailable."""
    lots = [paths[at : at + TOGETHER] for at in range(0, len(paths), TOGETHER)]
    told = await asyncio.gather(*(_ask(sandbox, lot) for lot in lots), return_exceptions=True)
    for one in told:  # none is on its way any more
        if isinstance(one, BaseException):
            raise one
    return list(chain(*(one for one in told if not isinstance(one, BaseException))))


async def read_header(sandbox: Sandbox, path: Path) -> Header:
    """Of one file. Raises Unavailable."""
    return (await _ask(sandbox, [path]))[0]


async def _ask(sandbox: Sandbox, paths: Sequence[Path]) -> list[Header]:
    """Where a file takes all of the time or the memory, each is asked for by itself, and it alone is refused."""
    told = [str(path) for path in paths]
    try:
        answer = await sandbox.ask("headers", paths[0].parent, seconds=SECONDS, paths=told)
    except Unreadable as error:
        if len(paths) == 1:
            return [error.refusal]
        return [header for path in paths for header in await _ask(sandbox, [path])]
    headers: list[Header] = []
    like: InstanceHeader | None = None
    at = 0
    for one in answer.head["headers"]:
        if "refused" in one:
            headers.append(Refusal(one["refused"]))
            continue
        end = at + sum(one["header"]["description"][blob] for blob in ("dicom_json", "frame_index"))
        like = InstanceHeader.unpacked(one["header"], answer.body[at:end], like)
        headers.append(like)
        at = end
    return headers
