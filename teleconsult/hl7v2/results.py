"""ORU^R01: what the laboratory found goes into the patient's file, and a correction becomes its next version."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.hl7v2.filing import Filing
from teleconsult.hl7v2.identity import known_patient
from teleconsult.hl7v2.observations import measured_at, observation, report, title_of
from teleconsult.hl7v2.reading import MISSING, SEQUENCE, Fault, Message, Segment, moment_in

MOST_RESULTS: Final = 1_000
WITHDRAWN: Final = "Withdrawn by the laboratory."


@dataclass
class Order:
    """An OBR, the results under it, and the remarks to each (NTE)."""

    obr: Segment
    remarks: list[str] = field(default_factory=list)
    results: list[tuple[Segment, list[str]]] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The laboratory's own, else that of who ordered. Raises Fault."""
        number = self.obr.text(3) or self.obr.text(2)
        if not number:
            raise Fault(MISSING, "A field is missing.", where="OBR-3")
        return number


async def take_results(session: AsyncSession, actor: Actor, message: Message, *, zone: ZoneInfo, source: str) -> None:
    """File every result, and one report an order. Raises Fault, with nothing filed."""
    patient = await known_patient(session, actor, message.first("PID"))
    written = moment_in(message.header, 7, zone)
    orders = list(orders_of(message))
    if not orders:
        raise Fault(SEQUENCE, "A segment is missing.", where="OBR")
    if written is None:
        raise Fault(MISSING, "A field is missing.", where="MSH-7")
    filing = Filing(session, actor, patient.id, message.facility, source)
    for order in orders:
        whole = report(order.obr, zone=zone, remarks="\n".join(order.remarks))
        found = {
            f"{order.number}#{obx.text(3)}#{obx.text(4)}": observation(
                obx, obr=order.obr, zone=zone, remarks="\n".join(remarks)
            )
            for obx, remarks in order.results
        }
        before = await filing.known(order.number, *found)
        filed = [
            await filing.put(
                resource,
                number=number,
                before=before.get(number),
                title=title_of(resource),
                effective_at=measured_at(resource, written),
                wrong=WITHDRAWN if resource["status"] == "entered-in-error" else "",
            )
            for number, resource in found.items()
        ]
        if filed:
            whole["result"] = [{"reference": f"Observation/{entry.id}"} for entry in filed]
        await filing.put(
            whole,
            number=order.number,
            before=before.get(order.number),
            title=title_of(whole),
            effective_at=measured_at(whole, written),
            wrong=WITHDRAWN if whole["status"] == "entered-in-error" else "",
        )


def orders_of(message: Message) -> Iterator[Order]:
    """OBR with its OBX and NTE, in order (HL7 v2.5.1 §7.3.1). Raises Fault for results without an order."""
    order: Order | None = None
    count = 0
    for segment in message.segments:
        if segment.name == "OBR":
            if order:
                yield order
            order = Order(segment)
        elif segment.name == "OBX":
            count += 1
            if order is None or count > MOST_RESULTS:
                raise Fault(SEQUENCE, "A result stands before its order, or there are too many.", where="OBX")
            order.results.append((segment, []))
        elif segment.name == "NTE" and order:
            remarks = order.results[-1][1] if order.results else order.remarks
            remarks.append(segment.text(3))
    if order:
        yield order
