"""What failed while everything ran at once, asked once more alone: `make test` calls it.

A failure that comes only in the crowd is a fault too, of the test or of the product: it is named at the end, to be
mended.
"""

import json
import sys
from pathlib import Path
from typing import Final

import pytest

FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
AT_MOST: Final = 10


def main() -> int:
    """0 when each of at most `AT_MOST` passes alone."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not failed or len(failed) > AT_MOST:
        print(f"{len(failed)} tests failed: too many to ask again.")
        return 1
    print("Once more, alone:", *failed, sep="\n  ")
    answer = pytest.main(["-p", "no:cacheprovider", *failed])
    if answer == pytest.ExitCode.OK:
        print("Failed among others, passed alone; please mend:", *failed, sep="\n  ")
    return int(answer)


if __name__ == "__main__":
    sys.exit(main())
