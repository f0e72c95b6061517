"""A strict reader of what we write: RFC 5545's lines and cardinalities, RFC 5546's tables for each method."""

import re
from typing import Final

LINE: Final = re.compile(
    r"([A-Z0-9-]+)((?:;[A-Z0-9-]+=(?:\"[^\"]*\"|[^\";:,]*)(?:,(?:\"[^\"]*\"|[^\";:,]*))*)*):(.*)", re.S
)
ONCE: Final = {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "SEQUENCE", "STATUS", "ORGANIZER", "CLASS", "TRANSP"}
MUST: Final = {
    "REQUEST": {"UID", "DTSTAMP", "DTSTART", "SEQUENCE", "ORGANIZER", "ATTENDEE", "SUMMARY"},
    "CANCEL": {"UID", "DTSTAMP", "SEQUENCE", "ORGANIZER", "ATTENDEE"},
    None: {"UID", "DTSTAMP", "DTSTART"},
}
"""RFC 5546 §3.2.2 and §3.2.5; RFC 5545 §3.6.1 where there is no method."""
STATUS: Final = {"REQUEST": {"CONFIRMED", "TENTATIVE"}, "CANCEL": {"CANCELLED"}, None: {"CONFIRMED", "TENTATIVE"}}
UTC: Final = re.compile(r"\d{8}T\d{6}Z")


def read_strictly(data: bytes) -> tuple[str | None, list[dict[str, list[tuple[str, str]]]]]:
    """The method and the events: property to (parameters, value). Raises AssertionError at the first thing wrong."""
    text = data.decode("utf-8")
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", ""), "every line ends with CRLF (§3.1)"
    assert "\x00" not in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n")), "lines are folded at 75 octets (§3.1)"
    lines = [_property(line) for line in text.replace("\r\n ", "").split("\r\n")[:-1]]
    assert lines[0] == ("BEGIN", "", "VCALENDAR")
    assert lines[-1] == ("END", "", "VCALENDAR")
    head = [line for line in lines if line[0] in ("PRODID", "VERSION", "METHOD", "CALSCALE")]
    assert [value for name, _, value in head if name == "VERSION"] == ["2.0"]
    assert sum(name == "PRODID" for name, *_ in head) == 1
    methods = [value for name, _, value in head if name == "METHOD"]
    assert len(methods) <= 1
    method = methods[0] if methods else None
    events: list[dict[str, list[tuple[str, str]]]] = []
    for name, parameters, value in lines:
        if (name, value) == ("BEGIN", "VEVENT"):
            events.append({})
        elif events and (name, value) not in (("END", "VEVENT"), ("END", "VCALENDAR")):
            events[-1].setdefault(name, []).append((parameters, value))
    for event in events:
        _check(event, method)
    return method, events


def _property(line: str) -> tuple[str, str, str]:
    found = LINE.fullmatch(line)
    assert found is not None, line
    name, parameters, value = found.groups()
    if name in ("SUMMARY", "DESCRIPTION", "LOCATION"):
        assert not re.search(r"(?<!\\)[;,]", value.replace("\\\\", "")), "text is escaped (§3.3.11)"
    return name, parameters, value


def _check(event: dict[str, list[tuple[str, str]]], method: str | None) -> None:
    assert set(event) >= MUST[method]
    assert all(len(values) == 1 for name, values in event.items() if name in ONCE)
    for name in ("DTSTAMP", "DTSTART", "DTEND", "LAST-MODIFIED"):
        for parameters, value in event.get(name, []):
            assert "TZID" not in parameters
            assert UTC.fullmatch(value), f"{name} is in UTC, so that no VTIMEZONE is wanted (§3.3.5)"
    assert event["DTEND"][0][1] > event["DTSTART"][0][1]
    assert event["STATUS"][0][1] in STATUS[method]
    assert event["SEQUENCE"][0][1].isdigit()
    for name in ("ORGANIZER", "ATTENDEE"):
        assert all(value.startswith("mailto:") for _, value in event.get(name, []))
