"""An element is told the same whether it was held or is converted anew, whatever came before it."""

from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.tag import BaseTag

from teleconsult.imaging.plain_elements import plain_element, tag_of, told
from tests.peers.published import FILES


def read_again(ds: Dataset, *, is_implicit: bool) -> Dataset:
    """As a file has it: nothing of it converted."""
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = is_implicit, True
    write_dataset(out, ds)
    return read_dataset(BytesIO(out.getvalue()), is_implicit, True)


def test_every_element_of_the_published_files_is_told_as_pydicom_converts_it() -> None:
    compared = 0
    for path in FILES.values():
        try:
            read, other = (dcmread(path, stop_before_pixels=True) for _ in range(2))
        except (InvalidDicomError, OSError, EOFError, ValueError, NotImplementedError):
            continue
        for tag in sorted(read.keys()):
            if not isinstance(tag, BaseTag) or tag.element == 0:
                continue
            try:
                plain = plain_element(read, tag)
                expected = told(other[tag])
            except Exception:  # what is broken stays so: `describing` tells it without its value
                continue
            if plain:
                compared += 1
                assert plain.told == expected, (path, tag)
                assert plain.text == ("" if other[tag].value is None else str(other[tag].value))
    assert compared > 1000


def test_the_same_bytes_in_another_character_set_are_another_text() -> None:
    texts = []
    for charset, codec in (("ISO_IR 100", "latin-1"), ("ISO_IR 144", "iso8859_5")):
        ds = Dataset()
        ds.SpecificCharacterSet, ds.PatientName = charset, b"\xc4\xe5".decode(codec)
        plain = plain_element(read_again(ds, is_implicit=False), tag_of("PatientName"))
        assert plain is not None
        texts.append(plain.text)
    assert len(set(texts)) == 2


@pytest.mark.parametrize("tag", [0x00091001, 0x00280106, 0x7FE00010])
def test_what_needs_more_than_its_own_bytes_is_not_held(tag: int) -> None:
    ds = Dataset()
    ds.PixelRepresentation = 1
    ds.add_new(0x00090010, "LO", "SOMEBODY")
    ds.add_new(0x00091001, "LO", "private")
    ds.add_new(0x00280106, "US", 1)
    ds.add_new(0x7FE00010, "OW", b"\0\0")
    assert plain_element(read_again(ds, is_implicit=True), BaseTag(tag)) is None
