"""PDFs of strangers are looked through: no programs, no files, and no place in the photographs they show."""

from pathlib import Path

import pikepdf
import pytest
from pikepdf import Dictionary, Name

from teleconsult.imaging.captures import documents
from teleconsult.imaging.captures.documents import checked, without_comments
from teleconsult.imaging.refusals import Refusal, Unreadable
from tests.teleconsult.imaging.captures.files import SECRET, document, photograph, saved


def check(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    return checked(path)


def test_it_stays_as_it_came(tmp_path: Path) -> None:
    assert check(tmp_path / "p", document()) == document()


@pytest.mark.parametrize("packed", ["", "FlateDecode"])
def test_its_photographs_lose_their_place(tmp_path: Path, packed: str) -> None:
    jpeg = photograph()
    content = document(embedded=jpeg, packed=packed)
    found = check(tmp_path / "p", content)
    assert SECRET not in found
    assert b"Exif" not in found
    path = tmp_path / "q"
    path.write_bytes(found)
    with pikepdf.open(path) as pdf:
        shown = pikepdf.PdfImage(pdf.pages[0].Resources.XObject.Im0).as_pil_image()
    assert shown.size == (64, 48)


def test_a_photograph_that_is_packed_as_nobody_does(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        check(tmp_path / "p", document(embedded=photograph(), packed="ASCIIHexDecode"))
    assert refused.value.refusal is Refusal.UNKNOWN_CODING


def test_a_jpeg_without_comments_is_a_jpeg() -> None:
    assert without_comments(without_comments(photograph())) == without_comments(photograph())
    assert without_comments(b"") == b""
    assert without_comments(b"\xff\xd8\xff") == b"\xff\xd8\xff"


def _naming(pdf: pikepdf.Pdf) -> None:
    program = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=["go", program]))


def _launching(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].Annots = [Dictionary(Subtype=Name.Link, A=Dictionary(S=Name.Launch, F="cmd.exe"))]


def _reaching(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.GoToR, F="//elsewhere/share/file.pdf")


def _calling(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.URI, URI="https://elsewhere.example/opened")


def _calling_on_a_page(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].AA = Dictionary(O=Dictionary(S=Name.URI, URI="https://elsewhere.example/opened"))


def _fetching(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Fetched = pdf.make_stream(b"", F="//elsewhere/share/file")


def _carrying(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["virus.exe"] = b"MZ"


def _form(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(XFA=pdf.make_stream(b"<xdp/>"))


@pytest.mark.parametrize(
    "spoil", [_naming, _launching, _reaching, _calling, _calling_on_a_page, _fetching, _carrying, _form]
)
@pytest.mark.parametrize("streams", [pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate])
def test_one_that_does_something_is_refused(tmp_path: Path, spoil: object, streams: pikepdf.ObjectStreamMode) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    assert callable(spoil)
    spoil(pdf)
    with pytest.raises(Unreadable) as refused:
        check(tmp_path / "p", saved(pdf, object_stream_mode=streams))
    assert refused.value.refusal is Refusal.ACTIVE


def test_an_address_to_choose_may_stand_in_it(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    link = Dictionary(Subtype=Name.Link, Rect=[0, 0, 9, 9], A=Dictionary(S=Name.URI, URI="https://elsewhere.example"))
    pdf.pages[0].Annots = [link]
    content = saved(pdf)
    assert check(tmp_path / "p", content) == content


def test_one_that_wants_a_password_is_refused(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    with pytest.raises(Unreadable) as refused:
        check(tmp_path / "p", saved(pdf, encryption=pikepdf.Encryption(owner="o", user="u")))
    assert refused.value.refusal is Refusal.ENCRYPTED


def test_one_that_only_forbids_is_opened(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    found = check(tmp_path / "p", saved(pdf, encryption=pikepdf.Encryption(owner="o", user="")))
    assert b"/Encrypt" not in found


def test_without_a_page_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable):
        check(tmp_path / "p", saved(pikepdf.new()))
    monkeypatch.setattr(documents, "LARGEST_DOCUMENT", 10)
    with pytest.raises(Unreadable) as refused:
        check(tmp_path / "p", document())
    assert refused.value.refusal is Refusal.TOO_LARGE


@pytest.mark.parametrize("content", [b"%PDF-1.7\n<html>", b"%PDF-1.4\n" + b"\0" * 500])
def test_what_only_begins_like_one(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(pikepdf.PdfError):
        check(tmp_path / "p", content)
