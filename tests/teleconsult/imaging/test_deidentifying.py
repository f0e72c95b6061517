"""An image without who it is of: nothing that names is left, the pixels are the same, words in pictures stay here."""

import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, VLPhotographicImageStorage

from teleconsult.imaging.deidentifying import Done, deidentified
from teleconsult.imaging.refusals import Refusal, Unreadable
from tests.teleconsult.imaging.files import REAL, dicom_bytes

pytestmark = pytest.mark.filterwarnings("ignore:'pydicom.dataelem.DataElement_from_raw':DeprecationWarning")

KEY = b"k" * 32


def clean(folder: Path, content: bytes, key: bytes = KEY) -> tuple[dict[str, Done], Dataset, bytes]:
    path = folder / "image"
    path.write_bytes(content)
    done, made = deidentified(path, key)
    return done, dcmread(BytesIO(made)), made


def step(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def test_nothing_that_names_is_left_at_any_depth(tmp_path: Path) -> None:
    buried = step(
        RequestedProcedureDescription="For Rose Bélanger",
        ReferencedPatientSequence=[step(PatientName="Bélanger^Rose")],
        PatientName="Bélanger^Rose",
        PatientBirthDate="19510314",
    )
    content = dicom_bytes(
        PatientBirthDate="19510314",
        InstitutionName="Hôpital de la Vallée",
        ReferringPhysicianName="Roy^Aline",
        AccessionNumber="ACC4711471147",
        ProtocolName="Head of Rose BELANGER",
        PatientAge="074Y",
        DeviceSerialNumber="SN-4711471147",
        RequestAttributesSequence=[buried],
        AnatomicRegionSequence=[step(PatientName="Bélanger^Rose", CodeMeaning="Head of Bélanger")],
    )
    _done, made, whole = clean(tmp_path, content)
    words = "langer", "Rose", "ROSE", "BELANGER", "X1\0", "19510314", "Vall", "Roy", "4711471147", "20260301", "074Y"
    for word in words:
        assert word.encode() not in whole, word
    assert made.PatientIdentityRemoved == "YES"
    assert made.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert made.Modality == "CT"


@pytest.mark.parametrize(
    ("name", "words", "left"),
    [
        ("Li^Na", "Head Li", "Li"),
        ("Bélanger^Rose", "HEAD_BELANGER_ROSE", "BELANGER"),
        ("Bélanger^Rose", "BELANGERROSE", "ROSE"),
        ("Đặng^An", "Dang", "Dang"),
        ("Yamada^Tarou=山田^太郎", "山田太郎様", "山田"),
        ("Иванов^Иван", "Голова ИВАНОВ", "ИВАНОВ"),
        ("राम^सीता", "सिर राम", "राम"),
    ],
    ids=["short", "underscores", "one word", "Vietnamese", "Japanese", "Russian", "Hindi"],
)
def test_names_are_found_however_they_are_written(tmp_path: Path, name: str, words: str, left: str) -> None:
    _done, made, whole = clean(tmp_path, dicom_bytes(PatientName=name, AcquisitionProtocolName=words))
    assert left.encode() not in whole
    assert made.Modality == "CT"


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="Debian's dicom3tools is not here")
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_no_error_is_found_in_what_leaves(tmp_path: Path, name: str) -> None:
    path = tmp_path / "left"
    path.write_bytes(clean(tmp_path, (REAL / name).read_bytes())[2])
    judged = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in judged.stdout + judged.stderr
    assert name[:2] in judged.stdout + judged.stderr


def test_moments_that_are_replaced_are_moments(tmp_path: Path) -> None:
    below = step(ScheduledProcedureStepStartDateTime="20260301101500")
    made = clean(tmp_path, dicom_bytes(AcquisitionDateTime="20260301101500", ReferencedStudySequence=[below]))[1]
    assert made.StudyDate == "19000101"
    assert not [element for element in made.iterall() if str(element.value).startswith("0001")]


def test_names_that_stand_only_below_and_days_in_texts_are_found(tmp_path: Path) -> None:
    below = step(PatientName="Bélanger^Rose", PatientBirthDate="19510314")
    content = dicom_bytes(
        PatientName="",
        RequestAttributesSequence=[below],
        AcquisitionProtocolName="Belanger",
        ReceiveCoilName="14/03/1951",
    )
    whole = clean(tmp_path, content)[2]
    assert b"Belanger" not in whole
    assert b"1951" not in whole


def test_a_name_in_letters_nobody_can_tell_is_found(tmp_path: Path) -> None:
    name = "山田".encode("shift_jis")
    content = dicom_bytes(SpecificCharacterSet="", PatientName="N" * 8, AcquisitionProtocolName="T" * 8)
    content = content.replace(b"N" * 8, name + b"^A  ").replace(b"T" * 8, b" " + name + b"   ")
    assert name in content
    assert name not in clean(tmp_path, content)[2]


def test_pictures_within_sequences_go(tmp_path: Path) -> None:
    ds = dcmread(BytesIO(dicom_bytes()))
    ds.AnatomicRegionSequence = [step(CodeMeaning="Head")]
    ds.AnatomicRegionSequence[0].add_new(0x7FE00010, "OW", b"Marie ")
    out = BytesIO()
    ds.save_as(out)
    _done, made, whole = clean(tmp_path, out.getvalue())
    assert b"Marie" not in whole
    assert made.AnatomicRegionSequence[0].CodeMeaning == "Head"


def test_what_the_table_does_not_list_is_not_trusted(tmp_path: Path) -> None:
    ds = dcmread(
        BytesIO(
            dicom_bytes(
                PatientBirthDateInAlternativeCalendar="S26.03.14",
                CommentsOnTheScheduledProcedureStep="His wife Marie",
                PlacerOrderNumberProcedure="PO-4711471147",
                RetrieveURL="https://pacs.example/4711471147",
                SOPInstanceUIDOfConcatenationSource="1.2.4711471147.19510314",
            )
        )
    )
    ds.add_new(0x00180FFE, "LO", "Marie")
    ds.add_new(0x00080104, "OB", b"Marie ")
    out = BytesIO()
    ds.save_as(out)
    done, made, whole = clean(tmp_path, out.getvalue() + b"Marie after the end")
    for word in (b"S26", b"Marie", b"4711471147", b"19510314"):
        assert word not in whole, word
    assert str(made.SOPInstanceUIDOfConcatenationSource).startswith("2.25.")
    assert done["(0020,0242) SOPInstanceUIDOfConcatenationSource"] is Done.RENAMED


def test_no_words_stay_beside_the_pixels(tmp_path: Path) -> None:
    plain = dicom_bytes()
    pixels = dcmread(BytesIO(plain)).PixelData
    _done, made, whole = clean(tmp_path, dicom_bytes(PixelData=pixels + b"Marie "))
    assert (made.PixelData, b"Marie" in whole) == (pixels, False)
    exif, coded = Image.Exif(), BytesIO()
    exif[0x010E] = "Marie"
    Image.linear_gradient("L").resize((16, 16)).save(coded, "JPEG", exif=exif, comment=b"Marie")
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    values: dict[str, Any] = {**bits, "Modality": "PX", "PixelData": encapsulate([coded.getvalue()])}
    content = dicom_bytes(JPEGBaseline8Bit, **values)
    _done, made, whole = clean(tmp_path, content)
    assert b"Marie" not in whole
    assert (made.pixel_array == dcmread(BytesIO(content)).pixel_array).all()


def test_overlays_go_and_those_within_the_pixels_are_refused(tmp_path: Path) -> None:
    ds = dcmread(BytesIO(dicom_bytes()))
    ds.add_new((0x6000, 0x0010), "US", 16)
    out = BytesIO()
    ds.save_as(out)
    with pytest.raises(Unreadable):
        clean(tmp_path, out.getvalue())
    ds.add_new((0x6000, 0x3000), "OW", bytes(32))
    ds.add_new((0x6000, 0x4000), "LT", "Rose")
    out = BytesIO()
    ds.save_as(out)
    _done, made, _whole = clean(tmp_path, out.getvalue())
    assert (0x6000, 0x3000) not in made
    assert (0x6000, 0x4000) not in made


@pytest.mark.parametrize(("high", "is_refused"), [(0x1000, True), (0, False)])
def test_an_overlay_whose_description_went_before_is_refused(tmp_path: Path, high: int, is_refused: bool) -> None:
    pixels = np.full((16, 16), 5, "<u2")
    pixels[3, 3:9] |= high
    content = dicom_bytes(BitsStored=12, HighBit=11, PixelRepresentation=0, PixelData=pixels.tobytes())
    if is_refused:
        with pytest.raises(Unreadable):
            clean(tmp_path, content)
    else:
        assert clean(tmp_path, content)[1].PixelData == pixels.tobytes()


def test_private_elements_go_everywhere(tmp_path: Path) -> None:
    ds = dcmread(BytesIO(dicom_bytes()))
    ds.private_block(0x0009, "ACME", create=True).add_new(1, "LO", "secret")
    ds.AnatomicRegionSequence = [step(CodeMeaning="Head")]
    ds.AnatomicRegionSequence[0].private_block(0x0011, "ACME", create=True).add_new(1, "LO", "secret")
    out = BytesIO()
    ds.save_as(out)
    done, _made, whole = clean(tmp_path, out.getvalue())
    assert b"secret" not in whole
    assert done["private"] is Done.REMOVED


def test_the_pixels_and_what_they_mean_are_the_same(tmp_path: Path) -> None:
    content = dicom_bytes(side=32)
    _done, made, _whole = clean(tmp_path, content)
    before = dcmread(BytesIO(content))
    assert made.PixelData == before.PixelData
    for keyword in ("Rows", "RescaleIntercept", "WindowCenter", "SOPClassUID", "InstanceNumber"):
        assert made[keyword].value == before[keyword].value


def test_uids_are_renamed_alike_in_one_export_and_not_in_the_next(tmp_path: Path) -> None:
    content = dicom_bytes(StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.3.4", FrameOfReferenceUID="1.2.9")
    done, made, whole = clean(tmp_path, content)
    again = clean(tmp_path, dicom_bytes(StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.3.5"))[1]
    elsewhere = clean(tmp_path, content, b"x" * 32)[1]
    assert made.StudyInstanceUID == again.StudyInstanceUID != elsewhere.StudyInstanceUID
    assert made.SOPInstanceUID == made.file_meta.MediaStorageSOPInstanceUID != again.SOPInstanceUID
    assert str(made.StudyInstanceUID).startswith("2.25.")
    assert len(made.StudyInstanceUID) <= 64
    assert b"1.2.3.4" not in whole
    assert done["(0020,000D) StudyInstanceUID"] is Done.RENAMED
    assert done["(0008,1030) StudyDescription"] is Done.REMOVED
    assert done["(0010,0010) PatientName"] is Done.EMPTIED


@pytest.mark.parametrize(
    "values",
    [
        {"Modality": "US"},
        {"BurnedInAnnotation": "YES"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"Modality": "OT"},
        {"ConversionType": "DF"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        {"Modality": "XC", "BurnedInAnnotation": "NO"},
        {"SOPClassUID": VLPhotographicImageStorage, "Modality": "OT", "BurnedInAnnotation": "NO"},
        {"RecognizableVisualFeatures": "YES", "BurnedInAnnotation": "NO"},
    ],
    ids=["ultrasound", "said", "capture", "other", "film", "screen", "photograph", "photographed", "face"],
)
def test_words_in_the_picture_stay_here(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(Unreadable) as refused:
        clean(tmp_path, dicom_bytes(**values))
    assert refused.value.refusal is Refusal.BURNED_IN


def test_who_says_that_no_words_stand_in_it_is_believed(tmp_path: Path) -> None:
    _done, made, _whole = clean(tmp_path, dicom_bytes(Modality="US", BurnedInAnnotation="NO"))
    assert made.Modality == "US"


@pytest.mark.parametrize("name", sorted(path.name for path in REAL.glob("*.dcm"))[::4])
def test_published_files_are_made_safe_or_refused(tmp_path: Path, name: str) -> None:
    path = REAL / name
    try:
        _done, made = deidentified(path, KEY)
    except Unreadable:
        return
    before, after = dcmread(path, force=True), dcmread(BytesIO(made))
    assert str(after.PatientName) == "Teaching^Case"
    if len(str(before.get("PatientID", ""))) > 4:
        assert str(before.PatientID).encode() not in made
