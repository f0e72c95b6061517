"""What is taken away of a backup, by whom owns it: never what something that stays needs. Contents are any bytes here;
`test_drill` brings a pruned one back.
"""

import hashlib
import io
import re
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from teleconsult.backups.manifests import FOLDER, Manifest, check, hash_of, stamp_of
from teleconsult.backups.places import Folder, names_in
from teleconsult.backups.pruning import prune
from teleconsult.backups.vault import BackupRefused
from teleconsult.clock import now
from web.__main__ import main

WEEK = timedelta(days=7)
MONDAY = now() - 4 * WEEK
TODAY = MONDAY + 3 * WEEK + timedelta(hours=1)


def segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}00000000{number:08X}"


class Kept:
    """A backup with a base each week, and after each three segments of log and an object."""

    def __init__(self, root: Path) -> None:
        self.root, self.place = root, Folder(root)
        self.bases: list[str] = []
        self._before, self._until = "", 0

    def run(self, moment: datetime, names: Sequence[str], wal: str) -> None:
        files = {name: self.put(name) for name in names}
        told = Manifest(
            name=f"{FOLDER}/{stamp_of(moment)}.json",
            chain="c",
            made_at=moment.isoformat(),
            version="0",
            base=self.bases[-1],
            wal=wal,
            keys="keys/k.tar.age",
            objects=1,
            previous=self._before,
            files=files,
        )
        self._before = hash_of(told.to_bytes())
        self.place.put(told.name, io.BytesIO(told.to_bytes()), len(told.to_bytes()))

    def put(self, name: str) -> tuple[int, str]:
        content = f"sealed {name}".encode()
        self.place.put(name, io.BytesIO(content), len(content))
        return len(content), hashlib.sha256(content).hexdigest()

    def week(self, number: int, *, timeline: int = 1) -> None:
        moment, first = MONDAY + number * WEEK, 1 if timeline > 1 else self._until + 1
        self.bases.append(f"base/{stamp_of(moment)}-{segment(first, timeline)}")
        logs = [segment(first + step, timeline) for step in range(3)]
        self.run(
            moment,
            [
                *(f"{self.bases[-1]}/{piece:05}.age" for piece in range(2)),
                *(f"wal/{log}.gz.age" for log in logs[:2]),
                f"objects/week-{number}.age",
            ],
            logs[1],
        )
        self.run(moment + timedelta(days=1), [f"wal/{logs[2]}.gz.age~{stamp_of(moment)}"], logs[2])
        self._until = first + 2


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path / "backup")
    for number in range(4):
        made.week(number)
    return made


def left(kept: Kept) -> set[str]:
    return {name for name in names_in(kept.root) if name.startswith(("base/", "wal/"))}


def held_by(kept: Kept, week: int) -> set[str]:
    """Base and log of that week."""
    return {name for name in left(kept) if name.startswith(f"{kept.bases[week]}/")} | {
        name for name in left(kept) if re.match("|".join(f"wal/{segment(3 * week + n)}" for n in (1, 2, 3)), name)
    }


def test_what_leads_to_no_moment_of_the_last_days_goes(kept: Kept) -> None:
    stays = held_by(kept, 1) | held_by(kept, 2) | held_by(kept, 3)
    others = set(names_in(kept.root)) - left(kept)
    done = prune(kept.root, keep=timedelta(days=10), moment=TODAY)
    assert left(kept) == stays, "ten days ago the base of the second week was the newest"
    assert others < set(names_in(kept.root)), "objects and manifests stay"
    assert (done.bases, done.segments, done.since) == (1, 3, MONDAY + WEEK)
    found = check(kept.root)
    assert (found.faults, found.unnamed, len(found.pruned)) == ([], 0, 5)
    again = prune(kept.root, keep=timedelta(days=10), moment=TODAY + timedelta(hours=1))
    assert (again.bases, again.segments, again.size) == (0, 0, 0)


def test_the_newest_is_never_taken_however_old_it_is(kept: Kept) -> None:
    stays = held_by(kept, 3)
    done = prune(kept.root, keep=timedelta(days=1), moment=TODAY + 100 * WEEK)
    assert (left(kept), done.bases) == (stays, 3)
    assert prune(kept.root, keep=timedelta(days=1), moment=TODAY + 200 * WEEK).bases == 0
    assert check(kept.root).faults == []


def test_log_of_another_timeline_belongs_to_its_own_base(kept: Kept) -> None:
    kept.week(4, timeline=2)
    stays = held_by(kept, 3) | {
        name for name in left(kept) if name.startswith((kept.bases[4], f"wal/{segment(0, 2)[:8]}"))
    }
    prune(kept.root, keep=timedelta(days=3), moment=TODAY + WEEK)
    assert left(kept) == stays
    assert check(kept.root).faults == []


@pytest.mark.parametrize("fault", ["log is missing", "newest base is missing", "an object was changed"])
def test_nothing_goes_of_what_is_not_whole(kept: Kept, fault: str) -> None:
    path = (
        kept.root
        / {
            "log is missing": f"wal/{segment(11)}.gz.age",
            "newest base is missing": f"{kept.bases[-1]}/00001.age",
            "an object was changed": "objects/week-0.age",
        }[fault]
    )
    path.chmod(0o600)
    path.write_bytes(b"rot") if "changed" in fault else path.unlink()
    before = set(names_in(kept.root))
    with pytest.raises(BackupRefused, match="Nothing was taken away"):
        prune(kept.root, keep=timedelta(days=10), moment=TODAY)
    assert set(names_in(kept.root)) == before


@pytest.mark.parametrize("after", range(6))
def test_broken_off_anywhere_it_is_whole_and_goes_on(
    kept: Kept, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk says no at the `after`th file."""
    unlink, gone = Path.unlink, list[Path]()

    def until(path: Path, missing_ok: bool = False) -> None:
        if path.is_relative_to(kept.root) and not path.name.startswith(".part"):
            if len(gone) == after:
                raise OSError(5, "Input/output error", str(path))
            gone.append(path)
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", until)
        if after < 5:
            with pytest.raises(OSError, match="Input/output"):
                prune(kept.root, keep=timedelta(days=10), moment=TODAY)
        else:
            prune(kept.root, keep=timedelta(days=10), moment=TODAY)
    found = check(kept.root)
    assert (found.faults, found.unnamed) == ([], 5 - after), "what was to go is no part of it any more"
    prune(kept.root, keep=timedelta(days=10), moment=TODAY + timedelta(hours=1))
    found = check(kept.root)
    assert (found.faults, found.unnamed, len(left(kept))) == ([], 0, 15)


def test_pieces_of_a_base_that_was_broken_off_go_and_what_may_still_be_coming_stays(kept: Kept) -> None:
    early, late = (f"base/{stamp_of(MONDAY + n * WEEK)}-{segment(9)}/00000.age" for n in (0.5, 3.5))
    for name in (early, late, f"wal/{segment(13)}.gz.age", "base/notes/of-mine"):
        kept.put(name)
    prune(kept.root, keep=timedelta(days=10), moment=TODAY)
    here = set(names_in(kept.root))
    assert early not in here and {late, f"wal/{segment(13)}.gz.age", "base/notes/of-mine"} <= here


def test_what_was_taken_away_wrongly_is_said(kept: Kept) -> None:
    """Whoever deletes cannot say it was pruned: the newest base and its log have to be there."""
    for name in (f"{kept.bases[-1]}/00000.age", f"wal/{segment(11)}.gz.age"):
        (kept.root / name).unlink()
        content = f'{{"format": 1, "files": ["{name}"]}}'.encode()
        kept.place.put(f"pruned/{name.replace('/', '-')}.json", io.BytesIO(content), len(content))
    assert len(check(kept.root).faults) == 2
    (kept.root / "pruned" / "x.json").write_bytes(b"[]")
    with pytest.raises(BackupRefused):
        check(kept.root)


@pytest.mark.usefixtures("command_environment")
def test_the_command(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(kept.root), "--prune", "--keep", "1"]) == 0
    said = capsys.readouterr().out
    assert "taken away: 3 base backups, 9 segments" in said and f"since {MONDAY + 3 * WEEK:%Y-%m-%d}" in said
    assert main(["backup", str(kept.root), "--check"]) == 0
    assert "15 taken away by --prune" in capsys.readouterr().out
    assert main(["backup", str(kept.root), "--prune", "--keep", "0"]) != 0
    shutil.rmtree(kept.root / FOLDER)
    assert main(["backup", str(kept.root), "--prune"]) == 1
