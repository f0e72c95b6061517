"""The bytes that come along with a document: whole, or named among what was left out."""

import base64
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from teleconsult.exports import attachments
from teleconsult.exports.attachments import gather_attachments
from teleconsult.objects import Objects, open_store
from teleconsult.records.documents import PDF, Document, keep, key_of

AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """A store of this test's own."""
    return Objects(open_store(None, tmp_path))


async def kept(objects: Objects, content: bytes, title: str = "Letter") -> dict[str, Any]:
    """A DocumentReference to bytes in the store."""
    document, id_ = Document(PDF, content), uuid.uuid4()
    await keep(objects, id_, document)
    return {"id": str(id_), **document.resource(id_, title=title, at=AT)}


async def test_what_fits_comes_along_and_the_rest_is_named(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "LARGEST", 100)
    monkeypatch.setattr(attachments, "LARGEST_ALL", 150)
    small, large = await kept(objects, b"%PDF-1"), await kept(objects, b"%PDF-" + b"x" * 100, "Large one")
    filling, over = await kept(objects, b"%PDF-" + b"x" * 95), await kept(objects, b"%PDF-" + b"x" * 60, "No room left")
    found = await gather_attachments(objects, [small, large, filling, over, small], signed={})
    assert [binary["id"] for binary in found.binaries] == [small["id"], filling["id"]]
    assert base64.b64decode(found.binaries[0]["data"]) == b"%PDF-1"
    assert found.left_out == ("Large one", "No room left")


async def test_a_signed_note_is_found_by_its_own_key(objects: Objects) -> None:
    note = str(uuid.uuid4())
    await objects.put("note/x", b"%PDF-signed")
    reference = {
        "id": str(uuid.uuid4()),
        "content": [{"attachment": {"url": f"Binary/{note}", "size": 11, "title": "N"}}],
    }
    assert (await gather_attachments(objects, [reference], signed={note: "note/x"})).binaries[0]["id"] == note
    assert (await gather_attachments(objects, [reference], signed={})).left_out == ("N",)


async def test_what_was_changed_or_is_gone_or_never_ours_does_not_come(objects: Objects) -> None:
    gone = await kept(objects, b"%PDF-1", "Gone")
    await objects.delete(key_of(uuid.UUID(gone["id"])))
    lying = await kept(objects, b"%PDF-1", "Changed")
    lying["content"][0]["attachment"]["extension"][0]["valueString"] = "00"
    theirs = {"id": "x", "content": [{"attachment": {"url": "https://elsewhere.example/Binary/1", "size": 1}}, "odd"]}
    found = await gather_attachments(objects, [gone, lying, theirs, {"content": "odd"}], signed={})
    assert found.binaries == ()
    assert found.left_out == ("Gone", "Changed")


async def test_no_reference_brings_its_bytes_under_the_address_of_another(objects: Objects) -> None:
    letter, forged = await kept(objects, b"%PDF-letter"), await kept(objects, b"%PDF-forged")
    own = forged["content"][0]
    forged["content"] = [{"attachment": {**own["attachment"], "url": f"Binary/{letter['id']}", "title": "Other"}}, own]
    found = await gather_attachments(objects, [forged, letter], signed={})
    assert {one["id"]: base64.b64decode(one["data"]) for one in found.binaries} == {
        forged["id"]: b"%PDF-forged",
        letter["id"]: b"%PDF-letter",
    }
    assert found.left_out == ("Other",)
