"""Reading a file of the directory in a process apart, line by line: however large the file, little is in memory.

Run as `python -m teleconsult.directory.mailboxes.reader SOURCE FILE`. Writes a JSON value a line: a list is a mailbox
or a place that was refused, a number is how many bytes were read. The last line is `null`, or the reason why no more
can be read; without it the process ended before the file did.
"""

import asyncio
import dataclasses
import os
import resource
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import orjson

import teleconsult
from teleconsult.directory.mailboxes import extract, fhir
from teleconsult.directory.mailboxes.listed import Listed, RefusedPlace
from teleconsult.directory.mailboxes.models import MailboxSource
from teleconsult.errors import Invalid, TooLarge

MEMORY: Final = 1024**3
"""Bytes of address space."""
SECONDS: Final = 900
"""Of the processor."""
_SOURCES: Final = Path(teleconsult.__file__).parent.parent
_ENVIRONMENT: Final = {"PATH": os.defpath, "PYTHONPATH": str(_SOURCES)}
"""All the reader is given: no setting, no secret, no database."""
LONGEST: Final = 64 * 1024


async def mailboxes_in(path: Path, source: MailboxSource) -> AsyncGenerator[Listed | RefusedPlace | int, None]:
    """What the file has. Raises Invalid on field `file` for one that cannot be read."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, source.value, str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_ENVIRONMENT,
        limit=LONGEST,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            told = orjson.loads(line)
            if told is None:
                return
            if isinstance(told, str):
                raise Invalid({"file": told})
            yield told if isinstance(told, int) else _read(told)
        raise Invalid({"file": "This file could not be read to its end. It may be damaged, or too large."})
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _read(told: list[Any]) -> Listed | RefusedPlace:
    return Listed(*told) if len(told) > 2 else RefusedPlace(*told)


def main(source: str, path: str) -> None:
    """Write out what the file has."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    read = fhir.read_mailboxes if source == MailboxSource.FHIR else extract.read_mailboxes
    write = sys.stdout.buffer.write
    try:
        for one in read(Path(path)):
            write(orjson.dumps(one if isinstance(one, int) else dataclasses.astuple(one)) + b"\n")
        last: str | None = None
    except (Invalid, TooLarge) as error:
        last = next(iter(error.fields.values())) if isinstance(error, Invalid) else str(error)
    write(orjson.dumps(last) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
