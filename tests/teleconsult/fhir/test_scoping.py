"""What each interaction needs of a system's scopes."""

import uuid
from dataclasses import replace

import pytest

from teleconsult.accounts.actor import SYSTEM
from teleconsult.fhir.asking import Asked, Pairs
from teleconsult.fhir.scoping import LETTER_OF, MissingScope, needed, require_scope

HERE = "https://ours.test/fhir"


def asked(path: str, parameters: Pairs = (), *, method: str = "GET", if_none_exist: str = "") -> Asked:
    return Asked(
        method=method,
        segments=tuple(path.split("/")),
        server=HERE,
        naming=HERE,
        parameters=parameters,
        if_none_exist=if_none_exist,
    )


def needs(what: Asked, interaction: str) -> str:
    """As one word each: `Observation.r`."""
    return " ".join(f"{kind}.{letter}" for kind, letter in needed(what, interaction))


@pytest.mark.parametrize("interaction", sorted(LETTER_OF))
def test_each_needs_its_letter_on_its_own_kind(interaction: str) -> None:
    assert needs(asked("Patient/1"), interaction).startswith(f"Patient.{LETTER_OF[interaction]}")


@pytest.mark.parametrize(
    ("parameter", "besides"),
    [
        (("code", "1"), ""),
        (("code:in", "1"), ""),
        (("patient", "1"), ""),
        (("_include", "Observation:patient"), "Patient.r"),
        (("_include", "Observation:subject:Patient"), "Patient.r"),
        (("_include", "MedicationStatement:context"), "Encounter.r"),
        (("_include:iterate", "Observation:encounter"), "Encounter.r"),
        (("_include", "Observation:performer"), "*.r"),
        (("_include", "Observation:performer:Practitioner"), "Practitioner.r"),
        (("_include", "*"), "*.r"),
        (("_include", ""), "*.r"),
        (("_revinclude", "Condition:encounter"), "Condition.r Condition.s"),
        (("_revinclude:iterate", "Condition:encounter"), "Condition.r Condition.s"),
        (("_revinclude", "*"), "*.r *.s"),
        (("_has:Condition:patient:code", "1"), "Condition.s"),
        (("_has", "1"), "*.s"),
        (("patient.identifier", "a|1"), "Patient.s"),
        (("subject:Patient.identifier", "a|1"), "Patient.s"),
        (("patient:identifier", "a|1"), "Patient.s"),
        (("encounter.type", "1"), "Encounter.s"),
        (("performer.name", "x"), "*.s"),
    ],
)
def test_a_search_needs_what_it_looks_at_and_brings_along(parameter: tuple[str, str], besides: str) -> None:
    assert needs(asked("Observation", [parameter]), "search-type") == f"Observation.s {besides}".strip()


def test_a_condition_is_a_search_too() -> None:
    assert needs(asked("Goal", method="POST"), "create") == "Goal.c"
    assert needs(asked("Goal", [("_format", "json")], method="POST"), "create") == "Goal.c"
    assert needs(asked("Goal", method="POST", if_none_exist="identifier=a|1"), "create") == "Goal.c Goal.s"
    assert needs(asked("Goal", [("identifier", "a|1")], method="POST"), "create") == "Goal.c Goal.s"
    assert needs(asked("Goal", [("identifier", "a|1")], method="PUT"), "update") == "Goal.u Goal.s Goal.c"
    assert needs(asked("Goal/1", method="PUT"), "update") == "Goal.u"


def test_everything_is_every_kind_unless_some_are_named() -> None:
    path = "Patient/1/$everything"
    assert needs(asked(path), "$everything") == "Patient.r *.r *.s"
    assert needs(asked(path, [("_type", "")]), "$everything") == "Patient.r *.r *.s"
    named = [("_type", "Goal,Device"), ("_type", "Claim")]
    assert needs(asked(path, named), "$everything") == "Patient.r Goal.r Goal.s Device.r Device.s Claim.r Claim.s"


def test_what_has_no_letter_is_refused_to_every_system() -> None:
    registry = replace(SYSTEM, is_system=False, scope=frozenset({"system/*.crus"}), client_id=uuid.uuid4())
    with pytest.raises(MissingScope, match="scope") as caught:
        require_scope(registry, asked("Patient/1"), "$unheard-of")
    assert caught.value.values == {"scope": "system/*.d"}
    require_scope(registry, asked("Patient/1"), "read")


def test_who_is_no_system_has_no_scopes_to_lack() -> None:
    require_scope(SYSTEM, asked("Patient/1"), "read")
