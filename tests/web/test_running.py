"""`teleconsult run` as a process: a fresh folder, a second start, a clean stop, an interrupted first start."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def start(data: Path, port: int) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TELECONSULT_")}
    environment |= {"TELECONSULT_DATA": str(data), "TELECONSULT_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "web", "run", "--demo"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(process: subprocess.Popen[str], words: str) -> str:
    """What the process printed up to the line that holds `words`."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    pytest.fail(f"ended without saying {words!r}:\n{said}")


def stop(process: subprocess.Popen[str], number: signal.Signals) -> str:
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def test_a_fresh_folder_an_interrupted_start_and_a_second_one(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    process = start(data, port)
    until(process, "Filling in")
    process.kill()
    process.communicate()

    begun = time.monotonic()
    process = start(data, port)
    said = until(process, "Stop with")
    assert "Filling in" in said, "it begins anew"
    assert f"http://127.0.0.1:{port}" in said
    assert "rural@demo.test" in said
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
        assert answer.status == 200
    assert "Traceback" not in stop(process, signal.SIGINT)
    assert not (data / "postgresql" / "postmaster.pid").exists(), "the one who was killed keeps no server running"

    first, begun = time.monotonic() - begun, time.monotonic()
    process = start(data, port)
    said = until(process, "Stop with")
    seconds = time.monotonic() - begun
    assert "Traceback" not in stop(process, signal.SIGTERM)
    assert "Filling in" not in said
    assert seconds < first, "a second start fills in nothing"
    for path in data.rglob("*"):
        if "postgresql" not in path.parts:
            assert path.stat().st_mode & 0o077 == 0, f"others may read {path}"


def test_files_without_a_database_are_somebodys(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "objects" / "notes").mkdir(parents=True)
    (data / "objects" / "notes" / "one").write_bytes(b"signed")
    process = start(data, free_port())
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "TELECONSULT_DATABASE_URL" in said
    assert (data / "objects" / "notes" / "one").read_bytes() == b"signed"
