"""Resources as words."""

import base64
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.records.elements import narrative_text, period_text
from teleconsult.records.measures import Flag, Measure, measures_in
from teleconsult.records.models import ResourceType
from teleconsult.records.reading import Label, Line, read

POTASSIUM: dict[str, Any] = {
    "resourceType": "Observation",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]},
    "valueQuantity": {"value": 6.1, "unit": "mmol/L"},
    "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
}


def test_a_value_has_its_unit_range_and_flag() -> None:
    reading = read(POTASSIUM)
    assert (reading.icon, reading.title) == ("lab", "Potassium")
    assert reading.measures == (Measure("Potassium", 6.1, "mmol/L", low=3.5, high=5.1, flag=Flag.HIGH),)
    assert reading.measures[0].is_out_of_range


@pytest.mark.parametrize(
    ("changed", "flag"),
    [
        ({"valueQuantity": {"value": 4}}, Flag.NORMAL),
        ({"valueQuantity": {"value": 3.4}}, Flag.LOW),
        ({"interpretation": [{"coding": [{"code": "HH"}]}]}, Flag.CRITICALLY_HIGH),
        ({"interpretation": [{"coding": [{"code": "?"}]}]}, Flag.HIGH),
        ({"referenceRange": []}, None),
        ({"referenceRange": [{"high": {"value": 7}}]}, Flag.NORMAL),
    ],
)
def test_a_flag_is_what_was_said_or_what_the_range_says(changed: dict[str, Any], flag: Flag | None) -> None:
    assert measures_in({**POTASSIUM, **changed})[0].flag is flag


def test_components_are_measures_too() -> None:
    pressure = {
        "code": {"text": "Tension artérielle"},
        "component": [
            {"code": {"text": "Systolique"}, "valueQuantity": {"value": 182, "unit": "mmHg"}},
            {"code": {"text": "Diastolique"}, "valueQuantity": {"value": 95, "unit": "mmHg"}},
        ],
    }
    assert [(measure.name, measure.value) for measure in measures_in(pressure)] == [
        ("Systolique", 182),
        ("Diastolique", 95),
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"valueString": "absent"}, "absent"),
        ({"valueCodeableConcept": {"coding": [{"code": "260373001", "display": "Détecté"}]}}, "Détecté"),
        ({"valueInteger": 15}, 15),
        ({"valueQuantity": {"value": 0, "unit": "mL"}}, 0),
    ],
)
def test_values_come_in_many_kinds(value: dict[str, Any], shown: object) -> None:
    [measure] = measures_in({"code": {"text": "x"}, **value})
    assert measure.value == shown


def test_a_report_shows_its_panel_and_its_conclusion() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "code": {"text": "Électrolytes"},
        "contained": [POTASSIUM, {"resourceType": "Practitioner"}],
        "conclusion": "Hyperkaliémie.",
    }
    reading = read(report)
    assert (reading.title, reading.text, len(reading.measures)) == ("Électrolytes", "Hyperkaliémie.", 1)


def test_a_problem_shows_its_code_and_whether_it_is_over() -> None:
    problem = {
        "resourceType": "Condition",
        "code": {"text": "Fibrillation auriculaire", "coding": [{"code": "I48.0"}]},
        "clinicalStatus": {"coding": [{"code": "resolved"}]},
        "onsetDateTime": "2019-04-02T00:00:00Z",
    }
    reading = read(problem)
    assert reading.lines == (
        Line(Label.CODE, "I48.0"),
        Line(Label.STATUS, "resolved"),
        Line(Label.ONSET, "2019-04-02"),
    )
    assert reading.is_over


def test_a_grave_allergy_is_urgent() -> None:
    reading = read(
        {
            "resourceType": "AllergyIntolerance",
            "code": {"text": "Pénicilline"},
            "criticality": "high",
            "reaction": [{"manifestation": [{"text": "Anaphylaxie"}], "description": "2011"}],
        }
    )
    assert reading.is_urgent
    assert Line(Label.REACTION, "Anaphylaxie. 2011") in reading.lines


def test_a_letter_in_plain_text_is_read_and_another_is_not() -> None:
    def letter(kind: str, content: bytes) -> dict[str, Any]:
        data = base64.b64encode(content).decode()
        return {"resourceType": "DocumentReference", "content": [{"attachment": {"contentType": kind, "data": data}}]}

    assert read(letter("text/plain; charset=utf-8", "Chère collègue".encode())).text == "Chère collègue"
    assert read(letter("application/pdf", b"%PDF")).text == ""
    assert read(letter("text/plain", b"\xff\xfe")).text == ""


def test_a_study_of_images_tells_where_to_open_it() -> None:
    study = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
        "description": "TDM cérébrale",
        "modality": [{"code": "CT"}],
        "numberOfInstances": 120,
        "series": [{"bodySite": {"display": "Tête"}}, {"bodySite": {"display": "Tête"}}],
    }
    reading = read(study)
    assert reading.study_uid == "1.2.3"
    assert reading.lines == (Line(Label.MODALITY, "CT"), Line(Label.BODY_SITE, "Tête"), Line(Label.IMAGES, "120"))


def test_a_narrative_becomes_lines_without_markup() -> None:
    div = "<div xmlns='x'><p>Premier &amp; seul</p><script>alert(1)</script><ul><li>a</li><li>b</li></ul></div>"
    assert narrative_text({"div": div}) == "Premier & seul\na\nb"


def test_a_narrative_is_read_as_it_is_meant() -> None:
    div = (
        "<div><!-- no > word --><?xml no?><style>b {x: y}</style><p title='a > b'>K 7.1, <b>high</b>: 2 < 3 &gt; 1</p>"
    )
    assert narrative_text({"div": div + "<script>no</script><P>end"}) == "K 7.1, high: 2 < 3 > 1\nend"


@pytest.mark.parametrize(
    "bomb", ["<a ", "<!--", "<a b='", "</", "<a/", "<a =", "<script", "<![if", "<a", "a", "<?", "&#9", '<a "x" ', "<p>"]
)
def test_no_narrative_takes_long(bomb: str) -> None:
    """A server answers nobody else meanwhile."""
    began = time.process_time()
    narrative_text({"div": bomb * (250_000 // len(bomb))})
    assert time.process_time() - began < 10, "in proportion; else it were minutes"


def test_a_number_beyond_all_characters_is_none() -> None:
    assert narrative_text({"div": f"a &#{'9' * 5000}; b &#x{'f' * 5000} &#233;"}) == "a \ufffd b \ufffd é"


@pytest.mark.parametrize(
    ("period", "text"),
    [
        ({"start": "2024-03-01T10:00:00Z", "end": "2024-03-08"}, "2024-03-01 → 2024-03-08"),
        ({"start": "2024-03-01", "end": "2024-03-01"}, "2024-03-01"),
        ({"start": "2024-03-01"}, "2024-03-01 →"),
        ({"end": "2024-03-08"}, "→ 2024-03-08"),
        ({}, ""),
        ("odd", ""),
    ],
)
def test_a_period_may_be_open(period: object, text: str) -> None:
    assert period_text(period) == text


ELEMENTS = """
code coding text display type status clinicalStatus onsetDateTime reaction manifestation criticality dosage
period start end value valueQuantity unit referenceRange low high interpretation component contained
conclusion content attachment contentType data description modality series bodySite identifier system section
div note medicationCodeableConcept vaccineCode protocolApplied reasonCode resourceType
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ELEMENTS.split()), inner, max_size=6),
    max_leaves=25,
)


@given(resource=JSON, kind=st.sampled_from([*ResourceType, "Unknown"]))
def test_no_resource_is_too_odd_to_read(resource: object, kind: str) -> None:
    read(resource)
    if isinstance(resource, dict):
        read({**resource, "resourceType": kind})
