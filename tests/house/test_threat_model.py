"""Each threat in the threat model names its test, and the test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_threat_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    table = page.split("| threat | defence | test |")[1].split("\n\n")[0]
    rows = [row.strip("|").split("|") for row in table.splitlines()[2:]]
    assert len(rows) > 20
    for threat, _defence, tests in rows:
        named = re.findall(r"`([\w./-]+)`", tests)
        assert named, threat
        assert all((ROOT / name).exists() for name in named), (threat, named)
