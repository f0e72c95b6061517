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

SCHEMAS = FOLDER.parent / "data"
"""Schemas others published, beside the judges."""
HAS_FHIR = all((FOLDER / "node_modules" / name).is_dir() for name in ("@medplum/core", "fhir"))
HAS_CDA = (FOLDER / "cda_xsd.py").is_file() and (SCHEMAS / "cda").is_dir()
HAS_XDM = (FOLDER / "xdm_check.py").is_file() and (SCHEMAS / "xds").is_dir()
HAS_ARCHIVE = (
    (FOLDER / "preflight.sh").is_file() and (JARS / "pdfbox2.jar").exists() and shutil.which("javac") is not None
)

ARE_HERE = HAS_FHIR or HAS_CDA or HAS_XDM or HAS_ARCHIVE

asks_fhir = pytest.mark.skipif(not HAS_FHIR, reason="the FHIR judges and their npm packages are not here")
asks_cda = pytest.mark.skipif(not HAS_CDA, reason="the CDA judge and the published schema are not here")
asks_xdm = pytest.mark.skipif(not HAS_XDM, reason="the XDM judge and the published schemas are not here")
asks_archive = pytest.mark.skipif(not HAS_ARCHIVE, reason="the PDF/A judge and its Java libraries are not here")


def judge(program: str, *arguments: Path | str) -> str:
    """What a judge written in Python says; it must have no objection."""
    asked = [sys.executable, str(FOLDER / program), *map(str, arguments)]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout
