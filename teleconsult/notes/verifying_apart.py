"""Checking a stranger's file: in a process of its own, with limits of time and memory, that dies with the check.

Run as `python -m teleconsult.notes.verifying_apart TRUST_FOLDER MEMORY_BYTES CPU_SECONDS`: the file comes in on
standard input, the verdict goes out as JSON.
"""

import asyncio
import logging
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import teleconsult
from teleconsult.errors import Unavailable
from teleconsult.notes.shares import Shares
from teleconsult.notes.verdict import Outcome, Reason, Verdict

GIB: Final = 1024**3
_SOURCES: Final = Path(teleconsult.__file__).parent.parent
_ENVIRONMENT: Final = {"PATH": os.defpath, "PYTHONPATH": str(_SOURCES)}
"""All the process is given: no setting, no secret, no database."""


class Checker:
    """Checks a few files at once; a hostile one costs at most its own process."""

    def __init__(
        self, trust: Path, *, at_once: int = 2, waiting: int = 10, seconds: int = 15, memory: int = GIB
    ) -> None:
        """`trust` is the folder of trusted roots; `memory` in bytes; `seconds` on the clock and on the processor."""
        self._trust, self._seconds, self._memory = trust, seconds, memory
        self._turns = asyncio.Semaphore(at_once)
        self._places, self._shares = at_once + waiting, Shares()

    @contextmanager
    def place(self, *, address: str) -> Iterator[None]:
        """A place in the queue: take it before the file is read, so that few files are in memory at once.

        Raises Unavailable where too many are waiting already, TooMany where `address` has its share of them.
        """
        if self._places <= 0:
            raise Unavailable("Many files are being checked now. Try again in a moment.")
        with self._shares.taken(address):
            self._places -= 1
            try:
                yield
            finally:
                self._places += 1

    async def check(self, content: bytes) -> Verdict:
        """The verdict on these bytes, which are kept nowhere. Who asks holds a `place`."""
        async with self._turns:
            return await self._check(content)

    async def _check(self, content: bytes) -> Verdict:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, str(self._trust), str(self._memory), str(self._seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(content), self._seconds)
        except TimeoutError:
            return Verdict(Outcome.BAD, Reason.UNCHECKABLE)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Verdict.from_json(output.decode()) if output else Verdict(Outcome.BAD, Reason.UNCHECKABLE)


def main() -> None:
    """Check standard input within the limits. Says nothing where they were not enough."""
    from teleconsult.notes.checking import check
    from teleconsult.notes.verifying import trusted_roots

    trust, memory, seconds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    logging.disable()
    roots, content = trusted_roots(trust), sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        print(check(content, roots).to_json())
    except MemoryError:
        sys.exit(1)


if __name__ == "__main__":
    main()
