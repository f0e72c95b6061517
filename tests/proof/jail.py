"""A process that may destroy: in namespaces of its own, with one folder, as a user who is nobody.

Its root is an empty file system that holds one folder alone (mount namespace, `pivot_root`); no network and
no message queue of the machine is there; it can gain no rights. That it is so is looked at before it begins.
"""

import ctypes
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

NOBODY: Final = 61_713
"""A user and a group whom this machine does not know: nothing is theirs but what they are given."""
OLD: Final = ".old"
INSIDE: Final = "reach"
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWNET = 0x0002_0000, 0x0800_0000, 0x4000_0000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE, MS_REMOUNT = 2, 4, 8, 4096, 16384, 1 << 18, 32
MS_RDONLY: Final = 1
MNT_DETACH: Final = 2
PR_SET_NO_NEW_PRIVS: Final = 38

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *about: object) -> None:
    if getattr(_libc, name)(*about):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def refusal() -> str:
    """Why no such process can be had here; empty where one can."""
    if os.geteuid() != 0:
        return "only root may make the namespaces that keep it in"
    process = os.fork()
    if not process:
        os._exit(_libc.unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET) != 0)
    return "this machine allows no namespaces" if os.waitpid(process, 0)[1] else ""


def let_loose(folder: Path, jail: Path, work: Callable[[Path], str], *, seconds: float) -> str:
    """Have `work` done on `folder`, which becomes `/reach`, by a process that can reach nothing else; what it says.

    It is killed after `seconds`. Raises AssertionError where it was not kept in: then it began nothing.
    """
    ours, its = socket.socketpair()
    process = os.fork()
    if not process:
        ours.close()
        _become(folder, jail, work, its)
    its.close()
    try:
        ours.settimeout(30)
        said = ours.recv(4096).decode()
        assert said == "kept in", said
        _look_from_outside(process)
        ours.sendall(b"begin")
        ours.settimeout(seconds)
        try:
            return ours.recv(4096).decode()
        except TimeoutError:
            return "time over"
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        ours.close()


def _look_from_outside(process: int) -> None:
    """By what the system says of it, not by what it says itself."""
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":\t" in line
    )
    assert status["Uid"].split() == [str(NOBODY)] * 4, status["Uid"]
    assert status["Gid"].split() == [str(NOBODY)] * 4, status["Gid"]
    assert not status.get("Groups", "").strip(), status["Groups"]
    assert {status[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {"0" * 16}, status
    assert status["NoNewPrivs"] == "1"
    mounts = {line.split()[4] for line in Path(f"/proc/{process}/mountinfo").read_text().splitlines()}
    assert mounts == {"/", f"/{INSIDE}"}, mounts
    for kind in ("mnt", "net", "ipc"):
        assert Path(f"/proc/{process}/ns/{kind}").readlink() != Path(f"/proc/self/ns/{kind}").readlink(), kind


def _become(folder: Path, jail: Path, work: Callable[[Path], str], line: socket.socket) -> None:
    """Never returns."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _enter(folder, jail, line)
        _look()
        line.sendall(b"kept in")
        assert line.recv(16) == b"begin"
        line.sendall(work(Path("/") / INSIDE).encode()[:4000])
        line.recv(16)  # until it is killed
    except BaseException:
        line.sendall(traceback.format_exc()[-3000:].encode())
    finally:
        os._exit(1)


def _enter(folder: Path, jail: Path, line: socket.socket) -> None:
    """A root of its own, and no rights."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, line.fileno())
    os.closerange(line.fileno() + 1, 65_536)
    sys.stdin = sys.stdout = sys.stderr = None  # type: ignore[assignment]
    _call("unshare", CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET)
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    _call("mount", b"jail", bytes(jail), b"tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, b"size=1m,mode=0755")
    inside = jail / INSIDE
    inside.mkdir(mode=0o755)
    (jail / OLD).mkdir()
    _call("mount", bytes(folder), bytes(inside), None, MS_BIND, None)
    _call("mount", None, bytes(inside), None, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
    os.chdir(jail)
    _call("pivot_root", b".", OLD.encode())
    os.chdir("/")
    _call("umount2", f"/{OLD}".encode(), MNT_DETACH)
    Path("/", OLD).rmdir()
    _call("mount", None, b"/", None, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.clear()


def _look() -> None:
    """That there is nothing but the folder. Raises AssertionError."""
    assert os.getresuid() == (NOBODY,) * 3
    assert os.getresgid() == (NOBODY,) * 3
    assert not os.getgroups()
    assert [path.name for path in Path("/").iterdir()] == [INSIDE]
    assert [name for _number, name in socket.if_nameindex()] == ["lo"]
    for forbidden in (lambda: os.setuid(0), Path("/elsewhere").mkdir, lambda: os.chroot("/"), os.fork):
        try:
            forbidden()
        except OSError:
            continue
        raise AssertionError("it may do what it must not")
