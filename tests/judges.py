"""Independent validators, where this machine has them: `JUDGES_DIR` names their folder, with the packages they need.

They are others' programs and no part of this project; a test that asks one is skipped where it cannot.
"""

import os
import shutil
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("JUDGES_DIR", ""))
JARS = Path("/usr/share/java")

asks_fhir = pytest.mark.skipif(
    not (FOLDER / "node_modules" / "@medplum" / "core").is_dir() or not (FOLDER / "node_modules" / "fhir").is_dir(),
    reason="the FHIR judges and their npm packages are not here",
)
asks_archive = pytest.mark.skipif(
    not (FOLDER / "preflight.sh").is_file() or not (JARS / "pdfbox2.jar").exists() or shutil.which("javac") is None,
    reason="the PDF/A judge and its Java libraries are not here",
)
