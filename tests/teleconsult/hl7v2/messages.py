"""Messages as senders write them."""

MSH = "MSH|^~\\&|LAB|{facility}|TELECONSULT||20260301101500||{kind}|{control}|P|2.5.1||||||UNICODE UTF-8"
PID = (
    "PID|1||{number}^^^{facility}^PI||{family}^{given}||{born}|{gender}|||"
    "12 rue du Quai^^Blanc-Sablon^QC^G0G1C0||418-555-0101"
)


def admission(event: str = "A28", *, control: str = "1", visit: str = "", **traits: str) -> bytes:
    """An ADT message about `traits` (number, family, given, born, gender)."""
    lines = [_header(f"ADT^{event}^ADT_A01", control), "EVN||20260301101500", _patient(**traits)]
    return "\r".join([*lines, *([visit] if visit else [])]).encode()


def visit(number: str = "V1", *, begun: str = "20260301090000", ended: str = "", kind: str = "E") -> str:
    """A PV1: field 2 class, 19 visit number, 44 and 45 its times."""
    fields = ["PV1", "1", kind, "URG^4^2", *[""] * 15, number, *[""] * 24, begun, ended]
    return "|".join(fields)


def result(
    *,
    control: str = "1",
    order: str = "L-77",
    value: str = "5.4",
    kind: str = "NM",
    status: str = "F",
    facility: str = "HOSP",
    **traits: str,
) -> bytes:
    """An ORU^R01 with one order, glucose and a remark."""
    lines = [
        _header("ORU^R01^ORU_R01", control, facility),
        _patient(**traits),
        f"OBR|1||{order}|24323-8^Metabolic panel^LN|||20260301100000|||||||||||||||20260301101000|||{status}",
        f"OBX|1|{kind}|2345-7^Glucose^LN||{value}|mmol/L^^UCUM|3.9-5.5|H|||{status}",
        "NTE|1||Fasting",
    ]
    return "\r".join(lines).encode()


def _header(kind: str, control: str, facility: str = "HOSP") -> str:
    return MSH.format(kind=kind, control=control, facility=facility)


def _patient(
    number: str = "A-1", family: str = "Gagné", given: str = "Luc", born: str = "19800502", gender: str = "M"
) -> str:
    return PID.format(facility="HOSP", number=number, family=family, given=given, born=born, gender=gender)
