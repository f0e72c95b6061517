"""`python -m tests.bench.images [--only NAME …] [--quick]`: one Markdown table of ours beside Debian's Orthanc.

A measure is a coroutine that is given both archives (or, where it wants ones of its own, how much to ask of them)
and returns rows; it is named in `SHARED` or `APART`.
"""

import argparse
import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tests.bench.images import loopback
from tests.bench.images.archive import archive
from tests.bench.images.c_storing import c_store
from tests.bench.images.measuring import HEAD, Row
from tests.bench.images.memory import memory
from tests.bench.images.orthanc import PROGRAM
from tests.bench.images.published import published
from tests.bench.images.reading import cine, metadata, qido, rendered
from tests.bench.images.stand import Sizes, Stand, stand
from tests.bench.images.stowing import stow

SHARED: Final[dict[str, Callable[[Stand], Awaitable[list[Row]]]]] = {
    "qido": qido,
    "stow": stow,
    "cstore": c_store,
    "metadata": metadata,
    "cine": cine,
    "rendered": rendered,
    "published": published,
}
"""Of the same two archives, one after the other; the first finds them empty."""
APART: Final[dict[str, Callable[[Sizes], Awaitable[list[Row]]]]] = {
    "archive": archive,
    "memory": memory,
}


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked for, each row printed as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.images", description=__doc__)
    names = [*SHARED, *APART]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="small: shows that it works, the ratios mean little")
    options = parser.parse_args(arguments)
    if not shutil.which(PROGRAM):
        sys.exit("Orthanc is not installed: ./packages.sh bench")
    loopback.enter("tests.bench.images", arguments)
    asyncio.run(measured(options.only, Sizes.quick() if options.quick else Sizes()))


async def measured(only: Sequence[str], sizes: Sizes) -> None:
    """The table."""
    print(HEAD, flush=True)
    if shared := [SHARED[name] for name in only if name in SHARED]:
        async with stand(sizes) as both:
            for measure in shared:
                tell(await measure(both))
    for name in only:
        if name in APART:
            tell(await APART[name](sizes))


def tell(rows: Sequence[Row]) -> None:
    """Print them now: the next ones take minutes."""
    for row in rows:
        print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
