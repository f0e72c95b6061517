"""What a country says differently: OIDs of its authorities, its value sets, the templates a document claims."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from teleconsult.directory.models import Specialty
from teleconsult.patients.national_ids import NIA, NIR

LOINC: Final = "2.16.840.1.113883.6.1"
CONFIDENTIALITY: Final = "2.16.840.1.113883.5.25"
ACT_CODE: Final = "2.16.840.1.113883.5.4"
FORMAT_CODES: Final = "1.3.6.1.4.1.19376.1.2.3"


@dataclass(frozen=True, slots=True)
class Coded:
    """A concept of a code system, named by its OID."""

    code: str
    display: str
    system: str
    system_name: str = ""


NORMAL: Final = Coded("N", "Normal", CONFIDENTIALITY, "Confidentiality")
RESTRICTED: Final = Coded("R", "Restricted", CONFIDENTIALITY, "Confidentiality")
"""Not everybody who may see what is normal may see this."""
PDF_IN_CDA: Final = Coded("urn:ihe:iti:xds-sd:pdf:2008", "XDS-SD, PDF", FORMAT_CODES)
"""IHE ITI TF-3 §5.2: the body is a PDF, in base64."""
VIRTUAL: Final = Coded("VR", "Virtual", ACT_CODE)


@dataclass(frozen=True, slots=True)
class Country:
    """One country's rules for documents.

    `national_ids` are numbers that only a qualified identity may carry. `practitioners` maps what a registration
    number looks like to what is put before it under the OID of their directory.
    """

    code: str
    realm: str
    languages: Mapping[str, str]
    templates: tuple[str, ...]
    note_type: Coded
    class_code: Coded
    national_ids: frozenset[str]
    practitioner_oid: str = ""
    practitioner_numbers: Mapping[re.Pattern[str], str] = field(default_factory=dict)
    establishment_oid: str = ""
    establishment_numbers: re.Pattern[str] = re.compile(r"(?!)")
    establishment_prefix: str = ""
    doctor: Coded | None = None
    specialties: Mapping[str, Coded] = field(default_factory=dict)
    session_act: Coded | None = None
    session_acts: Mapping[str, Coded] = field(default_factory=dict)
    """Of a specialty that has its own, by our code."""
    written_act: Coded | None = None
    facility: Coded | None = None
    setting: Coded | None = None
    hidden_from_patient: Coded | None = None
    hidden_from_guardians: Coded | None = None


_PROFESSIONS: Final = "1.2.250.1.213.1.1.4.5"
_NGAP: Final = "1.2.250.1.215.200.3.3"
_VISIBILITY: Final = "1.2.250.1.213.1.1.4.13"


def _doctor(code: str, name: str) -> Coded:
    return Coded(f"G15_10/{code}", f"Médecin - {name} (SM)", _PROFESSIONS)


FRANCE: Final = Country(
    code="fr",
    realm="FR",
    languages={"fr": "fr-FR", "en": "en-GB", "vi": "vi-VN"},
    templates=("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20"),
    note_type=Coded("85208-7", "Compte-rendu d'acte de télémédecine", LOINC, "LOINC"),
    class_code=Coded("10", "Compte rendu", "1.2.250.1.213.1.1.4.1"),
    national_ids=frozenset({NIR, NIA}),
    practitioner_oid="1.2.250.1.71.4.2.1",
    practitioner_numbers={re.compile(r"\d{11}", re.ASCII): "8", re.compile(r"\d[0-9A-Z]{8}", re.ASCII): "0"},
    establishment_oid="1.2.250.1.71.4.2.2",
    establishment_numbers=re.compile(r"(\d\d|2[AB])\d{7}", re.ASCII),
    establishment_prefix="1",
    doctor=Coded("G15_10", "Médecin", _PROFESSIONS),
    specialties={
        Specialty.NEUROLOGY: _doctor("SM32", "Neurologie"),
        Specialty.TRAUMA: _doctor("SM08", "Chirurgie orthopédique et Traumatologie"),
        Specialty.CARDIOLOGY: _doctor("SM04", "Cardiologie et Maladies vasculaires"),
        Specialty.DERMATOLOGY: _doctor("SM15", "Dermatologie et Vénéréologie"),
        Specialty.PAEDIATRICS: _doctor("SM40", "Pédiatrie"),
        Specialty.GENERAL: _doctor("SM54", "Médecine générale"),
    },
    session_act=Coded("TC", "Téléconsultation", _NGAP, "NGAP"),
    session_acts={Specialty.GENERAL: Coded("TCG", "Téléconsultation du médecin généraliste", _NGAP, "NGAP")},
    written_act=Coded("TE2", "Téléexpertise", _NGAP, "NGAP"),
    facility=Coded("SA01", "Etablissement public de santé", "1.2.250.1.71.4.2.4", "healthCareFacilityTypeCode"),
    setting=Coded("ETABLISSEMENT", "Établissement de santé", "1.2.250.1.213.1.1.4.9", "practiceSettingCode"),
    hidden_from_patient=Coded("INVISIBLE_PATIENT", "Non visible par le patient", _VISIBILITY),
    hidden_from_guardians=Coded(
        "INVISIBLE_REPRESENTANTS_LEGAUX", "Non visible par les représentants légaux du patient", _VISIBILITY
    ),
)
"""ANS, CI-SIS: volet Structuration minimale de documents de santé, volet Télémédecine (TLM-CR); NOS TRE_R38,
TRE_A01, TRE_R02, TRE_A03, TRE_A07 (who may see it); NGAP (TCG of general practitioners, TC of others, TE2 of
advice); an RPPS number is written with an 8 before it, an ADELI number with a 0, a FINESS number with a 1."""

GENERIC: Final = Country(
    code="generic",
    realm="",
    languages={"fr": "fr", "en": "en", "vi": "vi"},
    templates=(),
    note_type=Coded("11488-4", "Consult note", LOINC, "LOINC"),
    class_code=Coded("11488-4", "Consult note", LOINC, "LOINC"),
    national_ids=frozenset({NIR, NIA}),
)
"""HL7 CDA R2 alone."""

COUNTRIES: Final[Mapping[str, Country]] = {country.code: country for country in (FRANCE, GENERIC)}
