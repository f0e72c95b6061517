"""Names of professionals as they are compared in the database: as `patients.names.fold` does it in Python."""

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import InstrumentedAttribute


def folded(name: InstrumentedAttribute[str]) -> ColumnElement[str]:
    """The name without accents, case, hyphens or spaces too many."""
    plain = func.regexp_replace(func.pg_catalog.normalize(name, "NFKD"), "[\u0300-\u036f]", "", "g")
    plain = func.lower(func.translate(plain, "ĐđÐðØøŁłı", "ddddoolli"))
    for ligature, letters in (("æ", "ae"), ("Æ", "ae"), ("œ", "oe"), ("Œ", "oe")):
        plain = func.replace(plain, ligature, letters)
    return func.btrim(func.regexp_replace(plain, "[^[:alnum:]]+", " ", "g"))
