"""No locked version is older than one known to be safe: a table of ours, since audit services may be out of reach."""

import json
import re
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[2]
TABLE = json.loads((ROOT / "requirements" / "minimum-versions.json").read_text(encoding="utf-8"))


def test_python_locks() -> None:
    for lock in ("app.txt", "dev.txt"):
        text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
        locked = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\]+)", text, re.MULTILINE))
        for name, least in TABLE["python"].items():
            assert name in locked, f"{name} is not in {lock}"
            assert Version(locked[name]) >= Version(least), f"{name} {locked[name]} in {lock} is older than {least}"
        assert "--hash=sha256:" in text
        assert not re.search(r"^\s*--(extra-)?index-url", text, re.MULTILINE)
        assert "file://" not in text


def test_npm_lock() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, least in TABLE["npm"].items():
        version = packages[f"node_modules/{name}"]["version"]
        assert Version(version) >= Version(least), f"{name} {version} is older than {least}"
