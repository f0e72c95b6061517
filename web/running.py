"""The processes: `serve` and `worker` are one each; `run` starts one of both and stops them cleanly."""

import argparse
import asyncio
import contextlib
import gc
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from migrations import migrate
from teleconsult import jobs, production
from teleconsult.demo import ACCOUNTS, PASSWORD
from teleconsult.hl7v2.listener import listen
from teleconsult.imaging.dimse.listener import limit_memory
from teleconsult.imaging.dimse.listener import listen as listen_dimse
from teleconsult.notes.authority import address_in, keep_address
from teleconsult.settings import PREFIX, Settings, SettingsError
from teleconsult.worker import keep_working
from web.commands import database, opened, seed_demo_at
from web.heap import share_arenas
from web.logs import set_up_logs

GRACE = 8  # seconds given to a child to stop by itself
READY_WITHIN = 30  # seconds
DEMO_MLLP_PORT = 2575
DEMO_DIMSE_PORT = 11112
DEMO_AUTHORITY_PORTS = range(20_000, 30_000)
"""One of these by chance, kept: two demonstrations must not answer for each other, and all certificates name it."""
UNFINISHED = "demo-unfinished"
"""Stands in the data folder while the demonstration is being filled in."""


def run(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult run`: database, migrations, then a server and a worker until SIGINT or SIGTERM."""
    demo_due = options.demo and not settings.database_url and _is_fresh(settings.data)
    if options.demo and settings.mllp_port is None and _is_free(DEMO_MLLP_PORT):
        settings = settings.model_copy(update={"mllp_port": DEMO_MLLP_PORT})
    if options.demo and settings.dimse_port is None and _is_free(DEMO_DIMSE_PORT):
        settings = settings.model_copy(update={"dimse_port": DEMO_DIMSE_PORT})
    answers = options.demo and _settle_authority(settings)
    if answers:
        clocks = settings.timestamp_urls or f"{address_in(settings.data)}/time-stamp"
        settings = settings.model_copy(update={"timestamp_urls": clocks})
    stopped = _stop_on_signals()
    with database(settings, anew=demo_due) as urls:
        if urls.owner:
            migrate(urls.owner)
        if not options.demo:
            _require_safe(settings.model_copy(update={"database_url": urls.app}))
        if demo_due:
            print("Filling in the demonstration…", flush=True)
            asyncio.run(seed_demo_at(urls.app, settings))
            (settings.data / UNFINISHED).unlink()
        doors = {"hl7": ("MLLP", settings.mllp_port), "dimse": ("DIMSE", settings.dimse_port)}
        opened_doors = [verb for verb, (_name, port) in doors.items() if port is not None]
        environment = _environment(
            settings, urls.app, {name: port for name, port in doors.values() if port is not None}
        )
        told = ["--demo"] if options.demo else []
        children = [
            subprocess.Popen([sys.executable, "-m", "web", verb, *told], env=environment, start_new_session=True)  # noqa: S603  (our own module)
            for verb in ("serve", "worker", *opened_doors)
        ]
        helping = _start_authority(environment) if answers else []
        try:
            if _is_ready(settings, children):
                _greet(settings, demo=options.demo)
            while not stopped.wait(0.3):
                for child in children:
                    if child.poll() is not None:
                        print(f"A part stopped by itself (status {child.returncode}).", file=sys.stderr)
                        return 1
        finally:
            _stop([*children, *helping])
    return 0


def _start_authority(environment: Mapping[str, str]) -> list[subprocess.Popen[bytes]]:
    """Where it ends by itself, only evidence waits: nothing else stops for it."""
    command = [sys.executable, "-m", "web", "authority"]
    return [subprocess.Popen(command, env=environment, start_new_session=True)]  # noqa: S603  (our own module)


def _environment(settings: Settings, url: str, ports: Mapping[str, int]) -> dict[str, str]:
    """What the parts are told: what was set, and what `run` chose itself."""
    chosen = {
        "TELECONSULT_DATABASE_URL": url,
        "TELECONSULT_SECRET_KEY": settings.secret_key,
        "TELECONSULT_DATA": str(settings.data),
        **({"TELECONSULT_TIMESTAMP_URLS": settings.timestamp_urls} if settings.timestamp_urls else {}),
        **{f"TELECONSULT_{name}_PORT": str(port) for name, port in ports.items()},
    }
    files = {f"{name}_FILE" for name in chosen if name != "TELECONSULT_DATA"}
    return {**{name: value for name, value in os.environ.items() if name not in files}, **chosen}


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult serve`: one web server process."""
    share_arenas()
    gc.disable()  # until `settle`: what a start makes is here to stay, and looking through it is a sixth of its time
    import uvloop

    from web import listening
    from web.app import make_app

    _require_database(settings, options)
    set_up_logs(settings)
    app = make_app(settings)
    app.on_startup.append(_settle)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(listening.serve(app))
    return 0


async def _settle(_app: web.Application) -> None:
    settle()


def settle() -> None:
    """What is there now stays: the collector of garbage need not look at it again each time, while sockets wait; and
    what comes with each message is mostly gone before it looks.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def work(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult worker`: runs jobs until told to stop; a job that was begun is finished first."""
    _require_database(settings, options)
    set_up_logs(settings)
    asyncio.run(_work(settings))
    return 0


def hear_hl7(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult hl7`: takes HL7 v2 messages until told to stop."""
    _require_database(settings, options)
    set_up_logs(settings)
    if settings.mllp_port is None:
        raise SettingsError("TELECONSULT_MLLP_PORT is needed here: where other systems send HL7 v2.")
    asyncio.run(_hear_hl7(settings))
    return 0


def take_images(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult dimse`: takes images by C-STORE until told to stop."""
    import uvloop

    _require_database(settings, options)
    set_up_logs(settings)
    if settings.dimse_port is None:
        raise SettingsError("TELECONSULT_DIMSE_PORT is needed here: where other systems send images.")
    limit_memory()
    warnings.simplefilter("ignore")  # pydicom quotes what it finds strange, and that is a stranger's
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_take_images(settings))
    return 0


def vouch(settings: Settings, _options: argparse.Namespace) -> int:
    """`teleconsult authority`: the demonstration's certificate authority, until told to stop."""
    from web.authority_service import answer

    set_up_logs(settings)
    return answer(settings)


async def _take_images(settings: Settings) -> None:
    settle()
    async with opened(settings.database_url or "") as sessions:
        await listen_dimse(settings, sessions)


async def _hear_hl7(settings: Settings) -> None:
    async with opened(settings.database_url or "") as sessions:
        await listen(settings, sessions)


async def _work(settings: Settings) -> None:
    url = settings.database_url or ""
    async with opened(url) as sessions, jobs.connected(url) as app:
        working = asyncio.create_task(
            keep_working(
                app,
                fetch_job_polling_interval=1.0,  # seconds: who is rung next in an emergency is due to the second
                concurrency=6,  # of which images take four at the most, by the locks of their jobs
                additional_context={"sessions": sessions, "settings": settings},
                delete_jobs="successful",
                shutdown_graceful_timeout=GRACE - 2,
            )
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working


def _require_database(settings: Settings, options: argparse.Namespace) -> None:
    if not settings.database_url:
        raise SettingsError("TELECONSULT_DATABASE_URL is needed here; `teleconsult run` brings a database of its own.")
    if not options.demo:
        _require_safe(settings)


def _require_safe(settings: Settings) -> None:
    """Whoever others reach does not start with what would hurt them. Raises SettingsError."""
    found = production.faults(settings) if production.is_production(settings) else []
    if found:
        raise SettingsError("\n".join(found))


def _is_fresh(data: Path) -> bool:
    """Whether the data folder has never been in use. What a first start left half filled is thrown away."""
    mark, objects = data / UNFINISHED, data / "objects"
    if mark.exists():
        shutil.rmtree(objects, ignore_errors=True)
    elif (data / "postgresql").exists():
        return False
    elif objects.exists() and any(objects.iterdir()):
        raise SettingsError(
            f"{data} holds the files of another database:"
            f" name it by {PREFIX}DATABASE_URL, or another folder by {PREFIX}DATA."
        )
    data.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return True


def _stop_on_signals() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    return stopped


def _is_ready(settings: Settings, children: list[subprocess.Popen[bytes]]) -> bool:
    """Wait until the server and the doors take connections; False where a part ended first, or one takes too long."""
    doors = ((settings.mllp_host, settings.mllp_port), (settings.dimse_host, settings.dimse_port))
    waited_for = [(settings.host, settings.port), *((host, port) for host, port in doors if port is not None)]
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and all(child.poll() is None for child in children):
        try:
            with socket.create_connection(waited_for[0], timeout=1):
                waited_for.pop(0)
        except OSError:
            time.sleep(0.1)
        if not waited_for:
            return True
    return False


def _greet(settings: Settings, *, demo: bool) -> None:
    lines = [f"Téléconsult is ready: {settings.base_url}"]
    if demo:
        lines.append(f"Demo accounts, password {PASSWORD}:")
        lines += [f"  {email:24} {who}" for email, who in ACCOUNTS.items()]
    if settings.mllp_port is not None:
        lines.append(f"HL7 v2 is taken at {settings.mllp_host}:{settings.mllp_port}.")
    if settings.dimse_port is not None:
        lines.append(f"DICOM is taken by {settings.dimse_ae_title} at {settings.dimse_host}:{settings.dimse_port}.")
    if settings.smtp_url is None:
        lines.append(f"Mails are written to {settings.data / 'mail'}.")
    print("\n".join([*lines, "Stop with Ctrl+C."]), flush=True)


def _settle_authority(settings: Settings) -> bool:
    """Whether the demonstration's authority can answer: at its address, or at one it is given now."""
    address = address_in(settings.data)
    if address:
        return _is_free(urlsplit(address).port or 0)
    chosen = (secrets.choice(DEMO_AUTHORITY_PORTS) for _ in range(20))
    port = next((port for port in chosen if _is_free(port)), None)
    if port is not None:
        keep_address(settings.data, f"http://127.0.0.1:{port}")
    return port is not None


def _is_free(port: int) -> bool:
    """Whether nobody listens there: two demonstrations on one machine must not stop each other."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    end = time.monotonic() + GRACE
    for child in children:
        try:
            child.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
