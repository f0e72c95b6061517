"""What an upload in several requests must not do, and for whom it is not there."""

import errno
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.settings import MIB, Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.web.resumable.tus import Client, Tus, audited, count, folder_of, kept
from web.kept_uploads import MOST_OPEN


async def test_a_full_disk_is_said_in_words(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await tus.begun(1000)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = await tus.add(path, 0, b"x")
    assert answer.status == 507
    assert (await answer.json())["error"] == "There is no room left for files. Tell the administrator."


async def test_what_was_cut_off_as_it_began_is_in_nobodys_way(tus: Tus, settings: Settings) -> None:
    """As by a full disk, or a kill: what was declared of it is not all there."""
    path = await tus.begun(1000)
    (folder_of(settings, path) / "declared.json").write_bytes(b"")
    assert (await tus.begin(10)).status == 201
    assert (await tus.ask("HEAD", path)).status == 404


async def test_nothing_is_left_of_what_could_not_begin(
    tus: Tus, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert (await tus.begin(10)).status == 503
    assert kept(settings) == []


async def test_the_place_must_be_right(tus: Tus) -> None:
    path = await tus.begun(1000)
    await tus.add(path, 0, b"12345")
    for offset in (0, 4, 6, 1000):
        assert (await tus.add(path, offset, b"x")).status == 409, offset
    assert await tus.offset(path) == 5


async def test_never_more_than_was_declared(tus: Tus) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        for _turn in range(3):
            yield bytes(5)

    path = await tus.begun(10)
    assert (await tus.add(path, 0, bytes(11))).status == 413
    assert await tus.offset(path) == 0
    assert (await tus.add(path, 0, unannounced())).status == 413
    assert await tus.offset(path) <= 10
    assert (await tus.begin(2, data=b"123")).status == 413


async def test_capabilities(tus: Tus, settings: Settings) -> None:
    answer = await tus.ask("OPTIONS", tus.door, Tus_Resumable="")
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(settings.upload_file_limit)
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "expiration", "termination",
    }  # fmt: skip


async def test_what_no_client_sends(tus: Tus, settings: Settings) -> None:
    for version in ("", "0.2.2"):
        answer = await tus.ask("POST", tus.door, Tus_Resumable=version, Upload_Length="1")
        assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
    for length in ("", "-1", "1.5", "x", "9" * 30, "\u0661"):
        assert (await tus.ask("POST", tus.door, Upload_Length=length)).status == 400, length
    for metadata in ("filename é", "filename a", "filename ===="):
        assert (await tus.begin(1, metadata=metadata)).status == 400, metadata
    assert kept(settings) == []
    path = await tus.begun(10)
    assert (await tus.add(path, 0, b"x", Content_Type="text/plain")).status == 415
    assert (await tus.add(path, 0, b"x", Upload_Offset="x")).status == 400
    for token in ("..", "%2e%2e", "x", "x" * 500, "a%2fb", "é", "%00"):
        assert (await tus.ask("DELETE", f"{tus.door}/{token}")).status in {400, 404, 405}, token
    assert (await tus.begin(0, metadata="")).status == 201


async def test_too_much_is_refused_before_it_is_sent(tus: Tus, narrow: Settings) -> None:
    assert (await tus.begin(MIB + 1)).status == 413
    assert [(await tus.begin(MIB)).status for _turn in range(3)] == [201, 201, 429]


async def test_only_so_many_at_once_and_what_lies_idle_gives_way(tus: Tus, settings: Settings) -> None:
    paths = [await tus.begun(1) for _turn in range(MOST_OPEN)]
    answer = await tus.begin(1)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "600")
    idle = folder_of(settings, paths[3]) / "bytes"
    os.utime(idle, (time.time() - 700,) * 2)
    assert (await tus.begin(1)).status == 201
    assert [(await tus.ask("HEAD", path)).status for path in paths[2:5]] == [200, 404, 200]


@pytest.mark.parametrize("who", ["colleague", "stranger", "specialist", "coordinator"])
async def test_nobody_elses(tus: Tus, signed_in: SignIn, sessions: Sessions, who: str) -> None:
    path = await tus.begun(1000)
    await signed_in(who)
    assert (await tus.begin(1)).status == 404
    for method in ("HEAD", "OPTIONS", "DELETE"):
        assert (await tus.ask(method, path if method != "OPTIONS" else tus.door)).status == 404
    assert (await tus.add(path, 0, b"mine now")).status == 404
    assert (await tus.ask("POST", f"{path}/reception")).status == 404
    assert await audited(sessions, "access-denied") == 6
    await signed_in("rural")
    assert await tus.offset(path) == 0


async def test_of_one_consult_only(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings
) -> None:
    other = await consult_steps.submitted(cast, sessions)
    tus = Tus(client, settings, (await consult_steps.drafted(cast, sessions)).id)
    await signed_in("rural")
    path = await tus.begun(1000)
    elsewhere = f"/consults/{other.id}/uploads/{path.rsplit('/', 1)[1]}"
    assert (await tus.ask("HEAD", elsewhere)).status == 404
    assert (await tus.add(elsewhere, 0, b"x")).status == 404


async def test_not_once_the_consult_has_ended(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("rural")
    tus = Tus(client, settings, consult.id)
    path, whole = await tus.begun(1000), await tus.sent(dicom_bytes())
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="By mistake")
    assert (await tus.begin(1)).status == 409
    assert (await tus.add(path, 0, b"x")).status == 409
    assert (await tus.ask("POST", f"{whole}/reception")).status == 409
    assert await count(sessions) == 0


async def test_a_form_of_another_site_does_nothing(tus: Tus, settings: Settings) -> None:
    path = await tus.begun(1000)
    for token in ("", "forged"):
        assert (await tus.ask("POST", tus.door, Upload_Length="1", X_CSRF_Token=token)).status == 403
        assert (await tus.add(path, 0, b"x", X_CSRF_Token=token)).status == 403
        assert (await tus.ask("DELETE", path, X_CSRF_Token=token)).status == 403
    assert (await tus.ask("POST", tus.door, Upload_Length="1", Origin="https://evil.test")).status == 403
    assert await tus.offset(path) == 0
