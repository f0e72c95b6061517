"""`make proof`: every proof, one after the other, each in a process of its own with its own bound of time.

What they find is printed and written into `.proof/results.jsonl`. The exit status is 1 where one of them found a fault.
`LONG=1` tries each as often as nobody waits for.
"""

import subprocess
import sys
import time
from typing import Final

from tests.proof.figures import RESULTS

PROOFS: Final = (
    "killed_app",
    "killed_postgresql",
    "failed_writes",
    "killed_writes",
    "hung_writes",
    "hostile",
    "killed_node",
    "migrations_killed",
    "full_disks",
    "failover",
    "ransomware",
)


def main() -> int:
    """0 when all of them held."""
    began, failed = time.monotonic(), []
    for name in PROOFS:
        if subprocess.run([sys.executable, "-m", f"tests.proof.{name}"], check=False).returncode:
            failed.append(name)
    print(f"Proofs: {len(PROOFS)} in {(time.monotonic() - began) / 60:.1f} minutes, written into {RESULTS}.")
    if failed:
        print("Not as promised:", *failed)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
