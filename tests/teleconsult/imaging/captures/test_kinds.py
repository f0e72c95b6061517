"""What a file is, by its first bytes alone."""

import pytest

from teleconsult.imaging.captures.kinds import START, Kind, Medium, Subject, kind_of, medium_of
from tests.teleconsult.imaging.captures.files import document, photograph, video
from tests.teleconsult.imaging.files import dicom_bytes


@pytest.mark.parametrize(
    ("content", "medium"),
    [
        *((photograph(form=form), Medium.PICTURE) for form in ("JPEG", "PNG", "WEBP")),
        (document(), Medium.PDF),
        *((video(form=form), Medium.VIDEO) for form in ("mp4", "mov")),
        (video(form="webm", codec="libvpx"), Medium.VIDEO),
        (b"\0\0\0\x08wide\0\0\0\0mdat", Medium.VIDEO),
        (b"\0\0\0\x18ftypheic\0\0\0\0", Medium.HEIC),
        (b"\0\0\0\x1cftypavif\0\0\0\0", Medium.HEIC),
        *((content, None) for content in (b"", b"<html><img src=x>", b"GIF89a", b"PK\x03\x04", dicom_bytes())),
    ],
)
def test_what_it_is(content: bytes, medium: Medium | None) -> None:
    assert medium_of(content[:START]) is medium


def test_what_it_becomes() -> None:
    pictures = [kind_of(Medium.PICTURE, subject) for subject in Subject]
    assert pictures == [Kind.PHOTOGRAPH, Kind.FILM, Kind.PAGE]
    assert {kind_of(Medium.PDF, subject) for subject in Subject} == {Kind.DOCUMENT}
    assert {kind_of(Medium.VIDEO, subject) for subject in Subject} == {Kind.VIDEO}
