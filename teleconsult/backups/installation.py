"""What of an installation stands neither in the database nor among the objects: its keys, and the log's checkpoints."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from teleconsult import local_authority
from teleconsult.audit.checkpoints import days_in, folder_of
from teleconsult.audit.signing import PRIVATE, SUFFIX
from teleconsult.backups.vault import BackupRefused
from teleconsult.settings import Settings

OWN: Final = "secret-key"
"""File of the installation’s secret."""


def keys_of(settings: Settings) -> bytes:
    """A tar with the installation's secret, the key that signs checkpoints, the authorities that are
    trusted, and the one that this network’s devices trust.

    The same keys make the same bytes. Without the secret no stored signing key and no sealed password can be opened.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, OWN, settings.secret_key.encode())
        audit = folder_of(settings)
        for path in sorted((*audit.glob(PRIVATE), *audit.glob(f"*{SUFFIX}"))):
            _add(tar, f"audit/{path.name}", path.read_bytes())
        for folder in ("trust", "authority", local_authority.FOLDER):
            root = settings.trust_folder if folder == "trust" else settings.data / folder
            for path in sorted(path for path in root.rglob("*") if path.is_file()):
                _add(tar, f"{folder}/{path.relative_to(root).as_posix()}", path.read_bytes())
    return out.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


def checkpoint_pieces(settings: Settings, held: dict[str, int]) -> Iterator[tuple[str, int, bytes]]:
    """The checkpoints that were added to each day's file: its name, from which byte on, and they.

    `held` says how much of each is there. A day's file only grows.
    """
    for path in days_in(folder_of(settings)):
        start = held.get(path.name, 0)
        with path.open("rb") as file:
            file.seek(start)
            more = file.read()
        whole = more[: more.rfind(b"\n") + 1]
        if whole:
            yield path.name, start, whole


def unpack_keys(content: bytes, data: Path, audit: Path) -> None:
    """Put the keys where a new installation looks for them, for its own user alone.

    Raises BackupRefused for what leads elsewhere: anybody who knows the public key can seal something for it.
    """
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            name = Path(member.name)
            if file is None or name.is_absolute() or ".." in name.parts:
                raise BackupRefused(f"{member.name} is no key of an installation.")
            path = audit / name.name if name.parts[0] == "audit" else data / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(file.read())
            path.chmod(0o600)
