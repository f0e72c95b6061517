"""Where long printouts are laid out: a process of its own for each, so that no note waits behind a file to be signed.

Run as `python -m teleconsult.documents.printer MEMORY_BYTES CPU_SECONDS`: the page comes in as HTML on standard input,
the PDF goes out.
"""

import asyncio
import os
import resource
import sys
from pathlib import Path
from typing import Final

import teleconsult
from teleconsult.documents.printout import Printout, printout_html
from teleconsult.errors import Unavailable

SECONDS: Final = 90
"""How long one may take: a thousand entries take about ten, two or three times that on a busy machine."""
MEMORY: Final = 1024**3
_SOURCES: Final = Path(teleconsult.__file__).parent.parent
_ENVIRONMENT: Final = {"PATH": os.defpath, "PYTHONPATH": str(_SOURCES)}
"""All the process is given: no setting, no secret, no database."""


class Printer:
    """Prints one after the other, a few waiting; whoever stops waiting ends the process that worked for them."""

    def __init__(self, *, waiting: int = 4, seconds: int = SECONDS, memory: int = MEMORY) -> None:
        """`memory` in bytes; `seconds` on the clock and on the processor."""
        self._seconds, self._memory = seconds, memory
        self._turn = asyncio.Semaphore(1)
        self._places = 1 + waiting

    async def print(self, printout: Printout) -> bytes:
        """The PDF. Raises Unavailable where too many are waiting, or the process did not end within its limits."""
        if self._places <= 0:
            raise Unavailable("Several files are being printed now. Try again in a moment.")
        self._places -= 1
        try:
            html = await asyncio.to_thread(printout_html, printout)
            async with self._turn:
                return await self._lay_out(html.encode())
        finally:
            self._places += 1

    async def _lay_out(self, html: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, str(self._memory), str(self._seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        try:
            printed, _ = await asyncio.wait_for(process.communicate(html), self._seconds)
        except TimeoutError:
            printed = b""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not printed:
            raise Unavailable("This is too much to be printed at once. Choose a shorter period or fewer kinds.")
        return printed


def main() -> None:
    """Print standard input within the limits, behind whatever else the machine has to do."""
    from teleconsult.documents.printout import render_html

    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(render_html(sys.stdin.buffer.read().decode()))


if __name__ == "__main__":
    main()
