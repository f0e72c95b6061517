"""What of a backup nobody will ever go back to is taken away: base backups that are too old, and the log before the
first one that stays.

It is for whoever owns the place, on the machine that pulls: it needs neither key nor database, and nothing on the
installation can do it. Objects stay, also those that were erased: only the database knows whether one was destroyed.
Manifests stay too, so that each still vouches for the one before it.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from teleconsult.backups.manifests import (
    FORMAT,
    PRUNED,
    Checked,
    check,
    is_base_whole,
    moment_of_base,
    segment_in,
    stamp_of,
)
from teleconsult.backups.places import Folder, names_in
from teleconsult.backups.vault import BackupRefused

BASE: Final = "base/"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went: base backups, segments of log, bytes; and the moment from which on one can still go back."""

    bases: int
    segments: int
    size: int
    since: datetime


def prune(root: Path, *, keep: timedelta, moment: datetime) -> Pruned:
    """Take away what is not needed to go back to any moment of the last `keep`.

    That is said in a file first, then done: broken off at any point, what is left is whole and can be restored, and
    the next one goes on. Raises BackupRefused, having taken nothing away, where something is missing or was changed,
    and OSError where the place lets nobody delete.
    """
    checked = check(root)
    if checked.faults:
        raise BackupRefused(f"Nothing was taken away, for the backup is not whole: {checked.faults[0]}")
    kept = _kept(checked, moment - keep)
    going = {name for name in checked.files if _is_spent(name, kept)}
    going |= {name for name in names_in(root) if _was_broken_off(name, checked, kept)}
    still_here = checked.pruned.intersection(names_in(root))
    if going:
        content = json.dumps({"format": FORMAT, "files": sorted(going)}, indent=1).encode() + b"\n"
        Folder(root).put(f"{PRUNED}/{stamp_of(moment)}.json", BytesIO(content), len(content))
    size = sum((root / name).stat().st_size for name in going | still_here)
    # The log first: a base backup whose log is gone is still none that another one needs.
    for name in sorted(going | still_here, reverse=True):
        (root / name).unlink(missing_ok=True)
        if name.startswith(BASE) and not any((root / name).parent.iterdir()):
            (root / name).parent.rmdir()
    bases = {name.split("/")[1] for name in going | still_here if name.startswith(BASE)}
    segments = sum(segment_in(name) is not None for name in going | still_here)
    return Pruned(len(bases), segments, size, min(map(moment_of_base, kept)))


def _kept(checked: Checked, since: datetime) -> list[str]:
    """The bases that stay: all younger ones, and the one that leads to `since`. Never none: the newest is whole."""
    whole = sorted({one.base for one in checked.manifests if is_base_whole(checked, one.base)}, key=moment_of_base)
    older = [base for base in whole if moment_of_base(base) <= since]
    return [*older[-1:], *(base for base in whole if moment_of_base(base) > since)]


def _is_spent(name: str, kept: Collection[str]) -> bool:
    """Whether none of the bases that stay needs it. A base is brought forward by log of its own timeline."""
    if name.startswith(BASE):
        return not any(name.startswith(f"{base}/") for base in kept)
    segment = segment_in(name)
    firsts = [base.rsplit("-", 1)[1] for base in kept]
    return segment is not None and not any(segment[:8] == one[:8] and segment >= one for one in firsts)


def _was_broken_off(name: str, checked: Checked, kept: Collection[str]) -> bool:
    """A piece of a base that never came to be whole: a later run did, so that one goes on no more."""
    if not name.startswith(BASE) or name in checked.files or name in checked.pruned:
        return False
    try:
        return moment_of_base(name) < min(map(moment_of_base, kept))
    except ValueError:  # somebody's own, among ours
        return False
