"""Sealing for a key that is kept elsewhere: age (https://age-encryption.org/v1), X25519 recipients.

Whoever runs the installation has the public half alone: what left can be opened by the holder of the other half, with
this program or with any other that speaks age.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from pyrage import DecryptError, IdentityError, RecipientError, decrypt_io, encrypt_io, x25519


class BackupRefused(Exception):
    """One sentence for whoever makes, checks or restores a backup."""


class Unopened(Exception):
    """What should open with this key does not: another's, or changed bytes."""


def make_identity(path: Path) -> str:
    """Write a new secret key to `path`, for its owner alone; its public half. Raises FileExistsError."""
    made = x25519.Identity.generate()
    public = str(made.to_public())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"# public key: {public}\n{made}\n")
    return public


def recipients_in(text: str) -> list[x25519.Recipient]:
    """Public keys (`age1…`), separated by commas. Raises ValueError for what is none."""
    try:
        return [x25519.Recipient.from_str(part.strip()) for part in text.split(",") if part.strip()]
    except RecipientError as error:
        raise ValueError("takes public keys of age (age1…), separated by commas") from error


def read_identities(path: Path) -> list[x25519.Identity]:
    """The secret keys of a file as `age-keygen` writes it. Raises BackupRefused."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines()]
        found = [x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (OSError, ValueError, IdentityError) as error:
        raise BackupRefused(f"{path} holds no secret key of age.") from error
    if not found:
        raise BackupRefused(f"{path} holds no secret key of age.")
    return found


def seal(plain: IO[bytes], sealed: IO[bytes], recipients: Sequence[x25519.Recipient]) -> None:
    """Write `plain` to `sealed`, for each of the recipients, in pieces of 64 KiB."""
    encrypt_io(plain, sealed, list(recipients))


def unseal(sealed: IO[bytes], plain: Any, identities: Sequence[x25519.Identity]) -> None:
    """The way back; nothing of what is written counts where it raises Unopened."""
    try:
        decrypt_io(sealed, plain, list(identities))
    except DecryptError as error:
        raise Unopened(str(error)) from error
    except OSError as error:  # of a later piece the library says it so; a disk that is full has a number
        if error.errno is not None:
            raise
        raise Unopened(str(error)) from error
