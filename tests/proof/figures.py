"""What a proof found: printed, and written down with when, on which machine and of which versions it was found."""

import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")
IS_LONG: Final = bool(os.environ.get("LONG"))
ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / ".proof" / "results.jsonl"
"""A line for each; git ignores it."""
NAMED: Final = ("aiohttp", "SQLAlchemy", "psycopg", "procrastinate", "python-socketio", "pydicom", "pyHanko")


@dataclass(slots=True)
class Figure:
    """One proof's: how many of how many wanted were tried, and what is wrong, in words; nothing where all held."""

    name: str
    wanted: int
    unit: str
    tried: int = 0
    faults: list[str] = field(default_factory=list)
    found: dict[str, int | float | str] = field(default_factory=dict)
    skipped: str = ""
    """Why it could not be tried here."""

    def fault(self, what: str) -> None:
        """Something that must not be; the first hundred are kept."""
        if len(self.faults) < 100:
            self.faults.append(what)

    def in_words(self) -> str:
        """One line."""
        if self.skipped:
            return f"{self.name}: not tried here: {self.skipped}"
        found = "".join(f", {name} {value}" for name, value in self.found.items())
        return f"{self.name}: {self.tried} of {self.wanted} {self.unit}, {len(self.faults)} faults{found}"


def limit(short: float, long: float) -> float:
    """Seconds, or a number, by how long this run may be; `PROOF_PART` makes the short one a part of itself."""
    return long if IS_LONG else short * float(os.environ.get("PROOF_PART", "1"))


class Bound:
    """The time a proof may take: it tries no more afterwards, and says how many it tried."""

    def __init__(self, short: float, long: float) -> None:
        self._end = time.monotonic() + limit(short, long)

    @property
    def is_over(self) -> bool:
        """Whether nothing new is to be begun."""
        return time.monotonic() >= self._end


def side_by_side(prove: Callable[[T], list[Figure]], parts: Sequence[T]) -> list[Figure]:
    """Each part in a process of its own, all at once: places that know nothing of each other, one for each core."""
    context = multiprocessing.get_context("spawn")
    lines = [context.Pipe(duplex=False) for _ in parts]
    working = [
        context.Process(target=_tell, args=(end, prove, part)) for part, (_, end) in zip(parts, lines, strict=True)
    ]
    try:
        for one, (_, end) in zip(working, lines, strict=True):
            one.start()
            end.close()
        return [figure for line, _ in lines for figure in line.recv()]
    except BaseException:
        for one in working:
            one.terminate()
        raise
    finally:
        for one in working:
            one.join()


def _tell(end: Connection, prove: Callable[[T], list[Figure]], part: T) -> None:
    end_all_with_it()
    end.send(prove(part))


def end_all_with_it() -> None:
    """A process that is told to end ends what it began, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def run(prove: Callable[[], list[Figure]]) -> None:
    """Prove, print, write down; the exit status is 1 where anything was wrong, or nothing was tried."""
    end_all_with_it()
    RESULTS.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    figures = prove()
    seconds = round(time.monotonic() - began, 1)
    for figure in figures:
        print(figure.in_words(), flush=True)
        for fault in figure.faults:
            print(f"  fault: {fault}", flush=True)
        _write(figure, seconds)
    sys.exit(any(figure.faults or not (figure.tried or figure.skipped) for figure in figures))


def _write(figure: Figure, seconds: float) -> None:
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, check=False)
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "length": "long" if IS_LONG else "short",
        **asdict(figure),
        "seconds": seconds,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
        "commit": commit.stdout.decode().strip(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in NAMED}},
    }
    with RESULTS.open("a") as file:
        file.write(json.dumps(told, ensure_ascii=False) + "\n")
