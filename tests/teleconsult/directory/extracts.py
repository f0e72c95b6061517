"""Extracts of the national directory, as annuaire.sante.fr words them; the people are invented."""

from collections.abc import Iterable
from pathlib import Path

HEADER = (
    "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|"
    "Libellé civilité d'exercice|Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession|"
    "Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|"
    "Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice|"
    "Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique|"
    "Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site|"
    "Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|"
    "Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|"
    "Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|"
    "Mention distribution (coord. structure)|Bureau cedex (coord. structure)|Code postal (coord. structure)|"
    "Code commune (coord. structure)|Libellé commune (coord. structure)|Code pays (coord. structure)|"
    "Libellé pays (coord. structure)|Téléphone (coord. structure)|Téléphone 2 (coord. structure)|"
    "Télécopie (coord. structure)|Adresse e-mail (coord. structure)|Code Département (structure)|"
    "Libellé Département (structure)|Ancien identifiant de la structure|Autorité d'enregistrement|"
    "Code secteur d'activité|Libellé secteur d'activité|Code section tableau pharmaciens|"
    "Libellé section tableau pharmaciens|Code rôle|Libellé rôle|Code genre activité|Libellé genre activité"
)
WIDTH = HEADER.count("|") + 1


def line(
    number: str, family: str, given: str, *, title: str = "Docteur", profession: str = "Médecin", kind: str = "8"
) -> str:
    """One activity of a person."""
    fields = [kind, number, kind + number, "DR", title, "M", "Monsieur", family, given, "10", profession, "C", "Civil"]
    fields += ["S", "Spécialité ordinale", "SM26", "Qualifié en médecine générale", "L", "Libéral"]
    return "|".join(fields + [""] * (WIDTH - len(fields)))


def quoted(text: str) -> str:
    """The same line with every field in quotes."""
    return "|".join(f'"{field}"' for field in text.split("|"))


def write(path: Path, lines: Iterable[str | bytes], *, header: str | bytes = HEADER) -> Path:
    """An extract with these lines."""
    rows = [header, *lines]
    path.write_bytes(b"".join((row if isinstance(row, bytes) else row.encode()) + b"\n" for row in rows))
    return path
