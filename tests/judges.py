"""Independent validators, where this machine has them: `JUDGES_DIR` names their folder, with the packages they need.

They are others' programs and no part of this project; a test that asks one is skipped where it cannot.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("JUDGES_DIR", ""))
JARS = Path("/usr/share/java")

asks_fhir = pytest.mark.skipif(
    not (FOLDER / "node_modules" / "@medplum" / "core").is_dir() or not (FOLDER / "node_modules" / "fhir").is_dir(),
    reason="the FHIR judges and their npm packages are not here",
)
SCHEMAS = FOLDER.parent / "data"
"""Schemas others published, beside the judges."""
asks_cda = pytest.mark.skipif(
    not (FOLDER / "cda_xsd.py").is_file() or not (SCHEMAS / "cda").is_dir(),
    reason="the CDA judge and the published schema are not here",
)
asks_xdm = pytest.mark.skipif(
    not (FOLDER / "xdm_check.py").is_file() or not (SCHEMAS / "xds").is_dir(),
    reason="the XDM judge and the published schemas are not here",
)
asks_archive = pytest.mark.skipif(
    not (FOLDER / "preflight.sh").is_file() or not (JARS / "pdfbox2.jar").exists() or shutil.which("javac") is None,
    reason="the PDF/A judge and its Java libraries are not here",
)


def judge(program: str, *arguments: Path | str) -> str:
    """What a judge written in Python says; it must have no objection."""
    asked = [sys.executable, str(FOLDER / program), *map(str, arguments)]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout
