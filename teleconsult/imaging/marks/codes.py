"""The coded terms of a measurement report (PS3.16 TID 1500): those we write, and those of others that we know."""

from typing import Final

from pydicom.sr.coding import Code

from teleconsult.imaging.marks.models import Kind, Quantity, Unit

LENGTH: Final = Code("410668003", "SCT", "Length")
ANGLE: Final = Code("1483009", "SCT", "Angle")
AREA: Final = Code("42798000", "SCT", "Area")
ATTENUATION: Final = Code("112031", "DCM", "Attenuation Coefficient")
"""Of pixels in Hounsfield units, derived from many (CID 7464)."""

NAMES: Final = {Quantity.LENGTH: LENGTH, Quantity.ANGLE: ANGLE, Quantity.AREA: AREA}
DERIVATIONS: Final = {
    Quantity.MEAN: Code("373098007", "SCT", "Mean"),
    Quantity.MIN: Code("255605001", "SCT", "Minimum"),
    Quantity.MAX: Code("56851009", "SCT", "Maximum"),
}
UNITS: Final = {
    Unit.MM: Code("mm", "UCUM", "millimeter"),
    Unit.MM2: Code("mm2", "UCUM", "square millimeter"),
    Unit.PIXELS: Code("{pixels}", "UCUM", "pixels"),
    Unit.SQUARE_PIXELS: Code("{square_pixels}", "UCUM", "square pixels"),
    Unit.DEGREES: Code("deg", "UCUM", "degree"),
    Unit.HOUNSFIELD: Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
}
AT_DETECTOR: Final = Code("at-detector", "99TELECONSULT", "Measured in the plane of the detector")
"""The method of a measurement whose mm are not those of the patient."""

PROCEDURE: Final = Code("363679005", "SCT", "Imaging procedure")

KNOWN_NAMES: Final = {
    ("410668003", "SCT"): Kind.LENGTH,
    ("G-D7FE", "SRT"): Kind.LENGTH,
    ("103339001", "SCT"): Kind.LENGTH,
    ("G-A185", "SRT"): Kind.LENGTH,
    ("103340004", "SCT"): Kind.LENGTH,
    ("G-A186", "SRT"): Kind.LENGTH,
    ("81827009", "SCT"): Kind.LENGTH,
    ("M-02550", "SRT"): Kind.LENGTH,
    ("1483009", "SCT"): Kind.ANGLE,
    ("G-A160", "SRT"): Kind.ANGLE,
    ("42798000", "SCT"): Kind.AREA,
    ("G-A166", "SRT"): Kind.AREA,
}
"""Length, its long and short axis and a diameter; angle; area. By code value and scheme, the retired ones as well."""
KNOWN_DERIVATIONS: Final = {
    **{(code.value, code.scheme_designator): quantity for quantity, code in DERIVATIONS.items()},
    ("R-00317", "SRT"): Quantity.MEAN,
    ("R-404FB", "SRT"): Quantity.MIN,
    ("G-A437", "SRT"): Quantity.MAX,
}
KNOWN_UNITS: Final = {code.value: unit for unit, code in UNITS.items()}
